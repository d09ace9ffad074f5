"""An RFB 3.8 viewer (RFC 6143) on a WebSocket, as the browser's is."""

from __future__ import annotations

import asyncio
import struct

from tornado.websocket import WebSocketClientConnection

RAW = 0
DEADLINE_S = 30.0


class WebSocketViewer:
    """A viewer. `connect` does the handshake.

    Parameters
    ----------
    socket
        A WebSocket to `displays/{id}/rfb`.
    """

    width = 0
    height = 0
    name = ""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self._read = b""

    async def connect(self) -> WebSocketViewer:
        """Shake hands without security, shared; take raw pixels from then on."""
        version = await self.read(12)
        await self.send(version)
        kinds = await self.read((await self.read(1))[0])
        assert 1 in kinds, kinds  # no security: the server's login is the lock
        await self.send(b"\x01")
        assert await self.read(4) == bytes(4)
        await self.send(b"\x01")
        self.width, self.height = struct.unpack(">HH", await self.read(4))
        await self.read(16)
        self.name = (await self.read(struct.unpack(">I", await self.read(4))[0])).decode()
        await self.send(struct.pack(">BxHi", 2, 1, RAW))  # SetEncodings
        return self

    async def send(self, data: bytes) -> None:
        """Send one message of RFB bytes."""
        await self.socket.write_message(data, binary=True)

    async def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, from as many messages as that takes."""
        while len(self._read) < size:
            message = await asyncio.wait_for(self.socket.read_message(), DEADLINE_S)
            assert isinstance(message, bytes), (message, self.socket.close_code)
            self._read += message
        data, self._read = self._read[:size], self._read[size:]
        return data

    async def ask(self, *, incremental: bool = False) -> None:
        """Ask for the whole screen (FramebufferUpdateRequest)."""
        await self.send(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    async def update_bytes(self) -> int:
        """Take one update of raw rectangles; return how many bytes of pixels came."""
        while (kind := (await self.read(1))[0]) != 0:
            assert kind in {2, 3}, kind
            if kind == 3:  # ServerCutText; 2 is Bell
                await self.read(struct.unpack(">3xI", await self.read(7))[0])
        _, rectangles = struct.unpack(">BH", await self.read(3))
        total = 0
        for _ in range(rectangles):
            _, _, width, height, encoding = struct.unpack(">HHHHi", await self.read(12))
            assert encoding == RAW
            total += len(await self.read(width * height * 4))
        return total
