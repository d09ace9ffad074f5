"""Many connections over one stream: for processes in containers that connect to us.

What is on the stream are frames: the connection's number, a length, and so many bytes; none of
them says that the connection has ended. Whoever accepts connections numbers them; the other end
connects when it meets a new number.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

FRAME = struct.Struct(">II")
CHUNK_BYTES = 64 * 1024
MOST = 32
"""Most connections at a time: each is a thread and a file, on both sides."""


class Multiplexer:
    """One end of the stream. Thread-safe, but for `feed`, which one thread calls.

    Parameters
    ----------
    write
        Writes to the stream.
    connect
        Makes a connection for a new number; None at the end that accepts them.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        connect: Callable[[], socket.socket] | None = None,
    ) -> None:
        self._write = write
        self._connect = connect
        self._numbers = itertools.count(1)
        self._connections: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Apart from the other: while a write waits for the other end, that may wait for a read."""
        self._received = bytearray()

    def add(self, connection: socket.socket) -> None:
        """Pass on a connection that was accepted; one too many is ended."""
        with self._lock:
            if len(self._connections) >= MOST:
                connection.close()
            else:
                self._take(next(self._numbers), connection)

    def feed(self, data: bytes) -> None:
        """Take what has come from the stream.

        Raises
        ------
        ConnectionError
            When it is nothing that another one of these has sent.
        """
        self._received += data
        while len(self._received) >= FRAME.size:
            number, length = FRAME.unpack_from(self._received)
            if length > CHUNK_BYTES:
                raise ConnectionAbortedError(f"a frame of {length} bytes")
            end = FRAME.size + length
            if len(self._received) < end:
                return
            content = bytes(self._received[FRAME.size : end])
            del self._received[:end]
            self._deliver(number, content)

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            _end(connection)

    def _deliver(self, number: int, content: bytes) -> None:
        refused = False
        with self._lock:
            connection = self._connections.get(number)
            if connection is None and content and self._connect is not None:
                try:
                    if len(self._connections) >= MOST:
                        raise ConnectionRefusedError
                    connection = self._connect()
                    self._take(number, connection)
                except OSError:
                    refused = True
        if refused:
            self._send(number, b"")
        if connection is None:
            return
        if not content:
            _end(connection)
            return
        with suppress(OSError):  # its reader notices, too
            connection.sendall(content)

    def _take(self, number: int, connection: socket.socket) -> None:
        self._connections[number] = connection
        threading.Thread(
            target=self._read, args=(number, connection), name=f"connection {number}", daemon=True
        ).start()

    def _read(self, number: int, connection: socket.socket) -> None:
        """Pass on what comes from a connection, until it ends."""
        with suppress(OSError):
            while data := connection.recv(CHUNK_BYTES):
                self._send(number, data)
        with self._lock:
            self._connections.pop(number, None)
        with suppress(OSError):
            self._send(number, b"")
        connection.close()

    def _send(self, number: int, data: bytes) -> None:
        with self._writing:
            self._write(FRAME.pack(number, len(data)) + data)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
