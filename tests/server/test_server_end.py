"""When the server ends, however it ends, everything ends with it."""

from __future__ import annotations

import os
import pty
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.conftest import MakeServer
from tests.server.real_server import END_DEADLINE_S, JupyterServer
from tests.traces import traces
from tests.waiting import wait_until


def _terminate(server: JupyterServer) -> None:
    server.process.terminate()


def _interrupt_twice(server: JupyterServer) -> None:
    """Type Ctrl-C until it is enough: the first one asks, the second one does not."""

    def ended() -> bool:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGINT)
        with suppress(Exception):
            server.process.wait(0.5)
        return server.process.poll() is not None

    wait_until(ended, "Ctrl-C twice does not end it", END_DEADLINE_S)


def _kill(server: JupyterServer) -> None:
    server.process.kill()


def _identity(path: Path) -> tuple[int, int]:
    """Return what a later file has not: inode numbers are given again at once."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@pytest.mark.parametrize("end", [_terminate, _interrupt_twice, _kill])
def test_nothing_is_left_of_a_server(make_server: MakeServer, leftovers: Path, end: object) -> None:
    """No process, socket, lock, directory or SysV segment, of kernels' displays and nobody's."""
    assert callable(end)
    before = traces(leftovers)
    terminal, stdin = pty.openpty()
    try:
        server = make_server(stdin=stdin)
        kernel_id = server.start_kernel()
        displays = [server.display(kernel_id=kernel_id), server.display()]
        sockets = {
            path: _identity(path)
            for path in (Path(f"/tmp/.X11-unix/X{info['display'][1:]}") for info in displays)
        }
        assert traces(leftovers) - before
        end(server)
        server.process.wait(END_DEADLINE_S)
        wait_until(
            lambda: not traces(leftovers) - before, f"left behind: {traces(leftovers) - before}"
        )
        # Their numbers are free again: somebody else's X server may have taken one by now.
        assert not any(
            path.exists() and _identity(path) == identity for path, identity in sockets.items()
        )
    finally:
        os.close(terminal)
        os.close(stdin)
