"""One window from Python: look at it, click, type, wait, record. Made by `Display.windows()`.

::

    with xd.display() as d:
        d.run("xcalc")
        w = d.window("Calculator")
        w.key("7")
        w.click(100, 60)
        w.wait(change=True)
        w.snapshot("result.png")

Coordinates are pixels of the window itself, from its own top left corner. Menus that reach beyond
its edges are reached by coordinates beyond its size, also negative ones.

When an input method returns, the X server has taken the input, in order, and has put it into the
program's queue; the window was raised before. When the program acts on it is its own affair: that
is what `wait` is for. A window of this process itself does neither before its event loop runs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay import recording
from jupyter_xdisplay.errors import DisplayEnded, UsageError, WaitTimedOut, WindowNotFound
from jupyter_xdisplay.kernel.automation import conditions
from jupyter_xdisplay.kernel.automation.images import picture
from jupyter_xdisplay.kernel.automation.input import WindowInput
from jupyter_xdisplay.kernel.sizes import read_size
from jupyter_xdisplay.spec import Size

if TYPE_CHECKING:
    import PIL.Image

    from jupyter_xdisplay.kernel.automation.conditions import Colour, Condition, Title
    from jupyter_xdisplay.kernel.sizes import SizeLike

LOOK_S = 0.1
"""Longest time that `wait` keeps other threads from using the window."""

POLL_S = 0.02
SETTLE_S = 1.0
"""So long a program may take to choose its size."""


class Window(WindowInput):
    """A top-level window of a display. Made by `Display.windows` and `Display.window`.

    Its methods raise WindowNotFound once it is closed, and DisplayEnded once its display is gone.
    They may be called from several threads: one waits for the other.
    """

    @property
    def size(self) -> Size:
        """Width and height in pixels, as they are now, without the window manager's frame."""
        info = self.info
        return Size(info.width, info.height)

    @property
    def pid(self) -> int:
        """The process that it belongs to; 0 where the X server does not tell."""
        return self.info.pid

    @property
    def is_open(self) -> bool:
        """Whether it is still there."""
        try:
            self._check_open()
        except (WindowNotFound, DisplayEnded):
            return False
        return True

    def snapshot(self, file: str | os.PathLike[str] | None = None) -> PIL.Image.Image:
        """Return it with its menus and dialogs as a Pillow image; write it to `file` if given.

        Other windows over it are not in the picture.

        Raises
        ------
        UsageError
            When the file cannot be written, or its suffix names no format of images.
        """
        with self._display.asked() as sidecar:
            return picture(sidecar.window_screenshot(self.id, pid=self.known_info.pid), file)

    def wait(
        self,
        *,
        change: bool = False,
        title: Title | None = None,
        pixel: tuple[int, int, Colour] | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Wait for one of three things.

        Parameters
        ----------
        change
            Another picture, or size, than just before the last input; where none came since the
            last `wait`, than now.
        title
            A title that contains a text, or in which a compiled regular expression is found.
        pixel
            `(x, y, colour)`: about that colour (`"red"`, `"#ff8000"`, `(255, 128, 0)`) there.
        timeout_s
            Seconds.

        Raises
        ------
        WaitTimedOut
            When it did not come; the message says what was seen instead.
        UsageError
            When not one of the three is asked for.
        """
        condition, wanted = self._condition(change, title, pixel)
        end = time.monotonic() + timeout_s
        with self._viewing() as viewer:
            viewer.refresh()
            seen = condition(viewer)
        while seen is not None and (remaining_s := end - time.monotonic()) > 0:
            with self._viewing() as viewer:
                viewer.look(min(remaining_s, LOOK_S))
                seen = condition(viewer)
        self._before = None
        if seen is not None:
            raise self._timed_out(f"no {wanted} within {timeout_s:g} s; {seen}.")

    def record(
        self, file: str | os.PathLike[str], *, seconds: float = 5.0, fps: float = 10.0
    ) -> Path:
        """Record it with its menus and dialogs; return the file's path. Blocks meanwhile.

        When the window closes before, the recording ends there.

        Parameters
        ----------
        file
            Its suffix chooses the format: `.gif`, or `.mp4` and `.webm`, which need the package
            av.
        seconds
            How long.
        fps
            Most frames a second; where nothing changes none is made.

        Raises
        ------
        UsageError
            When it cannot be written so, or would have too many frames.
        ProgramMissing
            When the package av is needed and not installed.
        """
        path = Path(file).expanduser()
        recording.check(path, seconds, fps)
        with recording.Recording() as taken:
            try:
                taken.follow(self._picture, seconds, fps, time.sleep)
            except WindowNotFound:
                if not taken.frames:
                    raise
            taken.save(path, taken.lasted_s, fps)
        return path

    def resize(self, size: SizeLike) -> Size:
        """Ask its program for another size in pixels; return the one that it has then.

        Programs may choose one that is near, as terminals do, or keep theirs.

        Raises
        ------
        UsageError
            When that is no size that a window can have.
        """
        wanted = read_size(size)
        self._check_open()
        with self._display.asked() as sidecar:
            sidecar.resize_window(self.id, wanted)
        end = time.monotonic() + SETTLE_S
        while (now := self.size) != wanted and time.monotonic() < end:
            time.sleep(POLL_S)
        return now

    def close(self, *, timeout_s: float = 3.0) -> None:
        """Ask its program to close it, and wait until it is gone. Without it nothing happens.

        A window of this process itself is not waited for: only its event loop can close it.

        Raises
        ------
        WaitTimedOut
            When it is still there: its program asks back, or hangs.
        """
        try:
            ours = self.pid == os.getpid()
            with self._display.asked() as sidecar:
                sidecar.close_window(self.id)
        except (WindowNotFound, DisplayEnded):
            return
        end = time.monotonic() + timeout_s
        while not ours and self.is_open:
            if time.monotonic() > end:
                raise WaitTimedOut(
                    f"The window {self.known_info.title!r} is still open after {timeout_s:g} s.",
                    fix="see .snapshot(): it may ask something; "
                    f"or end its program: os.kill({self.known_info.pid}, 15)",
                )
            time.sleep(POLL_S)
        self.disconnect()

    def __repr__(self) -> str:
        info = self.known_info
        return f"<Window {info.title!r} {info.id:#x} {info.width}x{info.height}>"

    def _picture(self) -> tuple[recording.Picture, tuple[int, int]]:
        with self._viewing() as viewer:
            return viewer.picture()

    def _condition(
        self, change: bool, title: Title | None, pixel: tuple[int, int, Colour] | None
    ) -> tuple[Condition, str]:
        """Return what to wait for, and its name for messages."""
        if change + (title is not None) + (pixel is not None) != 1:
            raise UsageError(
                "wait() waits for one thing.",
                fix='wait(change=True), wait(title="…") or wait(pixel=(x, y, "red"))',
            )
        if title is not None:
            return conditions.titled(title), conditions.say(title)
        if pixel is not None:
            return conditions.coloured(*pixel), "such colour"
        if self._before is None:
            with self._viewing() as viewer:
                viewer.refresh()
                self._before = viewer.framebuffer.copy()
        return conditions.changed_from(self._before), "change"

    def _timed_out(self, what: str) -> WaitTimedOut:
        if self.known_info.pid == os.getpid():
            fix = "let its event loop run: it belongs to this process, which was busy waiting"
        else:
            fix = "look at .snapshot(), or give it more time: timeout_s="
        return WaitTimedOut(f"{self.known_info.title!r}: {what}", fix=fix)
