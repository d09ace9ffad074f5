/** Reaches a display through its kernel: RFB bytes on the widget's comm. */
import { KERNEL_GONE, pageKernel, type CommModel } from './comm_model';
import type {
  DisplayInfo,
  Disposer,
  Problem,
  RfbChannel,
  Transport,
  Watcher,
  WindowActions,
} from './types';

type FromKernel =
  | { readonly type: 'opened'; readonly view: string }
  | { readonly type: 'data'; readonly view: string }
  | { readonly type: 'closed'; readonly view: string; readonly reason: string | null }
  | { readonly type: 'info'; readonly info: DisplayInfo };

/** The kernel has at most 1 MiB on its way that is not acknowledged. */
const ACK_EVERY_BYTES = 128 * 1024;

/** WebSocket close codes (RFC 6455, 7.4.1). */
const NORMAL = 1000;

/** Sends, unless the comm is gone: then nobody listens. */
function send(model: CommModel, content: unknown, buffers?: ArrayBuffer[]): void {
  try {
    model.send(content, undefined, buffers);
  } catch (error) {
    console.warn('jupyter_xdisplay:', error);
  }
}

/** A WebSocket-like object over a comm. Field names are those that noVNC asks for. */
export class CommChannel implements RfbChannel {
  binaryType = 'arraybuffer';
  readonly protocol = '';
  readyState: number = WebSocket.CONNECTING;
  onopen: RfbChannel['onopen'] = null;
  onmessage: RfbChannel['onmessage'] = null;
  onclose: RfbChannel['onclose'] = null;
  onerror: RfbChannel['onerror'] = null;
  private readonly view = crypto.getRandomValues(new Uint32Array(2)).join('-');
  private unacknowledged = 0;

  constructor(private readonly model: CommModel) {
    model.on('msg:custom', this.receive);
    send(model, { type: 'open', view: this.view });
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    // A copy: noVNC uses its buffer again, and the comm may send later.
    send(this.model, { type: 'data', view: this.view }, [data.slice().buffer]);
  }

  close(): void {
    if (this.readyState < WebSocket.CLOSING) {
      this.readyState = WebSocket.CLOSING;
      send(this.model, { type: 'close', view: this.view });
      // Later, as a WebSocket does: noVNC is not ready for it inside of its own call.
      queueMicrotask(() => {
        this.finish(NORMAL, '');
      });
    }
  }

  private readonly receive = (content: unknown, buffers: DataView[]): void => {
    const message = content as FromKernel;
    if (message.type === 'info' || message.view !== this.view) {
      return;
    }
    if (message.type === 'opened') {
      this.readyState = WebSocket.OPEN;
      this.onopen?.(new Event('open'));
    } else if (message.type === 'data') {
      this.pass(buffers[0]);
    } else {
      this.finish(NORMAL, message.reason ?? '');
    }
  };

  private pass(buffer: DataView | undefined): void {
    if (!buffer || this.readyState !== WebSocket.OPEN) {
      return;
    }
    const { byteOffset, byteLength } = buffer;
    const data = buffer.buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    this.onmessage?.(new MessageEvent('message', { data }));
    this.unacknowledged += byteLength;
    if (this.unacknowledged >= ACK_EVERY_BYTES) {
      send(this.model, { type: 'ack', view: this.view, bytes: this.unacknowledged });
      this.unacknowledged = 0;
    }
  }

  private finish(code: number, reason: string): void {
    this.readyState = WebSocket.CLOSED;
    this.model.off('msg:custom', this.receive);
    this.onclose?.(new CloseEvent('close', { code, reason }));
  }
}

export class CommTransport implements Transport {
  // A kernel that is busy answers when its cell is done, however long that takes.
  readonly patienceMs = null;
  readonly patienceHint = 'waiting for the kernel';

  readonly window: WindowActions | null;

  /**
   * @param isWindow - Whether it is one window of the display.
   */
  constructor(
    private readonly model: CommModel,
    isWindow = false,
  ) {
    const close = (): Promise<void> => {
      send(model, { type: 'close_window' });
      return Promise.resolve();
    };
    const kernel = pageKernel(model);
    this.window = isWindow
      ? {
          close,
          endProgram: null,
          interruptKernel: kernel && (() => kernel.interrupt()),
          restartKernel: kernel && (() => kernel.restart()),
          page: null,
          recording: null,
        }
      : null;
  }

  openRfb(): RfbChannel {
    return new CommChannel(this.model);
  }

  watch(watcher: Watcher): Disposer {
    const receive = (content: unknown): void => {
      const message = content as FromKernel;
      if (message.type === 'info') {
        watcher.info(message.info);
      }
    };
    const gone = (): void => {
      watcher.gone(KERNEL_GONE);
    };
    this.model.on('msg:custom', receive);
    this.model.on('comm_live_update', gone);
    send(this.model, { type: 'watch' });
    return () => {
      this.model.off('comm_live_update', gone);
      this.model.off('msg:custom', receive);
    };
  }

  stop(): Promise<DisplayInfo | null> {
    send(this.model, { type: 'stop' });
    return Promise.resolve(null);
  }

  /** The kernel puts it in the place of the view. */
  lastPicture(): Promise<null> {
    return Promise.resolve(null);
  }

  explain(): Promise<Problem | null> {
    return Promise.resolve(null);
  }
}
