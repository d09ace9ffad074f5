/** One RFB connection: noVNC on one channel, from its handshake to its end. */
import RFB from '@novnc/novnc';
import type { Rect } from './geometry';
import { FirstFrame, withOpaqueCanvas } from './novnc_canvas';
import { followLayout, setDesktopSize } from './novnc_layout';
import { PROTOCOL_ERROR, type Closing, type RfbChannel, type Size } from './types';

export interface SessionListener {
  /** The framebuffer has a new size; also at the start. */
  resized(size: Size): void;
  /** What the framebuffer consists of, where the server tells: a window, its pop-ups. */
  layout(size: Size, parts: Rect[]): void;
  /** The first whole frame is on the canvas. */
  firstFrame(): void;
  /** It ended, but not by `disconnect`. */
  lost(closing: Closing): void;
  /** A program on the display has set the clipboard. */
  clipboard(text: string): void;
}

/** For a server that sends what rests exactly: this is only seen while it moves. */
const QUALITY_IN_MOTION = 6;

/** For x11vnc, where it stays; fine enough for text and plots. */
const QUALITY_THAT_STAYS = 8;

/** No close code at all. */
const TIMED_OUT = 0;

export class RfbSession {
  readonly canvas: HTMLCanvasElement;
  private readonly rfb: RFB;
  private readonly resizes: MutationObserver;
  /** Stays where noVNC gives up without a close of the channel. */
  private closing = { code: PROTOCOL_ERROR, reason: '' };
  private opened = false;
  private frameCheck = 0;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private over = false;

  constructor(
    target: HTMLElement,
    private readonly channel: RfbChannel,
    patienceMs: number | null,
    refines: boolean,
    private readonly listener: SessionListener,
  ) {
    this.rfb = withOpaqueCanvas(() => new RFB(target, channel, { shared: true }));
    this.rfb.background = 'transparent';
    this.rfb.scaleViewport = true;
    this.rfb.showDotCursor = true;
    this.rfb.qualityLevel = refines ? QUALITY_IN_MOTION : QUALITY_THAT_STAYS;
    // The view's own field takes the focus: see keyboard.ts.
    this.rfb.focusOnClick = false;
    followLayout(this.rfb, (size, parts) => {
      this.listener.layout(size, parts);
    });
    const canvas = target.querySelector('canvas');
    if (!canvas) {
      throw new Error('noVNC made no canvas');
    }
    this.canvas = canvas;
    this.resizes = new MutationObserver(() => {
      this.resized();
    });
    this.listen(channel);
    if (patienceMs !== null) {
      this.patience = setTimeout(() => {
        this.giveUp(TIMED_OUT, 'The RFB server does not answer.');
      }, patienceMs);
    }
  }

  /** A PNG of the framebuffer. */
  screenshot(): Promise<Blob | null> {
    return new Promise((resolve) => {
      this.rfb.toBlob(resolve, 'image/png');
    });
  }

  /** Gives text to the display's clipboard; noVNC sends "?" for what Latin-1 lacks. */
  setClipboard(text: string): void {
    this.rfb.clipboardPasteFrom(text);
  }

  /** Presses and releases the key of an X keysym. */
  sendKey(keysym: number): void {
    this.rfb.sendKey(keysym, null);
  }

  /** Asks for another size of the screen or window in pixels. */
  resize(size: Size): void {
    if (!this.over && this.channel.readyState === WebSocket.OPEN) {
      this.channel.send(setDesktopSize(size)); // noVNC sends each of its messages whole, too
    }
  }

  /** Ends it; the listener is not told. The canvas keeps its pixels. */
  disconnect(): void {
    if (!this.over) {
      this.release();
      this.rfb.disconnect();
    }
  }

  private listen(channel: RfbChannel): void {
    // noVNC tells that a channel was closed, but not with which code.
    const { onopen, onclose } = channel;
    channel.onopen = (event) => {
      this.opened = true;
      onopen?.call(channel, event);
    };
    channel.onclose = (event) => {
      this.closing = { code: event.code, reason: event.reason };
      onclose?.call(channel, event);
    };
    this.resizes.observe(this.canvas, { attributes: true, attributeFilter: ['width', 'height'] });
    this.rfb.addEventListener('connect', () => {
      this.resized();
      this.checkFrame();
    });
    this.rfb.addEventListener('disconnect', () => {
      this.end();
    });
    this.rfb.addEventListener('credentialsrequired', () => {
      this.giveUp(PROTOCOL_ERROR, 'The RFB server asks for a password.');
    });
    this.rfb.addEventListener('clipboard', (event) => {
      this.listener.clipboard((event as CustomEvent<{ text: string }>).detail.text);
    });
  }

  private resized(): void {
    if (!this.over && this.canvas.width > 0 && this.canvas.height > 0) {
      this.listener.resized({ width: this.canvas.width, height: this.canvas.height });
    }
  }

  /** noVNC does not tell about frames. */
  private checkFrame(): void {
    const frame = new FirstFrame(this.rfb);
    const check = (): void => {
      if (frame.isThere) {
        clearTimeout(this.patience);
        this.listener.firstFrame();
      } else {
        this.frameCheck = requestAnimationFrame(check);
      }
    };
    check();
  }

  private giveUp(code: number, reason: string): void {
    if (!this.over) {
      this.closing = { code, reason };
      this.rfb.disconnect();
      this.end();
    }
  }

  private end(): void {
    if (!this.over) {
      this.release();
      this.listener.lost({ ...this.closing, opened: this.opened });
    }
  }

  private release(): void {
    this.over = true;
    this.resizes.disconnect();
    cancelAnimationFrame(this.frameCheck);
    clearTimeout(this.patience);
  }
}
