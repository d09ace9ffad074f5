/**
 * While a button is held noVNC covers the page with an element that passes the pointer's moves on,
 * until that element sees the release.
 *
 * A canvas in the top layer, as it is while a menu is open, is above that element: the release
 * reaches the canvas alone, the element stays, and the next press on the page is lost.
 */
const COVER = 'noVNC_mouse_capture_elem';

/** Tells whether a press is on what noVNC has covered the page with: a second button. */
export function isCapture({ target }: Event): boolean {
  return target instanceof Element && target.id === COVER;
}

/** Gives the release of a button on a canvas to what noVNC has covered the page with, if it has. */
export function passRelease(event: MouseEvent): void {
  const cover = document.getElementById(COVER);
  // What noVNC makes of it comes by here, too.
  if (cover && cover.style.display !== 'none' && event.isTrusted) {
    event.stopPropagation();
    cover.dispatchEvent(new MouseEvent(event.type, event));
  }
}
