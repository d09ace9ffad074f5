"""What a window showed last: the Composite extension keeps its pixels beyond its end.

A pixmap that was named (compositeproto, NameWindowPixmap) outlives its window. That of the window
itself is needed, and not that of its frame: when a client goes, the server paints its place in
the frame anew before the window manager takes the frame away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import xcffib
import xcffib.composite

from jupyter_xdisplay.spec import Size, WindowInfo
from jupyter_xdisplay.x11.capture import Capture, DrawableChangedError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.png import is_one_colour, to_png

Store = Callable[[int, bytes, bool], None]
"""Takes a window, its last picture as PNG, and whether that is all of one colour."""


class _Kept(NamedTuple):
    pixmap: int
    size: Size


class LastPictures:
    """Takes a picture of each top-level window when it closes.

    Parameters
    ----------
    connection
        Used by one thread at a time. Windows draw into memory of their own as long as it lives.
    store
        Takes each last picture.
    """

    def __init__(self, connection: X11Connection, store: Store) -> None:
        self._x = connection
        self._store = store
        self._composite = connection.extension(xcffib.composite.key, 0, 4)
        self._redirected: set[int] = set()
        self._kept: dict[int, _Kept] = {}

    def follow(self, windows: Iterable[WindowInfo]) -> None:
        """Take up which windows there are now, and store the pictures of those that went."""
        there = {info.id: Size(info.width, info.height) for info in windows if not info.parent}
        for window in self._redirected - there.keys():
            self._redirected.discard(window)
            self._take(window)
        for window, size in there.items():
            kept = self._kept.get(window)
            if kept is None or kept.size != size:
                self.renew(window, size)

    def renew(self, window: int, size: Size | None = None) -> None:
        """Keep the memory that a window draws into now: mapped or resized it has another."""
        kept = self._kept.pop(window, None)
        if kept is not None:
            self._free(kept.pixmap)
            size = size or kept.size
        if size is None:
            return
        pixmap = self._x.raw.generate_id()
        automatic = xcffib.composite.Redirect.Automatic
        try:
            if window not in self._redirected:
                self._composite.RedirectWindow(window, automatic, is_checked=True).check()
                self._redirected.add(window)
            self._composite.NameWindowPixmap(window, pixmap, is_checked=True).check()
        except xcffib.Error:
            return  # gone already, or not mapped yet
        self._kept[window] = _Kept(pixmap, size)

    def _take(self, window: int) -> None:
        kept = self._kept.pop(window, None)
        if kept is None:
            return
        with contextlib.suppress(DrawableChangedError):
            capture = Capture(self._x, kept.pixmap)
            try:
                pixels = capture.grab(0, 0, *capture.size)
                self._store(window, to_png(pixels), is_one_colour(pixels))
            finally:
                capture.close()
        self._free(kept.pixmap)

    def _free(self, pixmap: int) -> None:
        self._x.core.FreePixmap(pixmap)

