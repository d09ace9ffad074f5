"""What a still screen costs while somebody looks at it."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from benchmarks.rfb import workloads
from benchmarks.rfb.at_socket import Figures
from benchmarks.rfb.processes import cpu_seconds
from benchmarks.rfb.servers import SERVERS, Server
from benchmarks.rfb.viewer import Viewer
from jupyter_xdisplay.spec import Size

SETTLE_S = 3.0
"""Exact refreshes are over after this."""


def still_screens(
    names: list[str], size: Size, seconds: float, windows: int
) -> Iterator[dict[str, Figures]]:
    """Look at still screens of all servers, side by side: each has little to do.

    Yields the figures of each of so many windows, which together last so many seconds.
    """
    with contextlib.ExitStack() as stack:
        servers: dict[str, Server] = {}
        viewers: dict[str, Viewer] = {}
        for name in names:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp"))
            servers[name] = stack.enter_context(SERVERS[name](Path(folder), size))
            stack.enter_context(workloads.STILL.on(servers[name]))
            viewers[name] = stack.enter_context(Viewer(servers[name]))
        _collect(viewers, SETTLE_S)
        for _ in range(windows):
            yield _window(servers, viewers, seconds / windows)


def _window(
    servers: dict[str, Server], viewers: dict[str, Viewer], seconds: float
) -> dict[str, Figures]:
    before = {name: _now(servers[name], viewers[name]) for name in servers}
    began = time.monotonic()
    _collect(viewers, seconds)
    elapsed = time.monotonic() - began
    after = {name: _now(servers[name], viewers[name]) for name in servers}
    return {
        name: {
            "cpu_percent": 100 * (after[name][0] - before[name][0]) / elapsed,
            "bytes": after[name][1] - before[name][1],
            "seconds": elapsed,
        }
        for name in servers
    }


def _now(server: Server, viewer: Viewer) -> tuple[float, int]:
    return cpu_seconds(server.rfb), viewer.received


def _collect(viewers: dict[str, Viewer], seconds: float) -> None:
    """Take what comes on all of them."""
    threads = [Thread(target=viewer.collect, args=(seconds,)) for viewer in viewers.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
