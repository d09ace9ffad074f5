/** Pure sizes and places, in CSS pixels unless said otherwise. */
import type { Size, WindowInfo } from './types';

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
