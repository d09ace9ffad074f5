"""Input as if from devices: the XTEST extension (xteststd)."""

from __future__ import annotations

import time

import xcffib
import xcffib.xproto
import xcffib.xtest

from jupyter_xdisplay.x11.connection import X11Connection

KEY_PRESS = 2
KEY_RELEASE = 3
BUTTON_PRESS = 4
BUTTON_RELEASE = 5
MOTION_NOTIFY = 6
MIN_VERSION = (2, 2)
HELD_UP_S = 0.2
LOOK_AGAIN_S = 0.001


class XTest:
    """Fakes input events.

    The connection is made impervious to grabs of the server: a program that grabs it, as old
    menus do, could not be given the click that ends its grab otherwise.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._x = connection
        self.place: tuple[int, int] | None = None
        """Where the pointer was put last, by this object."""
        self._xtest = connection.raw(xcffib.xtest.key)
        self._xtest.GetVersion(*MIN_VERSION).reply()
        self._xtest.GrabControl(True)
        connection.flush()

    def key(self, keycode: int, down: bool) -> None:
        """Press or release a key."""
        self._fake(KEY_PRESS if down else KEY_RELEASE, keycode)

    def button(self, button: int, down: bool) -> None:
        """Press or release a pointer button, 1 being the left one."""
        self._fake(BUTTON_PRESS if down else BUTTON_RELEASE, button)

    def wait_until_taken(self, left: bool) -> None:
        """Wait until the pointer is where it was put, and the left button as it was left.

        A window manager that focuses what is clicked holds up what comes after a press until it
        has seen that (XGrabButton(3), GrabModeSync). All that is done meanwhile is told to programs
        at the place where the pointer is in the end, and motions on the way are left out. A
        program that puts the pointer elsewhere itself is not waited for long.
        """
        end = time.monotonic() + HELD_UP_S
        while time.monotonic() < end:
            now = self._x.core.QueryPointer(self._x.root).reply()
            is_left = bool(now.mask & xcffib.xproto.KeyButMask.Button1)
            if (now.root_x, now.root_y) == self.place and is_left == left:
                return
            time.sleep(LOOK_AGAIN_S)

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a place of the screen."""
        self.place = (x, y)
        self._fake(MOTION_NOTIFY, 0, x, y)

    def flush(self) -> None:
        """Send what is buffered."""
        self._x.flush()

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        root = self._x.root if kind == MOTION_NOTIFY else xcffib.NONE
        self._xtest.FakeInput(kind, detail, xcffib.CurrentTime, root, x, y, 0)
