"""Where a window stands so that its menus have room, and how large a screen it needs. Pure.

Toolkits keep menus on the screen: near an edge they open upwards, over their own window, or cut
their lists short.
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect

BEFORE = 160
AFTER = 420
"""Pixels that shall be free on the left and above, and on the right and below."""


def place_with_room(window: Rect, screen: Size) -> tuple[int, int]:
    """Return the nearest place for a window that leaves room around it, as far as there is any."""
    return (
        _along(window.x, window.width, screen.width),
        _along(window.y, window.height, screen.height),
    )


def screen_for(windows: Iterable[Size], screen: Size, largest: Size) -> Size:
    """Return a size for a screen that holds all windows: no pointer goes beyond its edges.

    Parameters
    ----------
    windows
        Sizes in pixels of the windows that are looked at by themselves.
    screen, largest
        The screen's size in pixels now, which it keeps where all fit, and the most it can have.
    """
    width, height = screen
    for window in windows:
        if window.width > screen.width:
            width = max(width, min(BEFORE + window.width + AFTER, largest.width))
        if window.height > screen.height:
            height = max(height, min(BEFORE + window.height + AFTER, largest.height))
    return Size(width, height)


def _along(start: int, length: int, available: int) -> int:
    free = max(0, available - length)
    first = min(BEFORE, free // 4)
    last = max(first, free - AFTER)
    return min(max(start, first), last)
