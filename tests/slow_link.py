"""A slow link between a viewer and a server: Unix socket to Unix socket, with a rate and a delay.

Each way is as on a real line (`Way`): bytes wait in a router's queue, leave it in packets at the
line's rate and arrive after the delay. A queue that is full holds up the sender, as TCP's window
does: what a server writes beyond it waits in its own socket. So a server that writes as fast as
it can fills the queue, and everything that it sends then comes late.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

PACKET_BYTES = 1448
"""Payload of a TCP segment on Ethernet."""

QUEUE_BYTES = 64 * 1024
"""Of a usual home router, in bytes."""

CHUNK_BYTES = 16 * 1024
JOIN_S = 5.0


class Line(NamedTuple):
    """Bits a second each way, and the round trip in seconds while nothing is on the way."""

    bits_per_s: float
    round_trip_s: float

    def way(self, queue_bytes: int = QUEUE_BYTES) -> Way:
        """Return one way of it."""
        return Way(self.bits_per_s / 8, self.round_trip_s / 2, queue_bytes)


class _Packet(NamedTuple):
    due_s: float
    data: bytes


class Way:
    """One way of a line. Pure: times are given, in seconds of any clock that goes forward.

    Parameters
    ----------
    bytes_per_s
        How fast packets leave the queue.
    delay_s
        How long a packet is on the way after that.
    queue_bytes
        How much the queue holds.
    """

    def __init__(self, bytes_per_s: float, delay_s: float, queue_bytes: int = QUEUE_BYTES) -> None:
        self._bytes_per_s = bytes_per_s
        self._delay_s = delay_s
        self._queue_bytes = queue_bytes
        self._queue: deque[_Packet] = deque()
        self._flying: deque[_Packet] = deque()
        self._queued = 0
        self._free_s = float("-inf")

    def __bool__(self) -> bool:
        return bool(self._queue or self._flying)

    def room(self, now_s: float) -> int:
        """Return how many bytes the queue takes now."""
        self._leave(now_s)
        return max(0, self._queue_bytes - self._queued)

    def push(self, data: bytes, now_s: float) -> None:
        """Put bytes into the queue, at most as many as there is room for."""
        assert len(data) <= self.room(now_s)
        for start in range(0, len(data), PACKET_BYTES):
            packet = data[start : start + PACKET_BYTES]
            self._free_s = max(self._free_s, now_s) + len(packet) / self._bytes_per_s
            self._queue.append(_Packet(self._free_s, packet))
        self._queued += len(data)

    def pop(self, now_s: float) -> bytes:
        """Return what has arrived."""
        self._leave(now_s)
        arrived = []
        while self._flying and self._flying[0].due_s <= now_s:
            arrived.append(self._flying.popleft().data)
        return b"".join(arrived)

    def next_s(self) -> float | None:
        """Return when something leaves the queue or arrives next; None while it is empty."""
        return min((line[0].due_s for line in (self._queue, self._flying) if line), default=None)

    def _leave(self, now_s: float) -> None:
        while self._queue and self._queue[0].due_s <= now_s:
            left_s, data = self._queue.popleft()
            self._queued -= len(data)
            self._flying.append(_Packet(left_s + self._delay_s, data))


async def _carry(source: socket.socket, sink: socket.socket, way: Way) -> None:
    """Carry one way of a connection; a sink that takes nothing holds up the source."""
    loop = asyncio.get_running_loop()
    reading: asyncio.Task[bytes] | None = None
    ended = False
    try:
        while not ended or way:
            now_s = time.monotonic()
            if arrived := way.pop(now_s):
                await loop.sock_sendall(sink, arrived)
                continue
            if reading is None and not ended and (room := way.room(now_s)):
                reading = loop.create_task(loop.sock_recv(source, min(CHUNK_BYTES, room)))
            next_s = way.next_s()
            wait_s = None if next_s is None else max(0.0, next_s - now_s)
            if reading is None:
                await asyncio.sleep(wait_s or 0.0)
            elif (await asyncio.wait({reading}, timeout=wait_s))[0]:
                data = reading.result()
                way.push(data, time.monotonic())
                ended, reading = not data, None
        sink.shutdown(socket.SHUT_WR)
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})


class SlowLink:
    """Listens on a Unix socket, and carries each connection over a line of its own.

    Use it in a `with` block; a thread of its own serves it.

    Parameters
    ----------
    target
        The server's socket.
    path
        Where to listen.
    line
        How fast.
    """

    def __init__(self, target: Path, path: Path, line: Line) -> None:
        self._target = target
        self._path = path
        self._line = line
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="slow-link", daemon=True)

    def __enter__(self) -> SlowLink:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._serving = self._loop.create_task(self._serve())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)
        self._loop.close()

    async def _serve(self) -> None:
        try:
            while True:
                viewer, _ = await self._loop.sock_accept(self._listener)
                connection = self._loop.create_task(self._connect(viewer))
                self._connections.add(connection)
                connection.add_done_callback(self._connections.discard)
        finally:
            self._listener.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, viewer: socket.socket) -> None:
        with viewer, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            for end in (viewer, server):
                end.setblocking(False)
            await self._loop.sock_connect(server, str(self._target))
            ways = [
                asyncio.create_task(_carry(viewer, server, self._line.way())),
                asyncio.create_task(_carry(server, viewer, self._line.way())),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
