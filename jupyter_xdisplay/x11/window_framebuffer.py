"""One top-level window with its dialogs and pop-ups in place, also while others cover it."""

from __future__ import annotations

import contextlib

import numpy as np
import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.capture import DrawableChangedError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.geometry import Rect, bounding_box, common
from jupyter_xdisplay.x11.pixels import Pixels
from jupyter_xdisplay.x11.redirected import Redirected
from jupyter_xdisplay.x11.window_group import Piece, pieces
from jupyter_xdisplay.x11.window_stack import read_window_stack

BETWEEN = 255
"""Level of what is between the window and pop-ups beside it: white, and views leave it out."""

_STRUCTURE = (
    xcffib.xproto.ConfigureNotifyEvent,
    xcffib.xproto.MapNotifyEvent,
    xcffib.xproto.UnmapNotifyEvent,
    xcffib.xproto.DestroyNotifyEvent,
    xcffib.xproto.ReparentNotifyEvent,
    xcffib.xproto.CirculateNotifyEvent,
)


class WindowFramebuffer:
    """The bounding box of a window and all that belongs to it (`Framebuffer`).

    Pop-ups are drawn where they are, and never moved: a program computes from their places.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection.
    window
        A top-level window (`_NET_CLIENT_LIST`).

    Raises
    ------
    DrawableChangedError
        When there is no such window to be seen.
    """

    def __init__(self, connection: X11Connection, events: Events, window: int) -> None:
        self._x = connection
        self._events = events
        self.window = window
        self.gone = False
        self._pieces: dict[int, Redirected] = {}
        self._order: list[Redirected] = []
        self._damaged: list[Rect] = []
        self._stale = True
        self._box = Rect(0, 0, 0, 0)
        self._buffer: Pixels = np.empty((0, 0, 4), np.uint8)
        for kind in _STRUCTURE:
            events.on(kind, self._changed)
        events.on(xcffib.xproto.PropertyNotifyEvent, self._property_changed)
        mask = xcffib.xproto.EventMask.SubstructureNotify | xcffib.xproto.EventMask.PropertyChange
        self._select(connection.root, mask)
        self._select(window, xcffib.xproto.EventMask.StructureNotify)
        self._renew()
        if not self._order:
            raise DrawableChangedError(f"There is no window {window:#x} to be seen.")

    @property
    def size(self) -> Size:
        """Width and height of the bounding box in pixels."""
        return Size(self._box.width, self._box.height)

    @property
    def origin(self) -> tuple[int, int]:
        """Where its top left corner is on the screen."""
        return self._box.x, self._box.y

    @property
    def parts(self) -> tuple[Rect, ...]:
        """The window, and then its dialogs and pop-ups, the topmost last; without frames."""
        left, top = self.origin
        return tuple(
            piece.part._replace(x=piece.part.x - left, y=piece.part.y - top)
            for piece in self._order
        )

    @property
    def path(self) -> str:
        """How the window is captured."""
        return self._order[0].path if self._order else ""

    @property
    def why(self) -> str | None:
        """Why it is not captured by MIT-SHM; None where it is."""
        return self._order[0].why if self._order else None

    def fetch_damage(self) -> list[Rect]:
        """Return what was drawn since the last time, or has another place now."""
        if self._stale:
            self._renew()
        found = self._damaged
        self._damaged = []
        left, top = self.origin
        for piece in self._order:
            found += [
                rect._replace(x=rect.x - left, y=rect.y - top).clip(self.size)
                for rect in piece.fetch_damage()
            ]
        return [rect for rect in found if rect.width and rect.height]

    def grab(self, rect: Rect) -> Pixels:
        """Return the pixels of a rectangle as they are now, until the next grab.

        Raises
        ------
        DrawableChangedError
            When it is not within the bounding box any more, or a window changed meanwhile.
        """
        if rect.clip(self.size) != rect or not self._order:
            raise DrawableChangedError(f"{rect} is not within {self.size}.")
        left, top = self.origin
        wanted = rect._replace(x=rect.x + left, y=rect.y + top)
        try:
            on_top = [piece for piece in self._order if common(piece.part, wanted) is not None]
            if len(on_top) == 1 and common(on_top[0].part, wanted) == wanted:
                return on_top[0].grab(wanted)
            return self._compose(wanted, on_top)
        except DrawableChangedError:
            self._stale = True
            raise

    def close(self) -> None:
        """Let all windows draw as before."""
        for piece in self._pieces.values():
            piece.close()
        self._pieces.clear()
        self._order.clear()

    def _compose(self, wanted: Rect, on_top: list[Redirected]) -> Pixels:
        if self._buffer.shape[:2] != (wanted.height, wanted.width):
            self._buffer = np.empty((wanted.height, wanted.width, 4), np.uint8)
        self._buffer[:] = BETWEEN
        for piece in on_top:
            part = common(piece.part, wanted)
            assert part is not None
            x, y = part.x - wanted.x, part.y - wanted.y
            self._buffer[y : y + part.height, x : x + part.width] = piece.grab(part)
        return self._buffer

    def _renew(self) -> None:
        """Take up which windows there are and where."""
        self._stale = False
        stack = read_window_stack(self._x)
        if self.window not in stack.managed:
            return  # withdrawn for a moment, or gone: its last picture stays
        wanted = pieces(self.window, stack)
        box = bounding_box(piece.part for piece in wanted)
        before = [(piece.window, piece.part) for piece in self._order]
        self._order = [piece for piece in map(self._take, wanted) if piece is not None]
        for window in self._pieces.keys() - {piece.window for piece in self._order}:
            self._pieces.pop(window).close()
        if box != self._box:
            self._box = box
            self._damaged = [Rect(0, 0, box.width, box.height)]
        else:
            self._damage_what_moved(before)

    def _damage_what_moved(self, before: list[tuple[int, Rect]]) -> None:
        after = [(piece.window, piece.part) for piece in self._order]
        left, top = self.origin
        for _, rect in set(before) ^ set(after):
            self._damaged.append(rect._replace(x=rect.x - left, y=rect.y - top).clip(self.size))
        if set(before) == set(after) and before != after:  # another one is on top
            self._damaged.append(Rect(0, 0, *self.size))

    def _take(self, wanted: Piece) -> Redirected | None:
        piece = self._pieces.get(wanted.window)
        try:
            if piece is None:
                piece = Redirected(self._x, self._events, wanted)
                self._pieces[wanted.window] = piece
            else:
                piece.move(wanted)
        except DrawableChangedError:
            self._stale = True  # it went in between: an event tells so
            return None
        return piece

    def _changed(self, event: object) -> None:
        self._stale = True
        window = getattr(event, "window", 0)
        if window == self.window and isinstance(event, xcffib.xproto.DestroyNotifyEvent):
            self.gone = True
        piece = self._pieces.get(window)
        if piece is not None and isinstance(event, xcffib.xproto.MapNotifyEvent):
            with contextlib.suppress(DrawableChangedError):
                piece.renew()  # mapped again, it has other memory

    def _property_changed(self, event: xcffib.xproto.PropertyNotifyEvent) -> None:
        if event.window == self._x.root and event.atom == self._x.atom("_NET_CLIENT_LIST"):
            self._stale = True

    def _select(self, window: int, mask: int) -> None:
        self._x.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])
        self._x.flush()
