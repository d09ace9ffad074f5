"""What can be asked about one window of the display."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import KernelConnected, WindowNotFound, XDisplayError
from jupyter_xdisplay.sidecar.end_program import end_process, open_process
from jupyter_xdisplay.sidecar.x_thread import XThread
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.spec import DisplayInfo, Size, WindowInfo, check_size

if TYPE_CHECKING:
    from jupyter_xdisplay.x11.connection import X11Connection

log = logging.getLogger(__name__)

PICTURES_MAX = 64
"""Most pictures that are kept of windows that have closed; those of the oldest go."""


class SingleWindows:
    """Resizes, closes and pictures top-level windows.

    Each of its methods raises WindowNotFound for a window that is not there.

    Parameters
    ----------
    xserver
        The display.
    thread
        Where X requests are made.
    connection
        Gives the supervisor's X connection, as long as the display lives.
    info
        Gives the display as it is.
    own_pids
        Gives the processes that belong to the display itself.
    resize_screen
        Gives the screen another size.
    before_close
        Called with a window before it is closed; in `thread`.
    """

    def __init__(
        self,
        xserver: XServer,
        thread: XThread,
        connection: Callable[[], X11Connection],
        info: Callable[[], DisplayInfo],
        own_pids: Callable[[], set[int]],
        resize_screen: Callable[[Size], Awaitable[Any]],
        before_close: Callable[[int], None],
    ) -> None:
        self._xserver = xserver
        self._thread = thread
        self._connection = connection
        self._info = info
        self._own_pids = own_pids
        self._resize_screen = resize_screen
        self._before_close = before_close
        self._growing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping = False
        self._pictures: dict[tuple[int, int], bytes] = {}
        self._picturing = threading.Lock()

    async def resize(self, window: int, size: Size) -> None:
        """Ask its program for another size in pixels, at most as large as the screen can be."""
        from jupyter_xdisplay.x11.window_actions import WindowActions

        self._check(window)
        check_size(size, largest=self._info().max_size)
        await self._grow_screen(size)
        await self._thread.run(lambda: WindowActions(self._connection()).resize(window, size))

    async def close(self, window: int) -> None:
        """Ask its program to close it."""
        from jupyter_xdisplay.x11.window_actions import WindowActions

        self._check(window)

        def close() -> None:
            self._before_close(window)
            WindowActions(self._connection()).close(window)

        await self._thread.run(close)

    async def end_program(self, window: int, keep: Collection[int]) -> None:
        """End its program, also one that hangs or is stopped; the window goes at once.

        The X server hangs up on it, and a process of this user gets TERM, then KILL.

        Parameters
        ----------
        window
            The window.
        keep
            Process ids that must live: a kernel whose X client is closed ends (facts 24).

        Raises
        ------
        KernelConnected
            When the program is one of `keep`, or may be: X does not tell whose the window is.
        """
        from jupyter_xdisplay.x11.clients import Clients

        told_pid = self._check(window).pid
        own = self._own_pids()

        def close() -> int | None:
            clients = Clients(self._connection())
            pid = clients.pid_of(window)
            if not {pid, told_pid}.isdisjoint(keep):
                raise KernelConnected(
                    "This window belongs to the kernel's own process: "
                    "to end its program would end the kernel.",
                    fix="interrupt the kernel; if it does not answer, restart it",
                )
            if keep and not pid and not told_pid:
                raise KernelConnected(
                    "The X server does not tell which program this window belongs to, as it is in "
                    "another PID namespace: to end that one could end the kernel.",
                    fix="close the window, or end its program where it was started",
                )
            # what a program says of itself (_NET_WM_PID) must not make us end another one
            process = None if pid in own else open_process(pid)
            self._before_close(window)
            clients.kill_owner(window)
            return process

        process = await self._thread.run(close)
        if process is not None:
            self._spawn(end_process(process))

    async def screenshot(self, window: int, pid: int = 0) -> bytes:
        """Return it with its dialogs and pop-ups as PNG; the last picture of one that closed.

        With `pid` the window of that process: X gives the ids of windows again.
        """
        from jupyter_xdisplay.x11.window_picture import window_png

        if not self._is_open(window, pid):
            kept = self._kept_picture(window, pid)
            if kept is None:
                raise _no_window(window)
            return kept
        await self.keep_contents()
        where = self._xserver.display, self._xserver.xauthority
        return await self._thread.run(lambda: window_png(*where, window))

    async def keep_contents(self) -> None:
        """Let all windows keep what they drew while others cover them, from now on. Idempotent.

        Only once single windows are looked at: of the whole screen the X server then reports
        coarser damage, one box around all that a program drew at once.
        """
        from jupyter_xdisplay.x11.redirected import keep_contents

        if not self._keeping:
            await self._thread.run(lambda: keep_contents(self._connection()))
            self._keeping = True
            await self._grow_screen()

    def keep_picture(self, window: int, pid: int, png: bytes, one_colour: bool) -> None:
        """Keep the last picture of a window, unless there is one that shows more. Any thread."""
        key = window, pid
        with self._picturing:
            if one_colour and key in self._pictures:
                return
            self._pictures.pop(key, None)
            self._pictures[key] = png
            while len(self._pictures) > PICTURES_MAX:
                del self._pictures[next(iter(self._pictures))]

    def windows_changed(self) -> None:
        """Take up that there are other windows, or that they have other sizes."""
        if self._needed_screen() != self._info().size:
            self._spawn(self._grow_screen())

    def _needed_screen(self, *sizes: Size) -> Size:
        """Return a size of the screen for all windows, and for more of those sizes.

        Only once single windows are looked at: what lies beyond the screen is seen in their views,
        and cannot be clicked.
        """
        from jupyter_xdisplay.x11.room import screen_for

        info = self._info()
        windows = [Size(window.width, window.height) for window in info.windows]
        wanted = [*windows, *sizes] if self._keeping else []
        return screen_for(wanted, info.size, info.max_size)

    async def _grow_screen(self, *sizes: Size) -> None:
        async with self._growing:
            needed = self._needed_screen(*sizes)
            if needed != self._info().size:
                try:
                    await self._resize_screen(needed)
                except XDisplayError as error:
                    log.warning("The screen does not become %s: %s", needed, error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_open(self, window: int, pid: int) -> bool:
        return any(info.id == window and pid in {0, info.pid} for info in self._info().windows)

    def _kept_picture(self, window: int, pid: int) -> bytes | None:
        with self._picturing:
            if pid:
                return self._pictures.get((window, pid))
            newest_first = reversed(self._pictures.items())
            return next((png for (kept, _), png in newest_first if kept == window), None)

    def _check(self, window: int) -> WindowInfo:
        for info in self._info().windows:
            if info.id == window:
                return info
        raise _no_window(window)


def _no_window(window: int) -> WindowNotFound:
    return WindowNotFound(f"There is no window {window:#x} on this display any more.")
