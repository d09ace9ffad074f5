"""Who can reach a display: its cookie, its files, its sockets, and no port."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from tests.sidecar.launch import SidecarProcess
from tests.sidecar.vnc_viewer import sockets_of
from tests.stranger import as_stranger
from tests.traces import processes_of
from tests.waiting import wait_until
from tests.xclient import cookie_of, handshake


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_the_cookie_is_enforced(shared: SidecarProcess, abstract: bool) -> None:
    """With the cookie a client comes in; without it, or with another one, not even its user."""
    cookie = cookie_of(shared.info.xauthority)
    display = shared.info.display
    assert handshake(display, cookie, abstract=abstract) == 1
    assert handshake(display, abstract=abstract) == 0
    assert handshake(display, bytes(16), abstract=abstract) == 0
    assert handshake(display, cookie[:15], abstract=abstract) == 0


@pytest.mark.parametrize("abstract", ["False", "True"], ids=["file", "abstract"])
def test_another_user_cannot_connect_to_x(
    shared: SidecarProcess, as_root: None, abstract: str
) -> None:
    """The X socket is open to all by its nature: the cookie is the lock."""
    code = "print(attempt(lambda: handshake(sys.argv[1], abstract=sys.argv[2] == 'True')))"
    assert as_stranger(code, shared.info.display, abstract) == "0"


def test_another_user_cannot_open_our_sockets(either: SidecarProcess, as_root: None) -> None:
    """The sidecar's socket and the RFB server's are for this user only."""

    def names() -> set[str]:
        return {path.name for path in either.directory.iterdir() if path.is_socket()}

    own = {"x11vnc.sock"} if either.config.stream == "x11vnc" else set()
    wait_until(lambda: names() == {"sidecar.sock"} | own)  # x11vnc comes up after the display
    code = "print(attempt(lambda: connect(sys.argv[1])))"
    for name in names():
        assert as_stranger(code, str(either.directory / name)) == "PermissionError"


def test_another_user_cannot_read_the_private_directory(
    shared: SidecarProcess, as_root: None
) -> None:
    """Neither its listing nor a cookie in it."""
    code = "print(attempt(lambda: os.listdir(sys.argv[1])))"
    assert as_stranger(code, str(shared.directory)) == "PermissionError"
    code = "print(attempt(lambda: Path(sys.argv[1]).read_bytes()))"
    assert as_stranger(code, shared.info.xauthority) == "PermissionError"


def test_files_are_for_this_user_only(either: SidecarProcess) -> None:
    """Directories 0700, files and sockets 0600 (x11vnc's own socket lies behind the 0700)."""
    assert stat.S_IMODE(either.directory.stat().st_mode) == 0o700
    for path in either.directory.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        else:
            assert mode & 0o077 == 0, f"{path} has {mode:o}"


def test_no_port_is_open(either: SidecarProcess) -> None:
    """None of the programs listens on TCP or UDP, IPv4 or IPv6."""
    assert len(processes_of(either.directory)) >= 3
    ours = sockets_of(either.directory, either.process.pid)
    internet = set()
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        file = Path(f"/proc/net/{table}")
        if file.exists():
            rows = [line.split() for line in file.read_text().splitlines()[1:]]
            internet |= {f"socket:[{row[9]}]" for row in rows}
    assert ours
    assert not ours & internet


def test_the_table_of_ports_would_show_one() -> None:
    """The check above sees a listening socket when there is one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = Path(f"/proc/self/fd/{server.fileno()}").readlink().name
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert inode in {f"socket:[{row[9]}]" for row in rows}


def test_the_server_was_told_its_cookie_before_it_ran(shared: SidecarProcess) -> None:
    """The server's cookie file is whole and of our making (facts 1)."""
    server_auth = shared.directory / "server.auth"
    assert server_auth.read_bytes()[-16:] == cookie_of(shared.info.xauthority)
