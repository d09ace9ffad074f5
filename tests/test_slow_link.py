"""The slow link of tests and benchmarks: its rate, its delay, its queue, and that all arrives."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from tests.slow_link import PACKET_BYTES, QUEUE_BYTES, Line, SlowLink, Way
from tests.waiting import wait_until


def send_and_receive(way: Way, count: int, step_s: float) -> tuple[list[float], int]:
    """Send so many bytes as fast as the queue takes them; return each byte block's arrival."""
    now_s, sent, received = 0.0, 0, 0
    arrivals = []
    while received < count:
        sent += (size := min(count - sent, way.room(now_s)))
        way.push(bytes(size), now_s)
        if data := way.pop(now_s):
            received += len(data)
            arrivals.append(now_s)
        now_s += step_s
    return arrivals, received


@pytest.mark.parametrize("line", [Line(10e6, 0.05), Line(2e6, 0.1)])
def test_rate_and_delay(line: Line) -> None:
    """A megabyte takes its bits over the rate, and the first packet half a round trip more."""
    count = 1_000_000
    arrivals, received = send_and_receive(line.way(), count, 0.0005)
    assert received == count
    first_s = PACKET_BYTES * 8 / line.bits_per_s + line.round_trip_s / 2
    last_s = count * 8 / line.bits_per_s + line.round_trip_s / 2
    assert arrivals[0] == pytest.approx(first_s, abs=0.001)
    assert arrivals[-1] == pytest.approx(last_s, rel=0.002)


def test_full_queue_delays_what_comes_after() -> None:
    """Who fills the queue waits for all of it: the delay of a full router, no more."""
    way = Line(2e6, 0.1).way()
    way.push(bytes(QUEUE_BYTES - 1), 0.0)
    assert way.room(0.0) == 1
    way.push(b"x", 0.0)
    assert way.room(0.0) == 0
    arrives_s = QUEUE_BYTES * 8 / 2e6 + 0.05
    assert not way.pop(arrives_s - 0.001).endswith(b"x")
    assert way.pop(arrives_s + 0.001).endswith(b"x")
    assert not way
    assert way.next_s() is None


def test_idle_line_gathers_no_credit() -> None:
    """After a rest a burst leaves at the line's rate, not at once."""
    way = Way(1000.0, 0.0)
    way.push(bytes(500), 100.0)
    assert way.pop(100.4) == b""
    assert len(way.pop(100.5)) == 500


def test_carries_both_ways(root: Path) -> None:
    """Whatever is sent arrives whole and in order, and so does the end of the stream."""
    target, path = root / "server", root / "link"
    data = os.urandom(300_000)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(target))
        listener.listen()

        def echo() -> None:
            server, _ = listener.accept()
            with server:
                while part := server.recv(1 << 16):
                    server.sendall(part)

        echoing = threading.Thread(target=echo)
        echoing.start()
        with SlowLink(target, path, Line(50e6, 0.01)), socket.socket(socket.AF_UNIX) as viewer:
            viewer.settimeout(20)
            viewer.connect(str(path))

            def send() -> None:
                viewer.sendall(data)
                viewer.shutdown(socket.SHUT_WR)

            sending = threading.Thread(target=send)
            sending.start()
            received = b""
            while part := viewer.recv(1 << 16):
                received += part
            sending.join()
        echoing.join()
    assert received == data


def test_viewer_that_does_not_read_holds_up_the_server(root: Path) -> None:
    """The link keeps no more than its queue: a server that writes on is held up by its socket."""
    target, path = root / "server", root / "link"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(target))
        listener.listen()
        with SlowLink(target, path, Line(1e9, 0.0)), socket.socket(socket.AF_UNIX) as viewer:
            viewer.connect(str(path))
            server, _ = listener.accept()
            server.setblocking(False)
            written = 0

            def held_up() -> bool:
                nonlocal written
                before = written
                for _ in range(1000):
                    try:
                        written += server.send(bytes(1 << 16))
                    except BlockingIOError:
                        break
                return written == before

            with server:
                wait_until(held_up)
                assert written < 4 << 20
