"""Pictures of displays and windows, and what is left of them when those are gone."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import NamedTuple

from jupyter_xdisplay.errors import DisplayEnded, DisplayNotFound, WindowNotFound, XDisplayError
from jupyter_xdisplay.runtime.kept_display import KeptDisplay

MAX_BYTES = 64 * 1024 * 1024
"""Most memory for all pictures; those that were not used for longest go."""


class Subject(NamedTuple):
    """What a picture is of: a display, or one window of it.

    `window` is 0 for the screen. `pid` tells windows apart whose id the X server gave twice; 0
    where it is not known.
    """

    display_id: str
    window: int = 0
    pid: int = 0


class Pictures:
    """Takes PNGs and remembers the newest of each subject. Threads may share it."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._newest: dict[Subject, bytes] = {}
        self._bytes = 0

    def take(self, kept: KeptDisplay, subject: Subject, timeout_s: float) -> bytes:
        """Take a picture of a display or a window; of what is gone return the last one.

        Raises
        ------
        DisplayEnded, DisplayNotFound, WindowNotFound
            When it is gone without a picture.
        XDisplayError
            When it is there and cannot be pictured.
        """
        _, window, pid = subject
        if window and not pid:
            pid = next((info.pid for info in kept.info.windows if info.id == window), 0)
            subject = subject._replace(pid=pid)
        try:
            if window:
                png = kept.living_client.window_screenshot(window, timeout_s, pid=pid)
            else:
                png = _screen(kept, timeout_s)
        except (DisplayEnded, DisplayNotFound, WindowNotFound):
            left = self._newest.get(subject)
            if left is None:
                raise
            return left
        self._keep(subject, png)
        return png

    def take_all(self, kept: KeptDisplay, timeout_s: float) -> None:
        """Take what there is of a display and its windows, as far as there is the time."""
        end = time.monotonic() + timeout_s
        for window, pid in [(0, 0), *reversed(kept.windows)]:
            left_s = end - time.monotonic()
            if left_s <= 0:
                return
            with suppress(XDisplayError):
                self.take(kept, Subject(kept.info.id, window, pid), left_s)

    def _keep(self, subject: Subject, png: bytes) -> None:
        with self._lock:
            self._bytes += len(png) - len(self._newest.pop(subject, b""))
            self._newest[subject] = png
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._newest.pop(next(iter(self._newest))))


def _screen(kept: KeptDisplay, timeout_s: float) -> bytes:
    """Take the screen; that of a parked display is empty."""
    if kept.info.state != "running":
        raise DisplayNotFound("This display has ended without a picture.", fix="%xdisplay")
    return kept.client.screenshot(timeout_s)
