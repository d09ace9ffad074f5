/**
 * Hears of the framebuffer's layout.
 *
 * The RFB session of a window tells its parts as the screens of an ExtendedDesktopSize rectangle
 * (rfbproto): the window itself first, then its dialogs and pop-ups. noVNC reads only the first
 * screen's id; here they are read before it takes the new size.
 */
import type { Rect, Size } from './geometry';

/** The parts of noVNC 1.7 that read such a rectangle; not in its documented interface. */
interface Reader {
  _handleExtendedDesktopSize(): boolean;
  readonly _FBU: { readonly x: number; readonly y: number } & Size;
  readonly _sock: {
    /** Whether so many bytes are not there yet. */
    rQwait(message: string, count: number): boolean;
    rQpeek8(): number;
    rQpeekBytes(count: number): Uint8Array;
  };
}

const HEAD_BYTES = 4;
const SCREEN_BYTES = 16;
const THIS_CLIENT = 1;

/**
 * @param rfb - A noVNC `RFB`, before its first frame.
 * @param told - Called with the framebuffer's size and its parts, before noVNC takes them.
 * @throws Error when this noVNC is built in another way.
 */
export function followLayout(rfb: object, told: (size: Size, parts: Rect[]) => void): void {
  const reader = rfb as Partial<Reader>;
  const take = reader._handleExtendedDesktopSize;
  if (!take || !reader._sock) {
    throw new Error('this noVNC does not read ExtendedDesktopSize as version 1.7 does');
  }
  reader._handleExtendedDesktopSize = function (this: Reader): boolean {
    const { x: reason, y: status, width, height } = this._FBU;
    const refused = reason === THIS_CLIENT && status !== 0;
    const parts = refused ? null : peekScreens(this._sock);
    if (parts) {
      told({ width, height }, parts);
    }
    return take.call(this);
  };
}

/** The rectangles of all screens; null while they are not here yet. */
function peekScreens(sock: Reader['_sock']): Rect[] | null {
  if (sock.rQwait('', HEAD_BYTES)) {
    return null;
  }
  const count = sock.rQpeek8();
  const bytes = HEAD_BYTES + count * SCREEN_BYTES;
  if (sock.rQwait('', bytes)) {
    return null;
  }
  return readScreens(sock.rQpeekBytes(bytes), count);
}

/** Reads the data of an ExtendedDesktopSize rectangle: for each screen id, place, size, flags. */
export function readScreens(data: Uint8Array, count: number): Rect[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: count }, (_, number) => {
    const at = HEAD_BYTES + number * SCREEN_BYTES + 4;
    return {
      x: view.getUint16(at),
      y: view.getUint16(at + 2),
      width: view.getUint16(at + 4),
      height: view.getUint16(at + 6),
    };
  });
}

/** A SetDesktopSize message (rfbproto) for one screen of that size in pixels. */
export function setDesktopSize({ width, height }: Size): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(8 + SCREEN_BYTES);
  const view = new DataView(message.buffer);
  view.setUint8(0, 251);
  view.setUint16(2, width);
  view.setUint16(4, height);
  view.setUint8(6, 1);
  view.setUint16(16, width);
  view.setUint16(18, height);
  return message;
}
