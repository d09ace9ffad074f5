"""When windows began: noted by a thread that does nothing else, so that it is never late.

A kernel decides by that time under which cell a window of its own process belongs, and with "Run
All" the next cell begins a few milliseconds later. Who describes windows waits for events to come
together, for replies, and for pictures to be encoded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
import time
from pathlib import Path

import xcffib
import xcffib.xproto
from xcffib.xproto import CreateNotifyEvent, DestroyNotifyEvent, MapNotifyEvent, ReparentNotifyEvent

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events

SHOWN_AT_ONCE_S = 0.5
"""A window manager frames a window at most so long after it was made; what is framed later was
hidden until then (Matplotlib on Tk makes a figure's window long before it is shown)."""

NOTED_MAX = 1000
"""Most windows whose times are kept for who has not asked yet; the oldest go. Of a window that
went while it was in a frame the root window's listeners are told nothing."""


@dataclasses.dataclass
class _Times:
    created_s: float | None
    shown_s: float | None = None


class Beginnings(threading.Thread):
    """Notes when the children of the root window are made and shown. Asks nothing of the server.

    It connects at once, so that nothing is missed once this is made.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    """

    def __init__(self, display: str, xauthority: Path) -> None:
        super().__init__(name="window-beginnings", daemon=True)
        self._x = X11Connection(display, xauthority)
        self._times: dict[int, _Times] = {}
        self._lock = threading.Lock()
        self._stopped, self._stopper = socket.socketpair()
        self._events = Events(self._x)
        self._events.on(CreateNotifyEvent, self._created)
        self._events.on(MapNotifyEvent, self._mapped)
        self._events.on(ReparentNotifyEvent, self._reparented)
        self._events.on(DestroyNotifyEvent, self._destroyed)
        children = xcffib.xproto.EventMask.SubstructureNotify
        self._x.core.ChangeWindowAttributes(
            self._x.root, xcffib.xproto.CW.EventMask, [children], is_checked=True
        ).check()

    def take(self, window: int) -> float | None:
        """Return when a window began, and forget it; None where that was not seen.

        In seconds of `boottime_s`: when it was made, or when it was shown if it had been hidden.
        """
        with self._lock:
            times = self._times.pop(window, None)
        if times is None or times.shown_s is None:
            return None if times is None else times.created_s
        if times.created_s is None or times.shown_s - times.created_s > SHOWN_AT_ONCE_S:
            return times.shown_s
        return times.created_s

    def noted(self) -> int:
        """Return of how many windows the times are kept."""
        return len(self._times)

    def stop(self) -> None:
        """End the thread soon."""
        with contextlib.suppress(OSError):  # it has ended
            self._stopper.send(b"q")

    def run(self) -> None:
        """Listen until stopped or until the X server is gone."""
        with contextlib.suppress(xcffib.XcffibException, OSError, ValueError):
            while not self._events.wait(None, [self._stopped.fileno()]):
                pass
        self._x.close()
        self._stopped.close()
        self._stopper.close()

    def _created(self, event: CreateNotifyEvent) -> None:
        self._note(event.window, _Times(boottime_s()))

    def _mapped(self, event: MapNotifyEvent) -> None:
        self._shown(event.window)

    def _reparented(self, event: ReparentNotifyEvent) -> None:
        if event.parent != self._x.root:  # into the window manager's frame
            self._shown(event.window)

    def _destroyed(self, event: DestroyNotifyEvent) -> None:
        with self._lock:
            self._times.pop(event.window, None)

    def _shown(self, window: int) -> None:
        now_s = boottime_s()
        times = self._times.get(window)
        created_s = None if times is None else times.created_s
        self._note(window, _Times(created_s, now_s))

    def _note(self, window: int, times: _Times) -> None:
        with self._lock:
            self._times.pop(window, None)  # the newest last
            self._times[window] = times
            while len(self._times) > NOTED_MAX:
                del self._times[next(iter(self._times))]


def boottime_s() -> float:
    """Return the clock that all processes of a machine share, those in containers too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
