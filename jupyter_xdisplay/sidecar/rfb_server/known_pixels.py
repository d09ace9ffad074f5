"""What a viewer has exactly: programs often draw anew what has not changed. Pure.

matplotlib draws its whole figure for each step of a dragged rectangle, terminals draw all lines
when text scrolls. XDamage tells what was drawn; only what differs is worth encoding and sending.
What moves as JPEG is not known, costs no comparison, and becomes known once it is sent exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jupyter_xdisplay.rfb.pixel_format import Pixels
from jupyter_xdisplay.sidecar.rfb_server.region import Region
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect

BAND = 32
"""Rows that are looked at together: of what differs in them there is one rectangle."""

SAMPLES_A_SIDE = 8
"""Where most of so many samples each way differ, all is taken to differ without a comparison."""


class KnownPixels:
    """The pixels that one viewer has exactly, of the framebuffer that it was told."""

    def __init__(self) -> None:
        self._pixels: NDArray[np.uint32] = np.zeros((0, 0), np.uint32)
        self._known: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)

    def begin(self, size: Size) -> None:
        """Know nothing if the framebuffer's size is another than before."""
        shape = size.height, size.width
        if self._pixels.shape != shape:
            self._pixels, self._known = np.zeros(shape, np.uint32), np.zeros(shape, np.bool_)

    def forget(self, rect: Rect | None = None) -> None:
        """Note that a part, or all, was sent inexactly or is to be sent anew."""
        self._known[... if rect is None else _area(rect)] = False

    def learn(self, pixels: Pixels, rect: Rect) -> None:
        """Note that `pixels`, of shape (height, width, 4), were sent exactly."""
        self._pixels[_area(rect)] = words(pixels)
        self._known[_area(rect)] = True

    def has(self, rect: Rect) -> NDArray[np.uint32] | None:
        """Return the pixels of a rectangle, a view; None where not all of it is known."""
        return self._pixels[_area(rect)] if self._known[_area(rect)].all() else None

    def copy(self, source_y: int, rect: Rect) -> None:
        """Note that the viewer copied known rows of the same columns to `rect`."""
        source = _area(rect._replace(y=source_y))
        self._pixels[_area(rect)] = self._pixels[source].copy()

    def differing(self, pixels: Pixels, rect: Rect) -> list[Rect]:
        """Return the parts of `rect` that are not known to be as in `pixels`: few, maybe larger."""
        known = self._known[_area(rect)]
        if not known.any():
            return [rect]
        now, before = words(pixels), self._pixels[_area(rect)]
        step_y, step_x = (max(1, side // SAMPLES_A_SIDE) for side in now.shape)
        samples = now[::step_y, ::step_x] != before[::step_y, ::step_x]
        if samples.size >= SAMPLES_A_SIDE and 2 * np.count_nonzero(samples) > samples.size:
            return [rect]
        return _rectangles((now != before) | ~known, rect)


def words(pixels: Pixels) -> NDArray[np.uint32]:
    """Return pixels as one number each; a slice of a larger array may be given."""
    return pixels.view(np.uint32)[..., 0]


def _area(rect: Rect) -> tuple[slice, slice]:
    return slice(rect.y, rect.y + rect.height), slice(rect.x, rect.x + rect.width)


def _rectangles(differs: NDArray[np.bool_], rect: Rect) -> list[Rect]:
    """Return rectangles around what differs: of each band of rows one, joined where near."""
    found = Region()
    rows: NDArray[np.bool_] = np.any(differs, axis=1)
    for top in range(0, rect.height, BAND):
        band = np.flatnonzero(rows[top : top + BAND])
        if band.size:
            y, end = top + int(band[0]), top + int(band[-1]) + 1
            columns = np.flatnonzero(differs[y:end].any(axis=0))
            x, width = int(columns[0]), int(columns[-1] - columns[0]) + 1
            found.add(Rect(rect.x + x, rect.y + y, width, end - y))
    return found.take()
