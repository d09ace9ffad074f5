"""The Unix socket for kernels: whose displays they reach, and who cannot come in."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.errors import (
    DisplayNotFound,
    Unreachable,
    UsageError,
    XDisplayError,
)
from jupyter_xdisplay.kernel.server_host import ServerHost
from jupyter_xdisplay.kernel_protocol import CAPABILITY_VARIABLE, SOCKET_VARIABLE
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size
from jupyter_xdisplay.unix_http import UnixHTTPConnection, request
from tests.server.real_server import JupyterServer
from tests.stranger import as_stranger
from tests.waiting import wait_until


@dataclasses.dataclass
class Kernel:
    """A kernel, seen from its own side."""

    id: str
    environment: dict[str, str]

    @property
    def socket(self) -> str:
        """The path of the socket that it was given."""
        return self.environment[SOCKET_VARIABLE]

    @property
    def capability(self) -> str:
        """The secret that it was given."""
        return self.environment[CAPABILITY_VARIABLE]

    @property
    def host(self) -> ServerHost:
        """What a kernel itself uses."""
        return ServerHost(self.socket, self.capability)


MakeKernel = Callable[[], Kernel]


@pytest.fixture
def make_kernel(server: JupyterServer) -> MakeKernel:
    """Give a function that starts a kernel; it ends with the test."""

    def make() -> Kernel:
        kernel_id = server.start_kernel()
        return Kernel(kernel_id, server.kernel_environment(kernel_id))

    return make


def _status(kernel: Kernel, authorization: str | None, method: str = "GET") -> int:
    connection = UnixHTTPConnection(kernel.socket, 10)
    headers = {} if authorization is None else {"Authorization": authorization}
    connection.request(method, "/displays", b"{}" if method == "POST" else None, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_kernel_makes_lists_and_ends_its_displays(
    server: JupyterServer, make_kernel: MakeKernel
) -> None:
    """The kernel and REST see the same; a second request of that name gives the same display."""
    kernel = make_kernel()
    info = kernel.host.create(DisplaySpec(size=Size(400, 300)))
    assert (info.kernel_id, info.size, info.state) == (kernel.id, Size(400, 300), "running")
    assert kernel.host.create(DisplaySpec()).id == info.id
    assert [i.id for i in kernel.host.list()] == [info.id]
    seen = [i for i in server.get("xdisplay/api/displays") if i["state"] != "ended"]
    assert [i["id"] for i in seen] == [info.id]
    assert kernel.host.stop(info.id).state == "ended"
    assert kernel.host.create(DisplaySpec()).id != info.id


def test_errors_reach_a_kernel_as_their_own_class(make_kernel: MakeKernel) -> None:
    """With the message and the fix that the server has."""
    host = make_kernel().host
    with pytest.raises(UsageError, match="larger"):
        host.create(DisplaySpec(size=Size(9999, 9999)))
    with pytest.raises(DisplayNotFound):
        host.stop("0123456789ab")
    with pytest.raises(XDisplayError):
        host.stop("../../etc")


def test_without_the_capability_nothing_is_told(
    server: JupyterServer, make_kernel: MakeKernel
) -> None:
    """403 for no secret, a wrong one, another scheme, and the server's own token."""
    kernel = make_kernel()
    assert _status(kernel, f"Bearer {kernel.capability}") == 200
    for authorization in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {kernel.capability}x",
        f"Bearer {kernel.capability[:-1]}",
        f"Basic {kernel.capability}",
        kernel.capability,
        f"token {server.token}",
        f"Bearer {kernel.id}",
    ):
        for method in ("GET", "POST"):
            assert _status(kernel, authorization, method) == 403, authorization
    assert server.get("xdisplay/api/displays?kernel_id=" + kernel.id) == []


def test_another_kernels_display_is_not_found(
    server: JupyterServer, make_kernel: MakeKernel
) -> None:
    """Neither listed nor ended; asking for a kernel's id in the body is no way in."""
    mine, other = make_kernel(), make_kernel()
    assert mine.capability != other.capability
    theirs = other.host.create(DisplaySpec())
    assert mine.host.list() == []
    for force in (False, True):
        with pytest.raises(DisplayNotFound):
            mine.host.stop(theirs.id, force=force)
    with pytest.raises(UsageError):
        _ask(mine, "POST", {"kernel_id": other.id})
    assert server.state(theirs.id) == "running"


def test_the_capability_dies_with_its_kernel(
    server: JupyterServer, make_kernel: MakeKernel
) -> None:
    """It stays over a restart, and is worth nothing once the kernel was shut down."""
    kernel = make_kernel()
    pid = server.kernel_pid(kernel.id)
    server.post(f"api/kernels/{kernel.id}/restart")
    again = server.kernel_pid(kernel.id, other_than=pid)
    assert Path(f"/proc/{again}/environ").read_bytes().count(kernel.capability.encode()) == 1
    assert _status(kernel, f"Bearer {kernel.capability}") == 200
    server.end_kernel(kernel.id)
    assert _status(kernel, f"Bearer {kernel.capability}") == 403


def test_the_socket_is_private(make_kernel: MakeKernel, as_root: None) -> None:
    """0600 in a directory 0700: another Unix user cannot even connect."""
    kernel = make_kernel()
    path = Path(kernel.socket)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    code = "print(attempt(lambda: connect(sys.argv[1])))"
    assert as_stranger(code, kernel.socket) == "PermissionError"
    environ = f"/proc/{os.getpid()}/environ"  # where the secrets of a user's processes are
    assert (
        as_stranger("print(attempt(lambda: Path(sys.argv[1]).read_bytes()))", environ)
        == "PermissionError"
    )
    with socket.socket(socket.AF_UNIX) as own:
        own.connect(kernel.socket)


def test_bodies_have_a_limit(server: JupyterServer, make_kernel: MakeKernel) -> None:
    """Beyond 64 KiB is refused before it is read; so is a promise of more."""
    kernel = make_kernel()
    head = (
        "POST /displays HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {kernel.capability}\r\nContent-Length: {1 << 30}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(20)
        stream.connect(kernel.socket)
        stream.sendall(head.encode())
        assert stream.recv(1000).startswith(b"HTTP/1.1 400")
        assert stream.recv(1000) == b""
    large = {"name": "x" * 100_000}
    with pytest.raises((XDisplayError, Unreachable)):
        _ask(kernel, "POST", large)
    assert _status(kernel, f"Bearer {kernel.capability}") == 200  # still there
    assert server.get("xdisplay/api/displays?kernel_id=" + kernel.id) == []


@pytest.mark.parametrize("body", [[], "x", {"unknown": 1}, {"size": "0x0"}])
def test_bad_bodies_are_usage_errors(make_kernel: MakeKernel, body: Any) -> None:
    """400 with our error, as by REST."""
    with pytest.raises(UsageError):
        _ask(make_kernel(), "POST", body)


def test_a_client_that_says_nothing_holds_up_nobody(make_kernel: MakeKernel) -> None:
    """Half a request and a hang-up, while others are served."""
    kernel = make_kernel()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(kernel.socket)
        silent.sendall(b"POST /displays HTTP/1.1\r\nContent-Le")
        info = kernel.host.create(DisplaySpec())
    wait_until(lambda: kernel.host.list()[0].id == info.id)


def _ask(kernel: Kernel, method: str, body: Any) -> DisplayInfo:
    headers = {"Authorization": f"Bearer {kernel.capability}"}
    answer = request(kernel.socket, method, "/displays", body, headers=headers)
    return DisplayInfo.from_json(json.loads(answer))


def test_one_that_never_listened(leftovers: Path) -> None:
    """Closed, it has let go of its directory, and removed it."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        unused = KernelSocket(DisplayManager())
        unused.close()
        unused.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
