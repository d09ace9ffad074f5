"""Streams of processes in containers: nothing that an engine sends is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from jupyter_xdisplay.runtime.exec_stream import FRAME, STDOUT, ExecStream

HEAD = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def _read_request(connection: socket.socket) -> None:
    """Read the head and the body: they come in one piece or in two."""
    request = connection.makefile("rb")
    length = 0
    while (line := request.readline().lower()) not in {b"\r\n", b""}:
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    request.read(length)


@pytest.fixture
def engine_that_is_quick(tmp_path: Path) -> Iterator[str]:
    """Give an engine whose first output comes in one piece with the answer's head.

    A real one does that now and then, when a process writes at once.
    """

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            _read_request(connection)
            connection.sendall(HEAD + FRAME.pack(STDOUT, 6) + b"ready\n" + FRAME.pack(STDOUT, 4))
            connection.recv(1)
            connection.sendall(b"more")

    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        thread.join()


def test_output_that_came_with_the_head(engine_that_is_quick: str) -> None:
    """It is read first, in frames as all other output."""
    api = docker.APIClient(engine_that_is_quick, version="1.43")
    with closing(ExecStream(api.exec_start("0123", socket=True))) as stream:
        assert stream.receive(10) == b"ready\n"
        with pytest.raises(TimeoutError):
            stream.receive(0.1)
        stream.send(b"x")
        assert stream.receive(10) == b"more"
        assert stream.receive(10) == b""
