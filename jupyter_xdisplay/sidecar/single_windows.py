"""What can be asked about one window of the display."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import WindowNotFound
from jupyter_xdisplay.sidecar.x_thread import XThread
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.spec import DisplayInfo, Size

if TYPE_CHECKING:
    from jupyter_xdisplay.x11.connection import X11Connection


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
    """

    def __init__(
        self,
        xserver: XServer,
        thread: XThread,
        connection: Callable[[], X11Connection],
        info: Callable[[], DisplayInfo],
    ) -> None:
        self._xserver = xserver
        self._thread = thread
        self._connection = connection
        self._info = info
        self._keeping = False

    async def resize(self, window: int, size: Size) -> None:
        """Ask its program for another size in pixels."""
        from jupyter_xdisplay.x11.window_actions import WindowActions

        self._check(window)
        await self._thread.run(lambda: WindowActions(self._connection()).resize(window, size))

    async def close(self, window: int) -> None:
        """Ask its program to close it."""
        from jupyter_xdisplay.x11.window_actions import WindowActions

        self._check(window)
        await self._thread.run(lambda: WindowActions(self._connection()).close(window))

    async def screenshot(self, window: int) -> bytes:
        """Return it with its dialogs and pop-ups as PNG."""
        from jupyter_xdisplay.x11.window_picture import window_png

        self._check(window)
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

    def _check(self, window: int) -> None:
        if window not in {info.id for info in self._info().windows}:
            raise WindowNotFound(f"There is no window {window:#x} on this display any more.")
