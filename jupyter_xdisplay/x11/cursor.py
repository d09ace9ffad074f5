"""The cursor's shape: XFixes (fixesproto, "Cursor Image Monitoring")."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import xcffib
import xcffib.xfixes

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.pixels import Pixels

REPLY_HEADER_BYTES = 32
MAX_SIDE = 256
"""Larger cursors are cut: X sets no limit, viewers and memory do."""


@dataclasses.dataclass(frozen=True, eq=False)
class Cursor:
    """A cursor's shape.

    `pixels` has the shape (height, width, 4): blue, green, red, alpha; colours are not multiplied
    by alpha. The hot spot is in pixels from the top left. `serial` differs for each shape.
    """

    pixels: Pixels
    hot_x: int
    hot_y: int
    serial: int


class CursorWatch:
    """Knows the shape that the cursor has now.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection: they tell when the shape changes.
    """

    def __init__(self, connection: X11Connection, events: Events) -> None:
        self._x = connection
        self._xfixes = connection.extension(xcffib.xfixes.key, 5, 0)
        self.changed = True
        """Whether `fetch` would give another shape than the last time."""
        self._off = events.on(xcffib.xfixes.CursorNotifyEvent, self._notified)
        self._select(xcffib.xfixes.CursorNotifyMask.DisplayCursor)

    def fetch(self) -> Cursor | None:
        """Return the shape now; None when the server has no cursor to show (GetCursorImage)."""
        self.changed = False
        try:
            reply = self._x.reply_buffer(self._xfixes.GetCursorImage())
        except xcffib.Error:
            return None
        width, height, hot_x, hot_y = np.frombuffer(reply[12:20], "<u2").tolist()
        serial = int(np.frombuffer(reply[20:24], "<u4")[0])
        count = width * height * 4
        data = np.frombuffer(reply, np.uint8)[REPLY_HEADER_BYTES : REPLY_HEADER_BYTES + count]
        pixels = data.reshape(height, width, 4)[:MAX_SIDE, :MAX_SIDE]
        height, width = pixels.shape[:2]
        hot_x, hot_y = min(hot_x, max(0, width - 1)), min(hot_y, max(0, height - 1))
        return Cursor(_without_premultiplication(pixels), hot_x, hot_y, serial)

    def close(self) -> None:
        """Watch no longer. Idempotent."""
        self._off()
        with contextlib.suppress(xcffib.ConnectionException):
            self._select(0)

    def _select(self, mask: int) -> None:
        self._xfixes.SelectCursorInput(self._x.root, mask)
        self._x.flush()

    def _notified(self, event: xcffib.xfixes.CursorNotifyEvent) -> None:  # noqa: ARG002
        self.changed = True


def _without_premultiplication(pixels: Pixels) -> Pixels:
    """Divide the colours by alpha: XFixes gives them multiplied by it (Render's ARGB32)."""
    alpha = pixels[..., 3:].astype(np.uint16)
    colours = (pixels[..., :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1)
    plain = np.empty(pixels.shape, np.uint8)
    plain[..., :3] = np.minimum(colours, 255)
    plain[..., 3] = pixels[..., 3]
    return plain
