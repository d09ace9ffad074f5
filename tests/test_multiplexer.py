"""Connections over one stream arrive whole, apart from each other, and end on both sides."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from jupyter_xdisplay.multiplexer import FRAME, MOST, Multiplexer
from tests.waiting import wait_until

SIZE = 3_000_000


class Ends(NamedTuple):
    """The end that accepts connections, and the streams between the two."""

    accepting: Multiplexer
    streams: tuple[socket.socket, socket.socket]

    def connect(self) -> socket.socket:
        """Connect as a program does where they are accepted."""
        mine, theirs = socket.socketpair()
        self.accepting.add(theirs)
        mine.settimeout(20)
        return mine


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Give a server that answers with what it got, once it has all of it."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_echo, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield path
        server.shutdown(socket.SHUT_RDWR)


def _echo(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        length = int.from_bytes(_receive(connection, 4), "big")
        connection.sendall(_receive(connection, length))


@pytest.fixture
def ends(target: Path) -> Iterator[Ends]:
    """Give both ends, connected by a stream."""

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(target))
        return connection

    near, far = socket.socketpair()
    accepting, connecting = Multiplexer(near.sendall), Multiplexer(far.sendall, connect)
    with ExitStack() as stack:
        for stream, end in ((near, accepting), (far, connecting)):
            threading.Thread(target=_pump, args=(stream, end), daemon=True).start()
            stack.callback(stream.close)
            stack.callback(stream.shutdown, socket.SHUT_RDWR)
        yield Ends(accepting, (near, far))


def _pump(stream: socket.socket, end: Multiplexer) -> None:
    try:
        while data := stream.recv(1000):  # pieces that are no frames
            end.feed(data)
    except OSError:
        pass
    end.close()


def _receive(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length and (more := connection.recv(length - len(data))):
        data += more
    return data


def test_many_at_once(ends: Ends) -> None:
    """Each gets its own answer, whole, and then its end."""
    answers: dict[int, bytes] = {}

    def ask(number: int) -> None:
        with ends.connect() as connection:
            content = bytes([number]) * (SIZE // 10)
            connection.sendall(len(content).to_bytes(4, "big") + content)
            answers[number] = _receive(connection, len(content) + 1)

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(30)
    assert answers == {number: bytes([number]) * (SIZE // 10) for number in range(10)}


def test_nobody_listens(ends: Ends, target: Path) -> None:
    """The connection ends; the next one, where somebody does again, is as any other."""
    moved = target.rename(target.with_name("moved"))
    with ends.connect() as connection:
        connection.sendall(b"?")
        assert connection.recv(1) == b""
    moved.rename(target)
    with ends.connect() as connection:
        connection.sendall((1).to_bytes(4, "big") + b"x")
        assert _receive(connection, 2) == b"x"


def test_the_stream_ends(ends: Ends) -> None:
    """So do the connections, and nothing of them is left running."""
    wait_until(lambda: not _readers())
    connections = [ends.connect() for _ in range(3)]
    for connection in connections:
        connection.sendall((9).to_bytes(4, "big"))
    wait_until(lambda: _readers() == 6)
    ends.streams[0].shutdown(socket.SHUT_RDWR)
    for connection in connections:
        assert connection.recv(1) == b""
        connection.close()
    wait_until(lambda: not _readers())


def _readers() -> int:
    return sum(thread.name.startswith("connection ") for thread in threading.enumerate())


def test_there_is_a_bound(ends: Ends) -> None:
    """Those that are too many end at once; when others end, there is room again."""
    held = [ends.connect() for _ in range(MOST)]
    for connection in held:
        connection.sendall((9).to_bytes(4, "big"))
    with ends.connect() as connection:
        assert connection.recv(1) == b""
    for connection in held:
        connection.close()

    def answers() -> bool:
        with ends.connect() as connection, suppress(OSError):
            connection.sendall((1).to_bytes(4, "big") + b"x")
            return connection.recv(1) == b"x"
        return False

    wait_until(answers)


def test_a_frame_that_no_end_sends() -> None:
    """Whoever can write to the stream cannot make this side collect gigabytes."""
    with pytest.raises(ConnectionError):
        Multiplexer(lambda _: None).feed(FRAME.pack(1, 1 << 31))


def test_what_nobody_asked_for_is_dropped() -> None:
    """Bytes for a connection that has ended, at the end that accepts them."""
    written: list[bytes] = []
    accepting = Multiplexer(written.append)
    accepting.feed(FRAME.pack(7, 3) + b"abc" + FRAME.pack(7, 0))
    assert not written
