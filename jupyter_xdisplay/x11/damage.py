"""What has been drawn: the DAMAGE extension (damageproto), regions by XFixes 2."""

from __future__ import annotations

import contextlib

import numpy as np
import xcffib
import xcffib.damage
import xcffib.xfixes
import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.geometry import Rect

REPLY_HEADER_BYTES = 32
MAX_RECTS = 64
"""More rectangles than that are given as the one around them."""


class Damage:
    """Collects the damaged region of a window and all that is in it.

    The server says once that there is damage (level NonEmpty); `fetch` takes it. Fetch first
    and grab then: what is drawn in between is damage again. A window is damaged as a whole at
    first (damageproto, DamageCreate).

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection: they tell when there is damage.
    window
        A window or pixmap; the root window by default.
    """

    def __init__(
        self, connection: X11Connection, events: Events, window: int | None = None
    ) -> None:
        self._x = connection
        self._damage = connection.extension(xcffib.damage.key, 1, 1)
        self._xfixes = connection.extension(xcffib.xfixes.key, 5, 0)
        self._id = connection.raw.generate_id()
        self._region = connection.raw.generate_id()
        self.pending = False
        """Whether there is damage to fetch, as far as the events dispatched so far tell."""
        self._off = events.on(xcffib.damage.NotifyEvent, self._notified)
        self._xfixes.CreateRegion(self._region, 0, [])
        self._damage.Create(
            self._id,
            connection.root if window is None else window,
            xcffib.damage.ReportLevel.NonEmpty,
        )
        connection.flush()

    def fetch(self, within: Size | None = None) -> list[Rect]:
        """Return what was damaged since the last time, and start anew.

        Without a pending event nothing is asked of the server.

        Parameters
        ----------
        within
            Size to clip the rectangles to.

        Returns
        -------
        list[Rect]
            Rectangles that do not overlap; one around all of them if they are more than
            `MAX_RECTS`; none when nothing was drawn.
        """
        if not self.pending:
            return []
        self.pending = False
        self._damage.Subtract(self._id, xcffib.NONE, self._region)
        reply = self._x.reply_buffer(self._xfixes.FetchRegion(self._region))
        boxes = np.frombuffer(reply, "<i2")[REPLY_HEADER_BYTES // 2 :].reshape(-1, 4)
        if len(boxes) > MAX_RECTS:
            # the extents are in the reply's header (xfixesproto, FetchRegion)
            boxes = np.frombuffer(reply[8:16], "<i2").reshape(1, 4)
        rects = [
            Rect(x, y, width & 0xFFFF, height & 0xFFFF) for x, y, width, height in boxes.tolist()
        ]
        if within is not None:
            rects = [rect.clip(within) for rect in rects]
        return [rect for rect in rects if rect.width and rect.height]

    def close(self) -> None:
        """Watch no longer. Idempotent."""
        self._off()
        if self._id:
            with contextlib.suppress(xcffib.ConnectionException):
                self._damage.Destroy(self._id)
                self._xfixes.DestroyRegion(self._region)
                self._x.flush()
            self._id = 0

    def _notified(self, event: xcffib.damage.NotifyEvent) -> None:
        if event.damage == self._id:
            self.pending = True
