"""Finding a window by its title."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import WindowNotFound
from jupyter_xdisplay.kernel.automation.conditions import matches, say

if TYPE_CHECKING:
    from jupyter_xdisplay.kernel.automation.conditions import Title
    from jupyter_xdisplay.kernel.automation.window import Window
    from jupyter_xdisplay.kernel.display import Display

POLL_S = 0.03


def wait_for_window(display: Display, title: Title | None, timeout_s: float) -> Window:
    """Do what `Display.window` says."""
    end = time.monotonic() + timeout_s
    while True:
        windows = display.info_now().windows
        for info in reversed(windows):
            if title is None or matches(title, info.title):
                return display.window_of(info)
        if time.monotonic() > end:
            wanted = "" if title is None else f" with a {say(title)}"
            there = ", ".join(repr(info.title) for info in windows) or "none"
            raise WindowNotFound(
                f"No window{wanted} came within {timeout_s:g} s; open are: {there}.",
                fix="see the whole screen: d.snapshot()",
            )
        time.sleep(POLL_S)
