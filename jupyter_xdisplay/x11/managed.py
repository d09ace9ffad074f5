"""Whether a window manager manages windows yet, and has handled what was asked of it so far."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable

import xcffib
import xcffib.xproto

from jupyter_xdisplay.x11.connection import X11Connection

LOOK_AGAIN_S = 0.005
MAP_AGAIN_S = 0.05
NO_ANSWER_S = 1.0
"""A window manager that was started anew in between does not answer."""


def wait_until_managed(connection: X11Connection, timeout_s: float) -> bool:
    """Wait until windows that are mapped are managed; return whether they are.

    Openbox announces itself (`_NET_SUPPORTING_WM_CHECK`, EWMH) before it handles MapRequests, and
    loses windows that are mapped in between. So a window of our own is mapped, again and again,
    until it has a WM_STATE (ICCCM 4.1.3.1). It is a dock of one pixel, which no window manager
    decorates or focuses.
    """
    x = connection
    window = x.raw.generate_id()
    x.core.CreateWindow(
        *(x.screen.root_depth, window, x.root, 0, 0, 1, 1, 0),
        *(xcffib.xproto.WindowClass.InputOutput, x.screen.root_visual, 0, []),
    )
    dock = struct.pack("=I", x.atom("_NET_WM_WINDOW_TYPE_DOCK"))
    x.core.ChangeProperty(
        *(xcffib.xproto.PropMode.Replace, window, x.atom("_NET_WM_WINDOW_TYPE")),
        *(xcffib.xproto.Atom.ATOM, 32, 1, dock),
    )
    end = time.monotonic() + timeout_s
    managed = False
    while not managed and time.monotonic() < end:
        x.core.UnmapWindow(window)
        x.core.MapWindow(window)
        x.flush()
        again = time.monotonic() + MAP_AGAIN_S
        while not managed and time.monotonic() < again:
            time.sleep(LOOK_AGAIN_S)
            managed = x.property_bytes(window, "WM_STATE") is not None
    x.core.DestroyWindow(window)
    x.flush()
    return managed


class ManagerFence:
    """Tells when the window manager has handled all that came before a question.

    It handles events in order, so its answer to a request for the extents of a frame
    (`_NET_REQUEST_FRAME_EXTENTS`, EWMH) comes after windows that were mapped before it.

    Parameters
    ----------
    connection
        The connection on which `handle` is told of events.
    """

    def __init__(self, connection: X11Connection) -> None:
        x = self._x = connection
        self._window = x.raw.generate_id()
        x.core.CreateWindow(
            *(0, self._window, x.root, 0, 0, 1, 1, 0),
            *(xcffib.xproto.WindowClass.InputOnly, 0, xcffib.xproto.CW.EventMask),
            [xcffib.xproto.EventMask.PropertyChange],
        )
        self._asked: deque[tuple[float, Callable[[], None]]] = deque()

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is to come."""
        return bool(self._asked)

    def ask(self, done: Callable[[], None]) -> None:
        """Ask; `done` is what `handle` returns when the answer is there."""
        now = time.monotonic()
        while self._asked and self._asked[0][0] < now - NO_ANSWER_S:
            self._asked.popleft()
        self._asked.append((now, done))
        x = self._x
        kind = x.atom("_NET_REQUEST_FRAME_EXTENTS")
        data = struct.pack("=BBHII20x", _CLIENT_MESSAGE, 32, 0, self._window, kind)
        mask = xcffib.xproto.EventMask
        to_manager = mask.SubstructureNotify | mask.SubstructureRedirect
        x.core.SendEvent(False, x.root, to_manager, data)
        x.flush()

    def handle(self, event: xcffib.Event) -> Callable[[], None] | None:
        """Return what the answer was awaited with, if this event is one."""
        if not self.is_own(event) or not self._asked:
            return None
        return self._asked.popleft()[1]

    def is_own(self, event: xcffib.Event) -> bool:
        """Tell whether an event is of the window that this asks for."""
        return isinstance(event, xcffib.xproto.PropertyNotifyEvent) and event.window == self._window


_CLIENT_MESSAGE = 33
