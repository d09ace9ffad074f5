"""Input of all viewers into one display: one thread, one X connection, one keyboard mapper."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import xcffib

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.key_mapper import KeyMapper
from jupyter_xdisplay.x11.keyboard import Keyboard
from jupyter_xdisplay.x11.pointer import Pointer

MAX_WAITING = 4096
"""Most events that wait while the X server does not take them; further ones are dropped."""

Work = Callable[[], None]


class _Hands(NamedTuple):
    """What one viewer holds."""

    pointer: Pointer
    keyboard: Keyboard


class Inputs:
    """Types and points into a display, for several viewers.

    Its methods only note what to do: an X server that a program has grabbed holds up the thread
    and never the event loop.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    """

    def __init__(self, display: str, xauthority: Path) -> None:
        self._where = (display, xauthority)
        self._work: queue.Queue[Work | None] = queue.Queue(MAX_WAITING)
        self._hands: dict[object, _Hands] = {}
        self._thread = threading.Thread(target=self._run, name="rfb-inputs", daemon=True)
        self._thread.start()

    def pointer(self, viewer: object, x: int, y: int, buttons: int) -> None:
        """Move to a place and press or release buttons, in pixels and a mask of buttons."""
        self._do(lambda: self._of(viewer).pointer.update(x, y, buttons))

    def key(self, viewer: object, keysym: int, *, down: bool, scancode: int | None) -> None:
        """Press or release a key."""
        self._do(lambda: self._press(viewer, keysym, down, scancode))

    def release(self, viewer: object) -> None:
        """Release all that a viewer holds, as it is gone."""
        self._do(lambda: self._release(viewer))

    def close(self) -> None:
        """End the thread; the keyboard's mapping is as it was then."""
        self._do(None)

    def _do(self, work: Work | None) -> None:
        try:
            self._work.put_nowait(work)
        except queue.Full:
            return

    def _run(self) -> None:
        try:
            self._x = X11Connection(*self._where)
            self._events = Events(self._x)
            self._mapper = KeyMapper(self._x, self._events)
            while (work := self._work.get()) is not None:
                self._events.dispatch()
                work()
            self._mapper.close()
            self._x.close()
        except xcffib.ConnectionException:
            return  # the X server is gone

    def _of(self, viewer: object) -> _Hands:
        if viewer not in self._hands:
            self._hands[viewer] = _Hands(Pointer(self._x), Keyboard(self._mapper))
        return self._hands[viewer]

    def _press(self, viewer: object, keysym: int, down: bool, scancode: int | None) -> None:
        keyboard = self._of(viewer).keyboard
        while (wait_s := keyboard.key(keysym, down, scancode)) > 0:
            time.sleep(wait_s)  # until a spare key may be used again
            self._events.dispatch()

    def _release(self, viewer: object) -> None:
        hands = self._hands.pop(viewer, None)
        if hands is not None:
            hands.pointer.release_all()
            hands.keyboard.release_all()
