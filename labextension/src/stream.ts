/** Keeps one display on a stage: watches it, connects, keeps its last frame. */
import { Backoff } from './backoff';
import { Connection, type Phase } from './connection';
import type { Rect } from './geometry';
import { RfbSession } from './rfb_session';
import type { Stage } from './stage';
import type { Subject } from './subject';
import { isX11vnc, type DisplayInfo, type Disposer, type Size, type Transport } from './types';

/** What the stage shows of the display. */
export type Frame = 'none' | 'live' | 'still';

export interface StreamListener {
  phase(phase: Phase): void;
  /** There is news of the subject. */
  info(): void;
  /** `parts`: see `Stage.setLayout`. */
  layout(size: Size, parts?: Rect[]): void;
  frame(frame: Frame): void;
  clipboard(text: string): void;
}

export class Stream {
  private readonly connection: Connection;
  private session: RfbSession | null = null;
  private frame: Frame = 'none';
  /** Whether the server sends exactly what rests. */
  private refines = true;
  /** Whether the server tells what the framebuffer consists of. */
  private tellsLayout = false;
  private windowWasThere = false;
  private askedForLast = false;
  private unwatch: Disposer;

  constructor(
    private readonly transport: Transport,
    private readonly stage: Stage,
    private readonly subject: Subject,
    private readonly listener: StreamListener,
  ) {
    this.connection = new Connection(
      {
        open: this.open,
        close: this.close,
        explain: (opened) => transport.explain(opened),
        after: (delayMs, callback) => {
          const timer = setTimeout(callback, delayMs);
          return () => {
            clearTimeout(timer);
          };
        },
      },
      (phase) => {
        listener.phase(phase);
        if (['over', 'ended', 'gone'].includes(phase.kind)) {
          void this.showLastPicture();
        }
      },
      new Backoff(),
      subject.windowId !== 0,
    );
    this.unwatch = this.watch();
    window.addEventListener('online', this.retry);
  }

  /** The canvas that noVNC draws on and listens at; null while there is no connection. */
  get canvas(): HTMLCanvasElement | null {
    return this.session?.canvas ?? null;
  }

  get phase(): Phase {
    return this.connection.phase;
  }

  sendKey(keysym: number): void {
    this.session?.sendKey(keysym);
  }

  setClipboard(text: string): void {
    this.session?.setClipboard(text);
  }

  setVisible(visible: boolean): void {
    this.connection.setVisible(visible);
  }

  setWanted(wanted: boolean): void {
    this.connection.setWanted(wanted);
  }

  setInfo(info: DisplayInfo): void {
    this.refines = !isX11vnc(info.chosen?.stream);
    this.subject.setInfo(info);
    this.listener.info();
    const isThere = this.subject.window !== undefined;
    this.windowWasThere ||= isThere;
    // One that was never there may be newer than this info.
    if (this.windowWasThere && info.state === 'running') {
      this.connection.setOver(!isThere);
    }
    this.connection.setInfo(info);
  }

  /** Asks for another size of the screen or window in pixels. */
  resize(size: Size): void {
    this.session?.resize(size);
  }

  /** Tries at once, also where nothing could be done before. */
  readonly retry = (): void => {
    const { kind } = this.connection.phase;
    if (kind === 'ended' || kind === 'gone') {
      this.unwatch();
      this.unwatch = this.watch();
    }
    this.connection.retryNow();
  };

  /** A PNG of what is shown; null where nothing is. */
  async screenshot(): Promise<Blob | null> {
    const still = this.stage.stillCanvas;
    if (still) {
      return new Promise((resolve) => {
        still.toBlob(resolve, 'image/png');
      });
    }
    return (await this.session?.screenshot()) ?? null;
  }

  dispose(): void {
    window.removeEventListener('online', this.retry);
    this.unwatch();
    this.connection.dispose();
  }

  private watch(): Disposer {
    return this.transport.watch({
      info: (info) => {
        this.setInfo(info);
      },
      gone: (problem) => {
        this.connection.setGone(problem);
      },
    });
  }

  private readonly open = (): void => {
    this.tellsLayout = false;
    const channel = this.transport.openRfb();
    const { patienceMs } = this.transport;
    this.session = new RfbSession(this.stage.target, channel, patienceMs, this.refines, {
      resized: (size) => {
        if (!this.tellsLayout) {
          this.listener.layout(size);
        }
      },
      layout: (size, parts) => {
        this.tellsLayout = true;
        this.listener.layout(size, parts);
      },
      firstFrame: () => {
        this.stage.dropStill();
        this.setFrame('live');
        this.connection.opened();
      },
      lost: (closing) => {
        this.keepStill();
        this.connection.lost(closing);
      },
      clipboard: (text) => {
        this.listener.clipboard(text);
      },
    });
  };

  private readonly close = (): void => {
    this.session?.disconnect();
    this.keepStill();
  };

  private keepStill(): void {
    if (this.session && this.frame === 'live') {
      this.stage.keepStill(this.session.canvas);
      this.setFrame('still');
    }
    this.session = null;
  }

  /** Of what went before it was seen here: out of sight, or on a page that was just loaded. */
  private async showLastPicture(): Promise<void> {
    if (this.showsSomething() || this.askedForLast) {
      return;
    }
    this.askedForLast = true;
    const picture = await this.transport.lastPicture(this.subject.pid);
    const canvas = picture && (await canvasOf(picture));
    if (canvas && !this.showsSomething()) {
      this.listener.layout(canvas);
      this.stage.keepStill(canvas);
      this.setFrame('still');
    }
  }

  private showsSomething(): boolean {
    return this.frame !== 'none';
  }

  private setFrame(frame: Frame): void {
    this.frame = frame;
    this.listener.frame(frame);
  }
}

async function canvasOf(picture: Blob): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(picture);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}
