"""Whether the programs of windows answer: `_NET_WM_PING` (EWMH), else what they leave unread."""

from __future__ import annotations

import dataclasses
import time

import xcffib.xproto

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.unread import UnreadBytes

CHECK_INTERVAL_S = 0.5
PING_DEADLINE_S = 0.9
PING_AGAIN_S = 3.0
"""A program may have dropped a ping; asked more often, a busy one's queue would fill."""

EVENT_BYTES = 32
POKES_UNREAD = 2
"""A program that left this many events unread, one check after the other, is busy."""


@dataclasses.dataclass
class _Window:
    """What is known of one window."""

    pid: int
    pings: bool
    asked_s: float | None = None
    unread: int | None = None
    left: int = 0
    silent: bool = False
    known: bool = False


class Responding:
    """Asks the programs of windows whether they are there.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    server_pid
        The X server's process.
    """

    def __init__(self, connection: X11Connection, server_pid: int) -> None:
        self._x = connection
        self._unread = UnreadBytes(server_pid)
        self._windows: dict[int, _Window] = {}
        self._checked_s = 0.0

    def of(self, window: int) -> bool | None:
        """Return whether the program of a window answers; None where it cannot be told."""
        state = self._windows.get(window)
        return None if state is None or not state.known else not state.silent

    def pong(self, event: xcffib.xproto.ClientMessageEvent) -> None:
        """Take an answer, if `event` is one."""
        words = list(event.data.data32)
        if event.type != self._x.atom("WM_PROTOCOLS") or words[0] != self._x.atom("_NET_WM_PING"):
            return
        state = self._windows.get(words[2])
        if state is not None:
            state.asked_s = None
            state.silent = False
            state.known = True

    def forget(self) -> None:
        """Know nothing any more, as nobody looks."""
        self._windows.clear()

    def check(self, pids: dict[int, int]) -> None:
        """Ask the programs of these windows (with their pids), at most every check interval."""
        now = time.monotonic()
        if now - self._checked_s < CHECK_INTERVAL_S:
            return
        self._checked_s = now
        for gone in set(self._windows) - set(pids):
            del self._windows[gone]
        for window, pid in pids.items():
            state = self._windows.get(window)
            if state is None or state.pid != pid:  # X gives the ids of ended clients again
                protocols = self._x.property_numbers(window, "WM_PROTOCOLS")
                pings = self._x.atom("_NET_WM_PING") in protocols
                state = self._windows[window] = _Window(pid, pings)
            if state.pings:
                self._ping(window, state, now)
            else:
                self._poke(window, state)
        self._x.flush()

    def _ping(self, window: int, state: _Window, now: float) -> None:
        if state.asked_s is not None and now - state.asked_s > PING_DEADLINE_S:
            state.silent = state.known = True
        if state.asked_s is None or now - state.asked_s > PING_AGAIN_S:
            state.asked_s = now
            ping = self._x.atom("_NET_WM_PING")
            self._x.send_message(window, window, "WM_PROTOCOLS", [ping, 0, window, 0, 0])

    def _poke(self, window: int, state: _Window) -> None:
        """Send an event that means nothing to a program, and see whether it is read.

        A busy program is not poked again: its queue would fill.
        """
        before, state.unread = state.unread, self._unread.of(state.pid)
        state.known = state.unread is not None
        if state.unread is None:
            state.silent = False
            return
        if state.silent:
            state.silent = before is not None and state.unread >= before
        else:
            grown = before is not None and state.unread >= before + EVENT_BYTES
            state.left = state.left + 1 if grown else 0
            state.silent = state.left >= POKES_UNREAD
        if not state.silent:
            self._x.send_message(window, window, "_XDISPLAY_POKE", [])
