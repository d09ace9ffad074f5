"""A process in a container as a stream: what Docker's engine gives of its input and output."""

from __future__ import annotations

import io
import socket
import ssl
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker.models.containers import Container, ExecResult

FRAME = struct.Struct(">BxxxL")
"""What goes before each piece of output of a process without a terminal (Docker Engine API,
ContainerAttach): the stream, and the length in bytes."""

STDOUT = 1
CHUNK_BYTES = 256 * 1024


def output_of(done: ExecResult) -> bytes:
    """Return what a process that was run to its end in a container wrote."""
    assert isinstance(done.output, bytes)  # neither streamed nor a socket
    return done.output


def shell(
    container: Container, script: str, argument: str, environment: dict[str, str] | None = None
) -> str:
    """Run a script in a container, with an argument as $0; return what it prints, if it can."""
    import docker
    import requests

    with suppress(docker.errors.APIError, requests.RequestException):
        command = ["sh", "-c", script, argument]
        done = container.exec_run(command, stderr=False, environment=environment)
        return output_of(done).decode("utf-8", "replace")
    return ""


class ExecStream:
    """Standard input and output of a process that was started in a container.

    Parameters
    ----------
    stream
        What the SDK gives for `exec_start(…, socket=True)`.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        # it has other wrappers for TLS and for Unix; below them is a socket, or TLS's of its own
        self._socket: socket.socket = getattr(stream, "_sock", stream)
        self._early = _read_already(stream, self._socket)
        self._socket.settimeout(None)
        self._left = 0
        self._kind = STDOUT
        self._header = b""

    def send(self, data: bytes) -> None:
        """Give it input."""
        self._socket.sendall(data)

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Return some of its output; empty at its end.

        Raises
        ------
        TimeoutError
            When none came in time.
        """
        self._socket.settimeout(timeout_s)
        while True:
            if not self._left and not self._read_header():
                return b""
            data = self._receive(min(self._left, CHUNK_BYTES))
            self._left -= len(data)
            if not data or self._kind == STDOUT:
                return data

    def close(self) -> None:
        """End its input, and listen no longer. Idempotent."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._stream.close()
        self._socket.close()  # the SDK's wrapper leaves it open

    def _read_header(self) -> bool:
        """Read what goes before a piece; False at the end. Keeps what came before a timeout."""
        while len(self._header) < FRAME.size:
            data = self._receive(FRAME.size - len(self._header))
            if not data:
                return False
            self._header += data
        self._kind, self._left = FRAME.unpack(self._header)
        self._header = b""
        return True

    def _receive(self, most: int) -> bytes:
        if self._early:
            data, self._early = self._early[:most], self._early[most:]
            return data
        return self._socket.recv(most)


def _read_already(stream: Any, connection: socket.socket) -> bytes:
    """Return what http.client has read beyond the answer's head: it came in the same piece."""
    response = getattr(stream, "_response", None)  # kept there by the SDK
    reader = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)
    if not isinstance(reader, io.BufferedReader):
        return b""
    connection.setblocking(False)  # where it has nothing, it asks the socket
    with suppress(ssl.SSLWantReadError):
        return reader.read1(len(reader.peek()))
    return b""
