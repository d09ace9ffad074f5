"""The sidecar's supervisor: what it starts, in which order, and how all of it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.errors import (
    PrivateDirectoryError,
    XDisplayError,
)
from jupyter_xdisplay.latest import Latest
from jupyter_xdisplay.paths import remove_directory, write_private
from jupyter_xdisplay.sidecar.child import Child, describe_end
from jupyter_xdisplay.sidecar.config import CONNECTION_FILE_NAME, SOCKET_NAME, SidecarConfig
from jupyter_xdisplay.sidecar.helper import Helper
from jupyter_xdisplay.sidecar.left_over import reap
from jupyter_xdisplay.sidecar.single_windows import SingleWindows
from jupyter_xdisplay.sidecar.viewing import Viewing
from jupyter_xdisplay.sidecar.watching import settle, watch
from jupyter_xdisplay.sidecar.x_thread import XThread
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.spec import DisplayInfo, Size, WindowInfo
from jupyter_xdisplay.xserver import openbox

CLIENTS_DEADLINE_S = 1.0
MANAGED_S = 4.0
TOLD_S = 0.3
"""How long watchers of the events get to read the last one."""

HOUSEKEEPING_S = 60.0


class Sidecar:
    """One X server with all that belongs to it.

    Parameters
    ----------
    directory
        The private directory; removed at the end.
    config
        What to run.
    """

    def __init__(self, directory: Path, config: SidecarConfig) -> None:
        self.directory = directory
        self.config = config
        self.socket = directory / SOCKET_NAME
        self.xserver = XServer(directory, config)
        self.info: Latest[DisplayInfo] = Latest(self._first_info())
        self.over = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._helpers: list[Helper] = []
        self._viewing: Viewing | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._x_thread = XThread(self.xserver.child)
        self.single_windows = SingleWindows(
            self.xserver,
            self._x_thread,
            lambda: self._connection,
            lambda: self.info.value,
            self._own_pids,
            self.resize,
            self._window_closes,
        )

    async def start(self) -> None:
        """Start the X server, then all that needs it.

        Raises
        ------
        XDisplayError
            Whatever did not come up; what had been started is ended.
        """
        try:
            await self.xserver.launch()
            _import_late(self.config)
            await self.xserver.wait_until_up()
            xauthority = self.config.told_xauthority or str(self.xserver.xauthority)
            self._tell(display=self.xserver.display, xauthority=xauthority)
            await self._open_screen()
            await self._start_helpers()
        except BaseException:
            await self.end()
            raise
        self._spawn(self._watch_xserver())
        self._spawn(self._keep_house())
        self._watcher = watch(self.xserver, self._windows_changed)

    async def end(self, *, reason: str = "It was stopped.", fix: str | None = None) -> None:
        """End everything and leave nothing behind. Idempotent; `over` is set when it is done."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(reason, fix))
        await asyncio.shield(self._ending)

    async def settle(self) -> DisplayInfo:
        """Return the display with all windows that programs have mapped so far."""
        await settle(self._watcher)
        return self.info.value

    async def refresh(self) -> DisplayInfo:
        """Return the display with its clients as they are now; X has no event for their coming."""
        from jupyter_xdisplay.x11.clients import Clients

        def clients() -> tuple[int, ...]:
            return Clients(self._connection).distinct_pids()

        with suppress(XDisplayError):  # while a program has grabbed the server: the last known
            pids = await self._x_thread.run(clients, CLIENTS_DEADLINE_S)
            self._tell(clients=self._of_others(pids))
        return self.info.value

    async def resize(self, size: Size) -> DisplayInfo:
        """Give the screen another size; raise UsageError when it cannot have it."""
        self._tell(size=await self._x_thread.run(lambda: self._screen.resize(size)))
        return self.info.value

    async def screenshot(self) -> bytes:
        """Return the screen as PNG."""
        return await self._x_thread.run(self._screen.png)

    async def clear(self, keep: list[int]) -> int:
        """Close the windows of all programs but those of the pids in `keep`; return how many."""
        from jupyter_xdisplay.x11.clients import Clients

        keep = [*keep, *self._own_pids()]  # our threads have windows of their own
        return await self._x_thread.run(lambda: Clients(self._connection).kill(keep))

    async def park(self, keep: list[int]) -> DisplayInfo:
        """Close all other programs and stop the RFB server; the X server stays for `keep`."""
        await self.clear(keep)
        if self._viewing is not None:
            await self._viewing.end()
        self._tell(state="parked")
        return self.info.value

    async def unpark(self) -> DisplayInfo:
        """Take a parked display into use again."""
        if self._viewing is not None:
            await self._viewing.start()
        self._tell(state="running")
        self._write_connection_file()
        return self.info.value

    async def follow_windows(self) -> None:
        """Keep what windows draw while they are covered, and the last picture of each."""
        await self.single_windows.keep_contents()
        self._watcher.keep_pictures(self.single_windows.keep_picture)

    def _window_closes(self, window: int) -> None:
        self._watcher.copy_picture(window)

    @property
    def viewing(self) -> Viewing:
        """Who serves its viewers."""
        assert self._viewing is not None  # there before the socket answers
        return self._viewing

    def viewers_changed(self, by: int) -> None:
        """Count a viewer that came (+1) or went (-1)."""
        self._tell(viewers=self.info.value.viewers + by)
        self._watcher.set_pinging(self.info.value.viewers > 0)

    async def _end(self, reason: str, fix: str | None) -> None:
        try:
            await self._end_all(reason, fix)
        finally:
            # Whatever failed above, this process must end: its children then get their signal.
            self.over.set()

    async def _end_all(self, reason: str, fix: str | None) -> None:
        if self.info.value.state != "ended":
            self._tell(state="ended", reason=reason, fix=fix, vnc=None)
        self.info.close()
        for task in self._tasks:
            task.cancel()
        if self._viewing is not None:
            await self._viewing.end()
        await asyncio.gather(*(helper.end() for helper in self._helpers))
        await self.xserver.end()
        self._x_thread.end()
        if self.info.watched:
            await asyncio.sleep(TOLD_S)
        remove_directory(self.directory)
        reap()  # a server that was killed cannot remove its own directory: its last sidecar does

    def _first_info(self) -> DisplayInfo:
        config = self.config
        return DisplayInfo(
            id=config.display_id,
            name=config.name,
            state="running",
            display="",
            xauthority="",
            socket=config.told_socket or str(self.socket),
            size=config.size,
            max_size=config.max_size,
            dpi=config.dpi,
            depth=config.depth,
            runtime=config.runtime,
            container=config.container,
            created=config.created,
            chosen={
                "xserver": "Xvfb: a screen in memory",
                "renderer": "software GL: Xvfb has no GPU, so Mesa draws on the processor",
                "window_manager": "openbox",
                "stream": config.stream,
                "runtime": config.place or "local: a process of this machine",
            },
        )

    def _tell(self, **changes: object) -> None:
        self.info.set(dataclasses.replace(self.info.value, **changes))  # type: ignore[arg-type]

    def _spawn(self, work: Awaitable[None]) -> None:
        self._tasks.append(asyncio.ensure_future(work))

    async def _open_screen(self) -> None:
        from jupyter_xdisplay.x11.connection import X11Connection
        from jupyter_xdisplay.x11.screen import Screen

        def connect() -> Size:
            self._connection = X11Connection(self.xserver.display, self.xserver.xauthority)
            self._screen = Screen(self._connection, self.config.dpi)
            size = self._screen.resize(self.config.size)
            self._screen.prepare()
            return size

        self._tell(size=await self._x_thread.run(connect))

    async def _start_helpers(self) -> None:
        directory, config = self.directory, self.config
        environment = {
            **os.environ,
            "DISPLAY": self.xserver.display,
            "XAUTHORITY": str(self.xserver.xauthority),
        }
        configuration = directory / "openbox.xml"
        write_private(configuration, openbox.CONFIGURATION.encode())
        manager_argv = openbox.openbox_argv(config.openbox, configuration=configuration)
        manager = Helper(
            "openbox",
            [*manager_argv, *config.openbox_args],
            {**environment, "XDG_CACHE_HOME": str(directory)},  # where it keeps a log of its own
            directory / "openbox.log",
            told=self._helper_told,
        )
        self._viewing = Viewing(
            self.xserver,
            directory,
            config,
            environment,
            size=lambda: self.info.value.size,
            resize=self.resize,
            single_windows=self.single_windows,
            told=self._helper_told,
            opened=lambda vnc: self._tell(vnc=vnc),
            changed=self.viewers_changed,
        )
        self._tell(chosen={**self.info.value.chosen, "stream": self._viewing.why})
        self._helpers = [manager]
        await manager.start()
        await self._viewing.start()
        self._write_connection_file()
        await self._wait_for_manager()

    async def _wait_for_manager(self) -> None:
        """Wait until windows are managed: those mapped before that would be lost."""
        from jupyter_xdisplay.x11.managed import wait_until_managed

        connection = self._connection
        if not await self._x_thread.run(lambda: wait_until_managed(connection, MANAGED_S)):
            self._tell(notice=f"openbox does not manage windows after {MANAGED_S:.0f} s.")

    def _children(self) -> list[Child]:
        """Return all programs that run here."""
        helpers = [helper.child for helper in self._helpers]
        streams = self._viewing.children if self._viewing is not None else []
        return [self.xserver.child, *helpers, *streams]

    def _helper_told(self, notice: str | None) -> None:
        self._tell(notice=notice)
        with suppress(PrivateDirectoryError):  # full, or gone: the helper runs all the same
            self._write_connection_file()

    def _write_connection_file(self) -> None:
        """Write who runs here, for whoever cleans up when this process was killed."""
        value = {
            "display_number": self.xserver.number,
            "pids": {child.name: child.pid for child in self._children()},
        }
        write_private(self.directory / CONNECTION_FILE_NAME, json.dumps(value).encode())

    def _windows_changed(self, windows: tuple[WindowInfo, ...], clients: tuple[int, ...]) -> None:
        self._tell(windows=windows, clients=self._of_others(clients))
        self.viewing.set_windows(windows)
        self.single_windows.windows_changed()

    def _of_others(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        own = self._own_pids()
        return tuple(pid for pid in pids if pid not in own)

    def _own_pids(self) -> set[int]:
        """Return ourselves, the helpers, and the X server: it is a client of its own."""
        return {os.getpid(), *(child.pid for child in self._children())}

    async def _watch_xserver(self) -> None:
        status = await self.xserver.child.wait()
        if self._ending is None:
            self._tell(log=tuple(self.xserver.child.tail()))
            await self.end(
                reason=f"The X server {describe_end(status)}.", fix="%xdisplay starts a new one"
            )

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            for child in self._children():
                child.bound_log()


def _import_late(config: SidecarConfig) -> None:
    """Import what needs the X server while it starts: that takes as long as it does."""
    from jupyter_xdisplay.sidecar import http  # noqa: F401
    from jupyter_xdisplay.x11 import clients, managed, screen, windows  # noqa: F401

    if config.stream == "builtin":
        from jupyter_xdisplay.sidecar.rfb_server import stream  # noqa: F401
