/**
 * Decodes noVNC's JPEG rectangles beside the main thread.
 *
 * noVNC 1.7 makes a base64 address of every JPEG and lets an <img> decode it while it is drawn, on
 * the main thread. Its queue of drawings also takes frames that become ready later (made for
 * video): those can be bitmaps, which browsers decode in a thread of their own. And where noVNC
 * reads an update only when the one before is drawn, one more is read, so that it is decoded
 * meanwhile.
 */

/** Updates that are being decoded while the next one is read. */
const MOST_DECODING = 2;

/** A frame in noVNC's queue (core/display.js, `videoFrame`). */
interface LateFrame {
  ready: boolean;
  frame: ImageBitmap | null;
  promise: Promise<void>;
}

/** The part of noVNC's `Display` that draws pictures; not in its documented interface. */
interface Display {
  imageRect(
    x: number,
    y: number,
    width: number,
    height: number,
    mime: string,
    data: Uint8Array<ArrayBuffer>,
  ): void;
  videoFrame(x: number, y: number, width: number, height: number, frame: LateFrame): void;
  /** Whether the next update has to wait. */
  pending(): boolean;
  /** What is to be drawn yet; every update ends with a flip. */
  readonly _renderQ: readonly { readonly type: string }[];
}

/**
 * Takes over the pictures of one noVNC session.
 *
 * @param rfb - A noVNC `RFB`, before its first frame.
 * @param failed - Called when the browser cannot decode a picture; nothing is drawn from then on.
 * @throws Error when this noVNC is built in another way.
 */
export function decodeBeside(rfb: object, failed: () => void): void {
  const display = (rfb as { _display?: Partial<Display> })._display;
  if (!display?.imageRect || !display.videoFrame || !display.pending || !display._renderQ) {
    throw new Error('this noVNC has no Display as version 1.7 has');
  }
  const { videoFrame, _renderQ: queue } = display;
  display.pending = () => queue.filter(({ type }) => type === 'flip').length >= MOST_DECODING;
  display.imageRect = (x, y, width, height, mime, data) => {
    if (width === 0 || height === 0) {
      return;
    }
    const frame: LateFrame = { ready: false, frame: null, promise: Promise.resolve() };
    // The Blob copies: `data` is a view of noVNC's receive buffer.
    frame.promise = createImageBitmap(new Blob([data], { type: mime })).then((bitmap) => {
      frame.frame = bitmap;
      frame.ready = true;
    });
    frame.promise.catch(failed);
    videoFrame.call(display, x, y, width, height, frame);
  };
}
