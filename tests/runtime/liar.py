"""A runtime, and its one sidecar, that say and do what a test wants."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size

HEAD = b"HTTP/1.0 200 OK\r\n\r\n"
TRUE = DisplayInfo(
    id="",
    name="main",
    state="running",
    display=":0",
    xauthority="",
    socket="",
    size=Size(320, 240),
    max_size=Size(320, 240),
    dpi=96,
    depth=24,
)


class Liar:
    """A sidecar of a runtime of its own; it says what a test wants on its socket."""

    name = "docker"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info = TRUE
        self.ended = False
        self.end_fails = False
        self.closed = False
        self.answers = b""
        self.says: asyncio.Queue[bytes] = asyncio.Queue()

    async def start(self, display_id: str, _spec: DisplaySpec) -> Liar:
        """Start to listen."""
        self.info = dataclasses.replace(
            TRUE, id=display_id, socket=str(self.path), runtime="docker", created="now"
        )
        self._server = await asyncio.start_unix_server(self._answer, str(self.path))
        return self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        if b" /events " in request:
            while said := await self.says.get():
                writer.write(said + b"\n")
        else:
            writer.write(self.answers)
        writer.close()

    async def end(self) -> None:
        """End."""
        self.ended = True
        self._server.close()
        if self.end_fails:
            raise OSError("it does not end")

    def reap(self) -> int:
        """Do nothing."""
        return 0

    async def close(self) -> None:
        """Note it."""
        self.closed = True
