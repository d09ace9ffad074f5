/** Pure sizes and places, in CSS pixels unless said otherwise. */
import type { Size, WindowInfo } from './types';

export type { Size } from './types';

export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

export type Scaling = 'fit' | 'actual';

/** How large the screen is shown. In full screen a fitted screen may grow above 1:1. */
export function scaleOf(
  framebuffer: Size,
  room: Size,
  scaling: Scaling,
  fullScreen: boolean,
): number {
  if (scaling === 'actual' || framebuffer.width <= 0 || framebuffer.height <= 0) {
    return 1;
  }
  const byWidth = room.width / framebuffer.width;
  const scale = fullScreen
    ? Math.min(byWidth, room.height / framebuffer.height)
    : Math.min(1, byWidth);
  return scale > 0 && Number.isFinite(scale) ? scale : 1;
}

/** Whether each pixel of the framebuffer covers a whole number of the device's pixels. */
export function isPixelExact(scale: number, devicePixelRatio: number): boolean {
  const ratio = scale * devicePixelRatio;
  return ratio > 0.999 && Math.abs(ratio - Math.round(ratio)) < 0.001;
}

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** The part of a window that is on the screen, scaled; null where nothing of it is. */
export function windowBox(window: WindowInfo, screen: Size, scale: number): Box | null {
  const left = Math.max(0, window.x);
  const top = Math.max(0, window.y);
  const right = Math.min(screen.width, window.x + window.width);
  const bottom = Math.min(screen.height, window.y + window.height);
  if (right <= left || bottom <= top) {
    return null;
  }
  return {
    left: left * scale,
    top: top * scale,
    width: (right - left) * scale,
    height: (bottom - top) * scale,
  };
}

export function scaled({ x, y, width, height }: Rect, scale: number): Rect {
  return { x: x * scale, y: y * scale, width: width * scale, height: height * scale };
}

/** The smallest rectangle around all of several, of which there is at least one. */
export function boundingBox(rects: readonly Rect[]): Rect {
  const [x, y] = [Math.min(...rects.map((r) => r.x)), Math.min(...rects.map((r) => r.y))];
  const right = Math.max(...rects.map((r) => r.x + r.width));
  const bottom = Math.max(...rects.map((r) => r.y + r.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** Whether something reaches beyond the first of the parts. */
export function exceeds([main, ...others]: readonly [Rect, ...Rect[]]): boolean {
  return others.some(
    (part) =>
      part.x < main.x ||
      part.y < main.y ||
      part.x + part.width > main.x + main.width ||
      part.y + part.height > main.y + main.height,
  );
}

/** A CSS shape of all rectangles, as far as they lie within `seen`. */
export function clipPath(rects: readonly Rect[], seen: Rect): string {
  const shapes = rects.flatMap((rect) => {
    const left = Math.max(rect.x, seen.x);
    const top = Math.max(rect.y, seen.y);
    const right = Math.min(rect.x + rect.width, seen.x + seen.width);
    const bottom = Math.min(rect.y + rect.height, seen.y + seen.height);
    return right > left && bottom > top ? [`M${left} ${top}H${right}V${bottom}H${left}Z`] : [];
  });
  return `path("${shapes.join('') || 'M0 0Z'}")`;
}
