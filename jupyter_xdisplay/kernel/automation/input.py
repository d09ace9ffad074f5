"""The connection to one window, and input through it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import Unreachable, UsageError, WindowNotFound
from jupyter_xdisplay.kernel.automation import key_names
from jupyter_xdisplay.kernel.automation.mouse import BUTTONS, button_mask, drag_path, place_of
from jupyter_xdisplay.sidecar.rfb_viewer import RfbViewer, StreamEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.rfb import Pixels
    from jupyter_xdisplay.spec import WindowInfo

KEYS_AT_ONCE = 16
"""Keys that are sent before the server is asked whether it has pressed them: its queue is bounded,
and characters that no key has take their time."""

GONE_S = 1.0
"""A session of a window may end this long before the sidecar knows that the window is gone."""

POLL_S = 0.02


class WindowInput:
    """The part of `Window` that points and types.

    Parameters
    ----------
    display
        Where it is.
    info
        The window as it was last seen.
    """

    def __init__(self, display: Display, info: WindowInfo) -> None:
        self._display = display
        self.known_info = info
        """What was last known about it, without asking."""
        self._lock = threading.RLock()
        self._viewer: RfbViewer | None = None
        self._before: Pixels | None = None

    @property
    def id(self) -> int:
        """The X server's number for it."""
        return self.known_info.id

    @property
    def info(self) -> WindowInfo:
        """Everything about it, as it is now."""
        for info in self._display.info_now().windows:
            # X gives the numbers of windows again, to other programs
            if info.id == self.id and self.known_info.pid in {0, info.pid}:
                self.known_info = info
                return info
        raise WindowNotFound(
            f"The window {self.known_info.title!r} is closed.", fix="the open ones: d.windows()"
        )

    @property
    def title(self) -> str:
        """Its title, as it is now."""
        return self.info.title

    def move(self, x: float, y: float) -> None:
        """Move the pointer there.

        Raises
        ------
        UsageError
            When there is nothing of the window.
        """
        with self._acting() as viewer:
            viewer.pointer(*place_of(viewer, x, y))

    def click(self, x: float, y: float, button: str = "left", count: int = 1) -> None:
        """Move the pointer there, and press and release a button.

        Two calls one right after the other may be a double click to the program, too.

        Parameters
        ----------
        x, y
            Pixels of the window.
        button
            `"left"`, `"middle"`, `"right"`, `"back"` or `"forward"`.
        count
            2 for a double click.

        Raises
        ------
        UsageError
            When there is nothing of the window, or no such button.
        """
        mask = button_mask(button)
        with self._acting() as viewer:
            place = place_of(viewer, x, y)
            viewer.pointer(*place)
            for _ in range(count):
                viewer.pointer(*place, mask)
                viewer.pointer(*place)

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], button: str = "left"
    ) -> None:
        """Press a button at `start`, move to `end` in small steps, and release it there.

        Raises
        ------
        UsageError
            When one of the two is outside of the window, or there is no such button.
        """
        mask = button_mask(button)
        with self._acting() as viewer:
            first, last = place_of(viewer, *start), place_of(viewer, *end)
            viewer.pointer(*first)
            viewer.pointer(*first, mask)
            for place in drag_path(first, last):
                viewer.settle()  # a motion that waits is replaced by the next one
                viewer.pointer(*place, mask)
            viewer.pointer(*last)

    def scroll(self, x: float, y: float, amount: int) -> None:
        """Turn the wheel there by so many notches: down, or up where `amount` is negative.

        Raises
        ------
        UsageError
            When there is nothing of the window.
        """
        mask = BUTTONS["wheel_down" if amount > 0 else "wheel_up"]
        with self._acting() as viewer:
            place = place_of(viewer, x, y)
            viewer.pointer(*place)
            for _ in range(abs(amount)):
                viewer.pointer(*place, mask)
                viewer.pointer(*place)

    def type(self, text: str) -> None:
        """Type a text of any characters; a newline is Return, a tab is Tab.

        Raises
        ------
        UsageError
            When it holds control characters.
        """
        keysyms = key_names.keysyms_of(text)
        with self._acting() as viewer:
            for number, keysym in enumerate(keysyms, 1):
                viewer.key(keysym, down=True)
                viewer.key(keysym, down=False)
                if number % KEYS_AT_ONCE == 0:
                    viewer.settle()

    def key(self, key: str) -> None:
        """Press and release a key, with modifiers if any: `"Return"`, `"F5"`, `"ctrl+shift+s"`.

        Parameters
        ----------
        key
            A character, or a name of X (`Page_Up`, `KP_Enter`; upper and lower case are alike),
            after the modifiers ctrl, shift, alt, altgr, meta and super. `"ctrl+S"` is
            `"ctrl+shift+s"`.

        Raises
        ------
        UsageError
            On names that no key has; the error names those that are near.
        """
        chord = key_names.read_chord(key)
        with self._acting() as viewer:
            for modifier in chord.modifiers:
                viewer.key(modifier, down=True)
            viewer.key(chord.key, down=True)
            viewer.key(chord.key, down=False)
            for modifier in reversed(chord.modifiers):
                viewer.key(modifier, down=False)

    def disconnect(self) -> None:
        """Close the connection that input and waiting use; the next one opens another. Any thread.

        It is closed with the window, with the display, and when this object is gone, too.
        """
        viewer, self._viewer = self._viewer, None
        if viewer is not None:
            viewer.close()

    def _check_open(self) -> None:
        """Raise WindowNotFound when it is closed: its number may be another window's by now."""
        _ = self.info

    @contextmanager
    def _acting(self) -> Iterator[RfbViewer]:
        """Give the viewer, its layout up to date; return when the X server has the input."""
        with self._viewing() as viewer:
            viewer.refresh()
            self._before = viewer.framebuffer.copy()
            yield viewer
            viewer.settle()

    @contextmanager
    def _viewing(self) -> Iterator[RfbViewer]:
        """Give the viewer, connected; an interruption hangs up, which releases what is held."""
        try:
            with self._lock:
                try:
                    yield self._connected()
                except UsageError:
                    raise
                except BaseException:
                    self.disconnect()
                    raise
        except StreamEnded as error:
            raise self._why_ended(error) from error

    def _why_ended(self, error: StreamEnded) -> Unreachable:
        """Return why there is no connection; raise what says that window or display is gone."""
        end = time.monotonic() + GONE_S
        while time.monotonic() < end:
            title = self.title
            time.sleep(POLL_S)
        return Unreachable(f"{title!r} takes no input: {error}", fix="%xdisplay doctor")

    def _connected(self) -> RfbViewer:
        viewer = self._viewer
        if viewer is None or not viewer.usable:
            self._check_open()
            with self._display.asked() as sidecar:
                viewer = self._viewer = RfbViewer(sidecar.open_rfb(window=self.id))
        return viewer
