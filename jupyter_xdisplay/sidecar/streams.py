"""The seam for RFB servers, and x11vnc, which attaches to any X server.

Our own is in `rfb_server`. A `Stream` belongs to one display; `open` gives what serves one
viewer over a byte stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from tornado.iostream import IOStream

from jupyter_xdisplay.errors import ProgramMissing, UsageError
from jupyter_xdisplay.sidecar.child import Child
from jupyter_xdisplay.sidecar.config import INSTALL_X11VNC, SidecarConfig
from jupyter_xdisplay.sidecar.helper import SocketHelper
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.xserver import x11vnc

CHUNK_BYTES = 256 * 1024
CONNECT_S = 8.0

Serve = Callable[[IOStream], Awaitable[None]]
"""Serves one viewer until either side closes."""


class Stream(Protocol):
    """An RFB server for one display."""

    why: str
    """Its name and why it was chosen, for people."""

    @property
    def children(self) -> list[Child]:
        """The programs that it runs."""
        ...

    async def start(self) -> None:
        """Begin to serve. Idempotent."""
        ...

    async def end(self) -> None:
        """Serve no more; viewers are disconnected. Idempotent."""
        ...

    async def open(self, *, view_only: bool) -> Serve:
        """Return what serves one viewer; raise an XDisplayError when it cannot be served."""
        ...

    def viewers(self) -> list[dict[str, Any]]:
        """Return figures about each viewer, where they are known."""
        ...


class X11vncStream:
    """x11vnc on a Unix socket, its bytes carried as they are."""

    why = "x11vnc: attaches to any X server"

    def __init__(
        self,
        xserver: XServer,
        directory: Path,
        config: SidecarConfig,
        environment: dict[str, str],
        told: Callable[[str | None], None],
    ) -> None:
        socket = directory / "x11vnc.sock"
        argv = x11vnc.x11vnc_argv(
            config.x11vnc,
            display=xserver.display,
            auth_file=xserver.xauthority,
            socket=socket,
            name=f"{config.name} {xserver.display}",
            extra=config.x11vnc_args,
        )
        self._helper = SocketHelper(
            "x11vnc",
            argv,
            environment,
            directory / "x11vnc.log",
            socket=socket,
            open_files=x11vnc.OPEN_FILES,
            told=told,
        )

    @property
    def children(self) -> list[Child]:
        """x11vnc itself."""
        return [self._helper.child]

    async def start(self) -> None:
        """Start x11vnc and keep it running; raise ProgramMissing where it is not installed."""
        try:
            await self._helper.start()
        except ProgramMissing as error:
            raise ProgramMissing(error.message, fix=INSTALL_X11VNC) from error

    async def end(self) -> None:
        """End x11vnc."""
        await self._helper.end()

    async def open(self, *, view_only: bool) -> Serve:
        """Connect to x11vnc, waiting while it starts. It has no view-only viewers of its own."""
        if view_only:
            raise UsageError(
                "x11vnc has no view-only viewers among others.", fix="use the builtin stream"
            )
        reader, writer = await self._helper.connect(CONNECT_S)

        async def serve(viewer: IOStream) -> None:
            try:
                await _carry(viewer, reader, writer)
            finally:
                writer.close()

        return serve

    def viewers(self) -> list[dict[str, Any]]:
        """Return nothing: x11vnc tells nothing of its viewers."""
        return []


async def _carry(
    viewer: IOStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry bytes both ways; a side that does not read holds up the other (backpressure)."""

    async def to_server() -> None:
        while True:
            writer.write(await viewer.read_bytes(CHUNK_BYTES, partial=True))
            await writer.drain()

    async def to_viewer() -> None:
        while data := await reader.read(CHUNK_BYTES):
            await viewer.write(data)

    ways = [asyncio.create_task(to_server()), asyncio.create_task(to_viewer())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
