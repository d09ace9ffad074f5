"""How a display is looked at: the RFB server of its views, and a VNC port where one is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.iostream import IOStream

from jupyter_xdisplay.errors import DisplayEnded, UsageError, WindowNotFound
from jupyter_xdisplay.sidecar.child import Child
from jupyter_xdisplay.sidecar.config import SidecarConfig
from jupyter_xdisplay.sidecar.single_windows import SingleWindows
from jupyter_xdisplay.sidecar.streams import Serve, Stream, X11vncStream
from jupyter_xdisplay.sidecar.vnc_access import VncRequest
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.spec import NOTEBOOK, Size, VncAccess, VncPort, WindowInfo

if TYPE_CHECKING:
    from jupyter_xdisplay.sidecar.rfb_server.stream import BuiltinStream
    from jupyter_xdisplay.sidecar.vnc_port import VncServer


class Viewing:
    """The RFB server that was chosen, and the VNC port: that one always serves our own sessions.

    Parameters
    ----------
    xserver, directory, config
        The display, where its sockets and logs are, and what was chosen.
    environment
        Of the programs that it runs.
    size, resize
        The screen's size in pixels, and how to change it.
    single_windows
        Resizes windows.
    told
        Called with a sentence when a program died, and with None when it runs again.
    opened
        Called with the VNC port when it is opened, and with None when it is closed.
    changed
        Called with +1 and -1 for each viewer that comes and goes by the VNC port.
    """

    def __init__(
        self,
        xserver: XServer,
        directory: Path,
        config: SidecarConfig,
        environment: dict[str, str],
        *,
        size: Callable[[], Size],
        resize: Callable[[Size], Awaitable[Any]],
        single_windows: SingleWindows,
        told: Callable[[str | None], None],
        opened: Callable[[VncPort | None], None],
        changed: Callable[[int], None],
    ) -> None:
        self._xserver = xserver
        self._name = config.name
        self._size = size
        self._resize = resize
        self._single_windows = single_windows
        self._windows: tuple[WindowInfo, ...] = ()
        self._opened = opened
        self._changed = changed
        self._serving = False
        self._own: BuiltinStream | None = None
        self._port: VncServer | None = None
        self._opening = asyncio.Lock()
        self._users = 0
        """Views of windows that our own RFB server serves beside x11vnc."""
        self._stream: Stream
        if config.stream == "x11vnc":
            self._stream = X11vncStream(xserver, directory, config, environment, told)
        else:
            self._stream = self._own = self._make_own()

    @property
    def why(self) -> str:
        """The name of the RFB server and why it was chosen."""
        return self._stream.why

    @property
    def children(self) -> list[Child]:
        """The programs that it runs."""
        return self._stream.children

    async def start(self) -> None:
        """Begin to serve views. Idempotent."""
        await self._stream.start()
        self._serving = True

    async def end(self) -> None:
        """Close the VNC port and serve no more; viewers are disconnected. Idempotent."""
        self._serving = False
        await self.close_vnc()
        await self._stream.end()
        if self._own is not None:
            await self._own.end()

    async def open(self, *, view_only: bool, window: int = 0) -> Serve:
        """Return what serves one view, of the screen or of one top-level window.

        Views of windows are our own, whatever serves the screen.

        Raises
        ------
        DisplayEnded
            When the display is parked.
        WindowNotFound
            When there is no such window.
        """
        self._check_serving()
        if not window:
            return await self._stream.open(view_only=view_only)
        await self._single_windows.keep_contents()
        if self._own is self._stream:
            return await self._own.open(view_only=view_only, window=window)
        if window not in {info.id for info in self._windows}:
            raise WindowNotFound(f"There is no window {window:#x} on this display any more.")

        async def serve(viewer: IOStream) -> None:
            with suppress(WindowNotFound, DisplayEnded):  # it went meanwhile
                async with self._using_own() as own:
                    run = await own.open(view_only=view_only, window=window)
                    await run(viewer)

        return serve

    def set_windows(self, windows: tuple[WindowInfo, ...]) -> None:
        """Take the top-level windows that there are: views of others end."""
        self._windows = windows
        if self._own is not None:
            self._own.set_windows(windows)

    def viewers(self) -> list[dict[str, Any]]:
        """Return the figures of each viewer, with where it comes from."""
        figures = self._stream.viewers()
        if self._own is not None and self._own is not self._stream:
            figures += self._own.viewers()
        views = [{**viewer, "origin": NOTEBOOK} for viewer in figures]
        return [*views, *(self._port.viewers() if self._port is not None else [])]

    async def open_vnc(self, request: VncRequest) -> VncAccess:
        """Open the VNC port; where it is open as it is asked for, only tell of it.

        Raises
        ------
        DisplayEnded
            When the display is parked.
        UsageError
            When it cannot listen there, or is open otherwise already.
        ProgramMissing
            When the package that has DES is not installed.
        """
        from jupyter_xdisplay.sidecar.vnc_port import VncServer

        async with self._opening:
            self._check_serving()
            if self._port is None:
                own = self._take_own()
                await own.start()
                source, number = own.source, self._xserver.number
                assert source is not None
                assert number is not None
                self._port = VncServer(request, source, number, self._changed)
                self._opened(self._port.access.without_password())
            elif not self._port.is_as_asked(request):
                raise UsageError(
                    f"The VNC port is open already, otherwise: {self._port.access}.",
                    fix="close it first, which disconnects its viewers: %xdisplay vnc --stop",
                )
            return self._port.access

    async def close_vnc(self) -> None:
        """Close the VNC port; its viewers are disconnected. Idempotent."""
        async with self._opening:
            port, self._port = self._port, None
            if port is not None:
                await port.close()
                self._opened(None)
            await self._end_unused()

    @asynccontextmanager
    async def _using_own(self) -> AsyncIterator[BuiltinStream]:
        """Give our own RFB server, which serves beside x11vnc as long as it is used."""
        self._users += 1
        try:
            async with self._opening:
                self._check_serving()
                own = self._take_own()
                await own.start()
            yield own
        finally:
            self._users -= 1
            async with self._opening:
                await self._end_unused()

    async def _end_unused(self) -> None:
        """End our own RFB server when only x11vnc is used: a display has one keyboard mapper.

        Two of them give the same keys to other characters, and it holds a clipboard.
        """
        used = self._own is self._stream or self._users > 0 or self._port is not None
        if self._own is not None and not used:
            await self._own.end()

    def _check_serving(self) -> None:
        if not self._serving:
            raise DisplayEnded("This display is parked.", fix="%xdisplay")

    def _take_own(self) -> BuiltinStream:
        """Return our own RFB server; beside x11vnc it is made when it is first needed."""
        if self._own is None:
            self._own = self._make_own()
            self._own.set_windows(self._windows)
        return self._own

    def _make_own(self) -> BuiltinStream:
        from jupyter_xdisplay.sidecar.rfb_server.stream import BuiltinStream

        return BuiltinStream(
            self._xserver, self._name, self._size, self._resize, self._single_windows.resize
        )
