"""What a slow link does: frames, how old they are when they arrive, and clicks."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.rfb import at_socket, motion, workloads
from benchmarks.rfb.at_socket import Figures
from benchmarks.rfb.picture import read_counter
from benchmarks.rfb.probes import COUNTER
from benchmarks.rfb.servers import SERVERS, Server
from benchmarks.rfb.viewer import Viewer
from jupyter_xdisplay.spec import Size
from tests.slow_link import Line, SlowLink

LINES = {"10mbit_50ms": Line(10e6, 0.05), "2mbit_100ms": Line(2e6, 0.1)}
COMPARED = ("TigerVNC", "ours")
WINDOW_S = 10.0
"""The age of frames in the first and in the last so many seconds: it must not grow."""

GIVEN_UP_S = 30.0


def slow_links(
    names: list[str], size: Size, seconds: float, clicks: int
) -> dict[tuple[str, str], Figures]:
    """Look at all servers over all lines, side by side: none of them has much to do.

    Returns
    -------
    dict
        Line and server → figures.
    """
    with contextlib.ExitStack() as stack:
        chosen = [(line, name) for line in LINES for name in names if name in COMPARED]
        servers = [
            stack.enter_context(_slow_server(name, size, LINES[line])) for line, name in chosen
        ]
        with ThreadPoolExecutor(len(chosen)) as pool:
            found = [pool.submit(_look, server, seconds, clicks) for server in servers]
            return dict(zip(chosen, (one.result() for one in found), strict=True))


@contextlib.contextmanager
def _slow_server(name: str, size: Size, line: Line) -> Iterator[Server]:
    with (
        tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as folder,
        SERVERS[name](Path(folder), size) as server,
        SlowLink(server.socket, Path(folder) / "slow.sock", line),
    ):
        yield dataclasses.replace(server, socket=Path(folder) / "slow.sock")


def _look(server: Server, seconds: float, clicks: int) -> Figures:
    clicked = at_socket.clicks(server, clicks, given_up_s=GIVEN_UP_S)
    return {**frames(server, seconds), **clicked}


def frames(server: Server, seconds: float) -> Figures:
    """Count distinct frames, and say how long after they were drawn they arrived."""
    with workloads.MOTION.on(server) as program, Viewer(server) as viewer:
        viewer.collect(at_socket.WARM_UP_S)
        warm, received, since_s = len(viewer.updates), viewer.received, time.monotonic()
        viewer.collect(seconds)
        received, elapsed = viewer.received - received, time.monotonic() - since_s
        began = motion.state(program)
        ages: list[tuple[float, float]] = []
        seen: set[int] = set()
        for index, update in enumerate(viewer.updates):
            number = read_counter(COUNTER.of(viewer.decode(update)))
            if index >= warm and number is not None and number not in seen:
                ages.append((update.time_s, began.age_s(number, update.time_s)))
                seen.add(number)
    assert ages, "no frame came"
    (first_s, _), (last_s, _) = ages[0], ages[-1]
    first = statistics.median(age for time_s, age in ages if time_s <= first_s + WINDOW_S)
    last = statistics.median(age for time_s, age in ages if time_s >= last_s - WINDOW_S)
    return {
        "fps": len(ages) / elapsed,
        "bytes_per_s": received / elapsed,
        "age_first_ms": 1000 * first,
        "age_last_ms": 1000 * last,
        "age_growth": last / first,
    }
