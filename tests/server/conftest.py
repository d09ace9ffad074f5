"""Real Jupyter servers: one that most tests share, and others with settings of their own."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.real_server import JupyterServer
from tests.traces import traces
from tests.waiting import POLL_S

LEFT_DEADLINE_S = 10.0

MakeServer = Callable[..., JupyterServer]


@pytest.fixture(scope="session")
def server_root() -> Iterator[Path]:
    """Give a root of private directories, and fail when the servers leave anything there."""
    path = Path(tempfile.mkdtemp(prefix="xdt-", dir="/tmp"))
    yield path
    end = time.monotonic() + LEFT_DEADLINE_S
    while (left := _left(path)) and time.monotonic() < end:
        time.sleep(POLL_S)
    shutil.rmtree(path, ignore_errors=True)
    assert not left, "left behind:\n" + "\n".join(left)


def _left(root: Path) -> list[str]:
    """Return what is left of displays whose private directory was in `root`."""
    now = traces(root)
    return sorted(now.processes | now.files)


@pytest.fixture(scope="session")
def shared_server(
    server_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterServer]:
    """Give the server that most tests share, not at `/`."""
    server = JupyterServer(tmp_path_factory.mktemp("server"), server_root, base_url="/some/user/")
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(shared_server: JupyterServer) -> Iterator[JupyterServer]:
    """Give the shared server; what a test started there ends with the test."""
    yield shared_server
    shared_server.end_displays()
    for kernel in shared_server.get("api/kernels"):
        shared_server.end_kernel(kernel["id"])


@pytest.fixture
def make_server(leftovers: Path, tmp_path: Path) -> Iterator[MakeServer]:
    """Give a function that starts servers of the test's own; they may leave nothing."""
    servers: list[JupyterServer] = []

    def make(**options: Any) -> JupyterServer:
        servers.append(JupyterServer(tmp_path / f"server{len(servers)}", leftovers, **options))
        servers[-1].wait_until_up()
        return servers[-1]

    yield make
    for server in servers:
        server.stop()
