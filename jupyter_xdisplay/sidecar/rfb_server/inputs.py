"""Input of all viewers into one display: one thread, one X connection, one keyboard mapper.

The connection is impervious to grabs of the server (`XTest`), so that the click that ends a grab
arrives. The clipboard has a thread and a connection of its own (`selections`): an owner of a
selection that does not answer holds up no key.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import xcffib

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.key_mapper import KeyMapper
from jupyter_xdisplay.x11.keyboard import Keyboard
from jupyter_xdisplay.x11.pointer import Pointer
from jupyter_xdisplay.x11.window_actions import WindowActions
from jupyter_xdisplay.x11.xtest import XTest

MAX_WAITING = 4096
"""Most events that wait while the X server does not take them; further ones are dropped, and all
that their viewer holds is released then: a release may be among them."""

log = logging.getLogger(__name__)


class _Hands(NamedTuple):
    """What one viewer holds."""

    pointer: Pointer
    keyboard: Keyboard


class _Work(NamedTuple):
    """Something to do for a viewer; `motion`: the pointer moves and no button changes."""

    viewer: object
    do: Callable[[], None]
    motion: bool = False


class Inputs:
    """Types and points into a display, for several viewers.

    Its methods only note what to do: an X server that does not answer holds up the thread and
    never the event loop.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    """

    def __init__(self, display: str, xauthority: Path) -> None:
        self._where = (display, xauthority)
        self._waiting: deque[_Work] = deque()
        self._overflowed: set[object] = set()
        self._buttons: dict[object, int] = {}
        """What each viewer holds when all that waits is done."""
        self._changed = threading.Condition()
        self._closing = False
        self._hands: dict[object, _Hands] = {}
        self.thread = threading.Thread(target=self._run, name="rfb-inputs", daemon=True)
        self.thread.start()

    def pointer(
        self, viewer: object, x: int, y: int, buttons: int, window: int = 0, *, screen: Size
    ) -> None:
        """Move to a place of the screen and press or release buttons, a mask of them.

        With a `window` that one is raised before, unless a button is held: that is a drag. Beyond
        the screen's edges, where parts of a window may be, no button is pressed: the X server
        would press it at the edge.
        """
        held = self._buttons.get(viewer, 0)
        if window and not (0 <= x < screen.width and 0 <= y < screen.height):
            buttons &= held

        def move() -> None:
            if window and not held:
                self._actions.activate(window)
            self._of(viewer).pointer.update(x, y, buttons)

        motion = held == buttons
        self._buttons[viewer] = buttons
        self._note(_Work(viewer, move, motion))

    def key(
        self, viewer: object, keysym: int, *, down: bool, scancode: int | None, window: int = 0
    ) -> None:
        """Press or release a key; with a `window` that one gets the keyboard before."""

        def press() -> None:
            if window and down:
                self._actions.activate(window)
            self._press(viewer, keysym, down, scancode)

        self._note(_Work(viewer, press))

    def when_taken(self, viewer: object, then: Callable[[], None]) -> None:
        """Call `then`, from any thread, when the X server has taken what a viewer did so far."""

        def confirm() -> None:
            self._x.core.GetInputFocus().reply()
            then()

        if not self._note(_Work(viewer, confirm)):
            then()

    def release(self, viewer: object) -> None:
        """Release all that a viewer holds, as it is gone."""
        self._buttons.pop(viewer, None)
        with self._changed:
            self._overflowed.discard(viewer)
            self._waiting.append(_Work(viewer, lambda: self._release(viewer)))
            self._changed.notify()

    def close(self) -> None:
        """End the thread soon; what is pressed is released, the keyboard's mapping is restored."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            self._changed.notify()

    def _note(self, work: _Work) -> bool:
        """Let something be done; False when it is dropped."""
        with self._changed:
            if self._closing or work.viewer in self._overflowed:
                return False
            last = self._waiting[-1] if self._waiting else None
            if last and last.motion and work.motion and last.viewer is work.viewer:
                self._waiting[-1] = work  # it has moved on
            elif len(self._waiting) >= MAX_WAITING:
                self._overflowed.add(work.viewer)
                self._waiting.append(_Work(work.viewer, lambda: self._recover(work.viewer)))
            else:
                self._waiting.append(work)
            self._changed.notify()
            return work.viewer not in self._overflowed

    def _take(self) -> _Work | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            return None if self._closing else self._waiting.popleft()

    def _run(self) -> None:
        try:
            self._x = X11Connection(*self._where)
            self._events = Events(self._x)
            self._mapper = KeyMapper(self._x, self._events)
            self._actions = WindowActions(self._x)
            self._xtest = XTest(self._x)
            while (work := self._take()) is not None:
                self._events.dispatch()
                try:
                    work.do()
                except xcffib.Error as error:
                    log.warning("The X server refused an input: %r", error)
            for viewer in list(self._hands):
                self._release(viewer)
            self._mapper.close()
            self._x.close()
        except (xcffib.ConnectionException, XDisplayError):
            return  # the X server is gone

    def _of(self, viewer: object) -> _Hands:
        if viewer not in self._hands:
            self._hands[viewer] = _Hands(Pointer(self._xtest), Keyboard(self._mapper))
        return self._hands[viewer]

    def _press(self, viewer: object, keysym: int, down: bool, scancode: int | None) -> None:
        keyboard = self._of(viewer).keyboard
        while (wait_s := keyboard.key(keysym, down, scancode)) > 0 and not self._closing:
            time.sleep(wait_s)  # until a spare key may be used again
            self._events.dispatch()

    def _release(self, viewer: object) -> None:
        hands = self._hands.pop(viewer, None)
        if hands is not None:
            hands.pointer.release_all()
            hands.keyboard.release_all()

    def _recover(self, viewer: object) -> None:
        with self._changed:
            self._overflowed.discard(viewer)
        self._release(viewer)
