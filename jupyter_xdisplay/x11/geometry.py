"""Rectangles of a screen or window, in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from jupyter_xdisplay.spec import Size


class Rect(NamedTuple):
    """Position and size in pixels."""

    x: int
    y: int
    width: int
    height: int

    def clip(self, size: Size) -> Rect:
        """Return the part within (0, 0) and `size`; width or height 0 where there is none."""
        left, top = max(0, self.x), max(0, self.y)
        right = min(size.width, self.x + self.width)
        bottom = min(size.height, self.y + self.height)
        return Rect(left, top, max(0, right - left), max(0, bottom - top))


def common(one: Rect, other: Rect) -> Rect | None:
    """Return the pixels that two rectangles have in common."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Rect(left, top, right - left, bottom - top) if right > left and bottom > top else None


def bounding_box(rects: Iterable[Rect]) -> Rect:
    """Return the smallest rectangle around all of `rects`, of which there is at least one."""
    listed = list(rects)
    left, top = min(r.x for r in listed), min(r.y for r in listed)
    right = max(r.x + r.width for r in listed)
    bottom = max(r.y + r.height for r in listed)
    return Rect(left, top, right - left, bottom - top)
