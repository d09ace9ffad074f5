"""What can be asked of a top-level window by way of the window manager (EWMH 1.5)."""

from __future__ import annotations

import time

import xcffib
import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.window_group import top_level
from jupyter_xdisplay.x11.window_stack import read_window_stack

FROM_PAGER = 2
"""Source indication of EWMH: a tool that acts for the user, so nothing is held back."""

ACTIVE_S = 0.3
LOOK_AGAIN_S = 0.002


class WindowActions:
    """Raises, closes and resizes windows.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._x = connection
        self._without_keyboard: set[int] = set()
        self._in_vain: tuple[int, list[int]] | None = None

    def activate(self, window: int) -> bool:
        """Raise a window and give it the keyboard, unless it or a dialog of it is on top already.

        Input by XTEST goes to the topmost window at the pointer's place. While a menu of it is
        open nothing is raised: the menu would be covered. A program that does not take the
        keyboard (ICCCM 4.1.7) is only raised, and not asked for long again; nor is one that cannot
        come on top, as another stays above all, before the stack is another one.

        Returns
        -------
        bool
            Whether it is on top now.
        """
        if self._is_active(window):
            return True
        self._ask("_NET_ACTIVE_WINDOW", window, FROM_PAGER)
        if self._in_vain == (window, self._stacked()):
            return False
        end = time.monotonic() + ACTIVE_S
        while time.monotonic() < end:
            if self._is_active(window):
                return True
            time.sleep(LOOK_AGAIN_S)
        if self._is_on_top(window):
            self._without_keyboard.add(window)
            return True
        self._in_vain = (window, self._stacked())
        return False

    def close(self, window: int) -> None:
        """Ask a window's program to close it (WM_DELETE_WINDOW, ICCCM 4.2.8.1)."""
        self._ask("_NET_CLOSE_WINDOW", window, xcffib.CurrentTime, FROM_PAGER)

    def resize(self, window: int, size: Size) -> None:
        """Ask for another size in pixels; programs may choose one near it, or keep theirs."""
        mask = xcffib.xproto.ConfigWindow.Width | xcffib.xproto.ConfigWindow.Height
        self._x.core.ConfigureWindow(window, mask, list(size))
        self._x.flush()

    def _is_active(self, window: int) -> bool:
        if window in self._without_keyboard:
            return self._is_on_top(window)
        active = self._x.property_numbers(self._x.root, "_NET_ACTIVE_WINDOW")[:1]
        return self._belong(window, active) and self._is_on_top(window)

    def _is_on_top(self, window: int) -> bool:
        return self._belong(window, self._stacked()[-1:])

    def _stacked(self) -> list[int]:
        return self._x.property_numbers(self._x.root, "_NET_CLIENT_LIST_STACKING")

    def _belong(self, window: int, found: list[int]) -> bool:
        """Tell whether a window, the only one of a list, is that one or a dialog of it."""
        if found == [window]:
            return True
        if not found or found == [0]:
            return False
        stack = read_window_stack(self._x)
        return found[0] in stack.managed and top_level(found[0], stack) == window

    def _ask(self, message: str, window: int, *words: int) -> None:
        """Send a client message to the root window, for the window manager."""
        mask = xcffib.xproto.EventMask
        everyone = mask.SubstructureRedirect | mask.SubstructureNotify
        self._x.send_message(self._x.root, window, message, words, everyone)
        self._x.flush()
