"""The VNC port: real viewers, who is let in, and that nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jupyter_xdisplay.errors import DisplayEnded, UsageError
from jupyter_xdisplay.rfb import FenceReceived
from jupyter_xdisplay.sidecar.vnc_access import FREE_FAILURES
from jupyter_xdisplay.sidecar.vnc_port import MAX_CONNECTIONS
from jupyter_xdisplay.spec import STREAMS, VncAccess, VncPort
from tests.rfb.x_display import XDisplay, program, x_server
from tests.rfb_viewer import viewer_of
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.vnc_viewer import PortViewer, is_taken, ports_of
from tests.waiting import wait_until
from tests.xclient import running

Start = Callable[..., SidecarProcess]

COLOUR = (0x12, 0xB4, 0x56)
WRONG = "The server refuses: The password is wrong."
VNCDO = Path(sys.executable).with_name("vncdo")


@pytest.fixture
def sidecar(either: SidecarProcess) -> Iterator[SidecarProcess]:
    """Give the sidecar with each RFB server; its port is closed, and was closed before."""
    assert ports_of(either.directory) == set()
    yield either
    either.client.close_vnc()
    assert ports_of(either.directory) == set()
    wait_until(lambda: either.client.info().viewers == 0)


def _green(pixels: np.ndarray) -> int:
    """Count the pixels (blue, green, red, …) of the window's colour."""
    return int((pixels[..., 2::-1] == COLOUR).all(axis=-1).sum())


def test_without_being_asked_there_is_no_port(sidecar: SidecarProcess) -> None:
    """Neither a socket nor a word about one."""
    assert sidecar.client.info().vnc is None


def test_an_open_port_shows_the_display(sidecar: SidecarProcess) -> None:
    """With the password a viewer sees the windows; the port is told, its password is not."""
    access = sidecar.client.open_vnc()
    number = int(sidecar.info.display[1:])
    assert access.address == "127.0.0.1"
    assert 5900 + number <= access.port < 6000 + number
    assert len(access.password) == 8
    assert sidecar.client.info().vnc == VncPort("127.0.0.1", access.port)
    assert ports_of(sidecar.directory) == {("0100007F", access.port)}
    with (
        running(sidecar.info, "window", "--colour", "12b456"),
        PortViewer(access, password=access.password) as viewer,
    ):
        assert viewer.client.name == f"main {sidecar.info.display}"
        viewer.until_shows(lambda pixels: _green(pixels) == 200 * 100)
    wait_until(lambda: not sidecar.client.info().windows)


def test_viewers_by_the_port_count_and_have_figures(sidecar: SidecarProcess) -> None:
    """Beside a view of the notebook: both are counted; the figures say who comes from where."""
    access = sidecar.client.open_vnc()
    with (
        contextlib.closing(viewer_of(sidecar.client)),
        PortViewer(access, password=access.password) as first,
        PortViewer(access, password=access.password) as second,
    ):
        wait_until(lambda: sidecar.client.info().viewers == 3)
        for viewer in (first, second):
            viewer.until_ready()
        origins = sorted(viewer.origin for viewer in sidecar.client.viewers())
        of_views = ["notebook"] if sidecar.config.stream == "builtin" else []
        assert origins == ["127.0.0.1", "127.0.0.1", *of_views]
        figures = sidecar.client.viewers()[-1]
        assert figures.capture
        assert figures.encoder
    wait_until(lambda: sidecar.client.info().viewers == 0)
    assert sidecar.client.viewers() == []


@pytest.mark.parametrize("password", ["wrongone", None])
def test_without_the_password_nobody_is_let_in(
    sidecar: SidecarProcess, password: str | None
) -> None:
    """A wrong one is refused with the reason and hung up on; without one nothing is offered."""
    access = sidecar.client.open_vnc(password="sesame12")
    with PortViewer(access, password=password) as viewer:
        told = WRONG if password else "The server asks for a password."
        assert viewer.refusal == told
        if password:
            wait_until(viewer.is_disconnected)
        assert sidecar.client.info().viewers == 0
        assert sidecar.client.viewers() == []
    with PortViewer(access, password="sesame12") as viewer:
        assert viewer.refusal is None


def test_who_speaks_something_else_is_hung_up_on(sidecar: SidecarProcess) -> None:
    """Noise and HTTP on the port hurt nobody, and count as no guess."""
    access = sidecar.client.open_vnc()
    for noise in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 4096, b"RFB 009.999\n"):
        for _ in range(FREE_FAILURES):
            with socket.create_connection((access.address, access.port), 20) as stream:
                stream.sendall(noise)
                try:
                    while stream.recv(4096):
                        pass
                except ConnectionError:
                    pass
    with PortViewer(access, password=access.password) as viewer:
        assert viewer.refusal is None


def test_guessing_is_refused_for_a_while(sidecar: SidecarProcess) -> None:
    """After some wrong passwords in a row even the right one is refused, with the reason."""
    access = sidecar.client.open_vnc()
    with PortViewer(access, password=access.password) as inside:
        for _ in range(FREE_FAILURES):
            with PortViewer(access, password="wrongone") as viewer:
                assert viewer.refusal == WRONG
        with PortViewer(access, password=access.password) as viewer:
            assert "Too many wrong passwords: try again in" in str(viewer.refusal)
        assert inside.refusal is None  # who is in stays
        assert not inside.is_disconnected()


def test_the_number_of_connections_is_bounded(sidecar: SidecarProcess) -> None:
    """Many that never give a password keep others out, with the reason, and no longer."""
    access = sidecar.client.open_vnc()
    where = (access.address, access.port)
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            stream = stack.enter_context(socket.create_connection(where, 20))
            assert stream.recv(4)  # it is served
        with PortViewer(access, password=access.password) as viewer:
            assert f"{MAX_CONNECTIONS} viewers are connected already" in str(viewer.refusal)

    def is_let_in() -> bool:
        with PortViewer(access, password=access.password) as viewer:
            return viewer.refusal is None

    wait_until(is_let_in)


@pytest.mark.parametrize("version", [b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"])
def test_a_refusal_is_told_in_every_version(sidecar: SidecarProcess, version: bytes) -> None:
    """No security type, then the reason (RFC 6143 section 7.1.2 and appendix A)."""
    access = sidecar.client.open_vnc()
    for _ in range(FREE_FAILURES):
        PortViewer(access, password="wrongone").stream.close()
    with socket.create_connection((access.address, access.port), 20) as stream:
        stream.sendall(version)
        data = b""
        while b" s." not in data:
            part = stream.recv(4096)
            assert part, data
            data += part
    none = bytes(4) if version == b"RFB 003.003\n" else bytes(1)
    assert data.startswith(b"RFB 003.008\n" + none)
    text = data[12 + len(none) + 4 :]
    assert int.from_bytes(data[12 + len(none) :][:4], "big") == len(text)
    assert text.startswith(b"Too many wrong passwords")


def test_view_only_viewers_look_and_do_nothing(sidecar: SidecarProcess) -> None:
    """They see the windows; neither their pointer nor their wish for a size is taken."""
    access = sidecar.client.open_vnc(view_only=True)
    assert sidecar.client.info().vnc == VncPort("127.0.0.1", access.port, view_only=True)
    where = XDisplay(int(sidecar.info.display[1:]), Path(sidecar.info.xauthority))
    try:
        before = where.pointer()
        with PortViewer(access, password=access.password) as viewer:
            viewer.until_ready()
            viewer.client.pointer(before.root_x // 2 + 7, before.root_y // 2 + 9, 0)
            viewer.client.key(0x61, down=True)
            assert viewer.client.fence(payload=b"heard")
            viewer.until(lambda: viewer.seen(FenceReceived))
            assert sidecar.client.viewers()[-1].view_only
            after = where.pointer()
            assert (after.root_x, after.root_y) == (before.root_x, before.root_y)
    finally:
        where.x.close()


def test_other_viewers_point(sidecar: SidecarProcess) -> None:
    """Those that may do more than look move the pointer: the test above could fail."""
    access = sidecar.client.open_vnc()
    where = XDisplay(int(sidecar.info.display[1:]), Path(sidecar.info.xauthority))
    try:
        with PortViewer(access, password=access.password) as viewer:
            viewer.client.pointer(123, 45, 0)
            viewer.flush()
            wait_until(lambda: (where.pointer().root_x, where.pointer().root_y) == (123, 45))
    finally:
        where.x.close()


def test_asking_again_tells_the_same(sidecar: SidecarProcess) -> None:
    """The same port and password; something else is refused with its fix, and changes nothing."""
    access = sidecar.client.open_vnc()
    assert sidecar.client.open_vnc() == access
    assert sidecar.client.open_vnc(port=access.port, listen="127.0.0.1") == access
    with PortViewer(access, password=access.password) as viewer:
        for other in ({"port": access.port + 1}, {"password": "sesame12"}, {"view_only": True}):
            with pytest.raises(UsageError) as caught:
                sidecar.client.open_vnc(**other)
            assert caught.value.fix == (
                "close it first, which disconnects its viewers: %xdisplay vnc --stop"
            )
        assert not viewer.is_disconnected()


def test_closing_disconnects_the_viewers(sidecar: SidecarProcess) -> None:
    """Nobody listens any more and who was in is out; views of the notebook stay."""
    access = sidecar.client.open_vnc()
    with contextlib.closing(viewer_of(sidecar.client)) as view:
        with PortViewer(access, password=access.password) as viewer:
            assert sidecar.client.close_vnc().vnc is None
            wait_until(viewer.is_disconnected)
            assert not is_taken(access.port)
        sidecar.client.close_vnc()  # again: nothing happens
        wait_until(lambda: sidecar.client.info().viewers == 1)
        view.prefer_raw()
        view.ask()
        assert view.update_bytes() > 0
    again = sidecar.client.open_vnc(port=access.port)
    assert again.password != access.password


def test_a_busy_port_is_named(sidecar: SidecarProcess) -> None:
    """One that is asked for is an error with its fix; the default goes on to the next."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            sidecar.client.open_vnc(port=port)
        assert str(port) in caught.value.message
        assert "leave out --port" in str(caught.value.fix)
    assert sidecar.client.info().vnc is None
    first = sidecar.client.open_vnc().port
    sidecar.client.close_vnc()
    with socket.create_server(("127.0.0.1", first)):
        assert first < sidecar.client.open_vnc().port < first + 100


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_of_another_machine_is_named(sidecar: SidecarProcess, address: str) -> None:
    """Those of RFC 5737 and RFC 3849 are nobody's."""
    with pytest.raises(UsageError) as caught:
        sidecar.client.open_vnc(listen=address, password="sesame12")
    assert address in caught.value.message
    assert caught.value.fix


def test_a_port_is_closed_while_parked(sidecar: SidecarProcess) -> None:
    """Parking closes it; it does not come back by itself, and cannot be opened meanwhile."""
    access = sidecar.client.open_vnc()
    with running(sidecar.info, "window") as kernel:
        with PortViewer(access, password=access.password) as viewer:
            assert sidecar.client.park([kernel.pid]).vnc is None
            wait_until(viewer.is_disconnected)
        assert not is_taken(access.port)
        with pytest.raises(DisplayEnded):
            sidecar.client.open_vnc()
        assert sidecar.client.unpark().vnc is None
    wait_until(lambda: not sidecar.client.info().windows)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("how", ["stop", "kill", "X server"])
def test_nothing_is_left_at_the_end(start: Start, stream: str, how: str) -> None:
    """However the display ends: no port, no viewer, and `start` sees to all else."""
    sidecar = start(stream=stream).up()
    access = sidecar.client.open_vnc()
    with PortViewer(access, password=access.password) as viewer:
        viewer.until_ready()
        if how == "stop":
            sidecar.client.stop()
        elif how == "kill":
            sidecar.process.kill()
        else:
            os.kill(sidecar.pids["Xvfb"], signal.SIGKILL)
        sidecar.wait()
        wait_until(viewer.is_disconnected)
    assert not is_taken(access.port)


def test_the_password_is_written_nowhere(start: Start) -> None:
    """Neither in a command line, nor in a file of the display, nor in what is told of it."""
    sidecar = start().up()
    access = sidecar.client.open_vnc(password="Tr0ub4d0")
    with PortViewer(access, password="wrongone"), PortViewer(access, password=access.password):
        pass
    with pytest.raises(UsageError):
        sidecar.client.open_vnc(password="other123")
    secrets = (b"Tr0ub4d0", b"other123")
    for path in sidecar.directory.rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path
    told = json.dumps(sidecar.client.info().to_json()).encode()
    command = Path(f"/proc/{sidecar.process.pid}/cmdline").read_bytes()
    assert not any(secret in told + command for secret in secrets)
    assert "Tr0ub4d0" not in repr(access)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XDisplay]:
    """Give an X screen for viewers."""
    folder = tmp_path_factory.mktemp("screen")
    with x_server(["Xvfb", "-screen", "0", "1024x768x24"], folder) as display:
        yield display


def _password_file(folder: Path, password: str) -> Path:
    made = subprocess.run(
        ["vncpasswd", "-f"], input=f"{password}\n".encode(), capture_output=True, check=True
    )
    file = folder / "passwd"
    file.touch(0o600)
    file.write_bytes(made.stdout)
    return file


@pytest.mark.parametrize("right", [True, False])
def test_tigervncs_viewer_connects(
    sidecar: SidecarProcess, screen: XDisplay, tmp_path: Path, right: bool
) -> None:
    """With the password file of vncpasswd(1); a wrong password is told in its words."""
    access = sidecar.client.open_vnc()
    passwd = _password_file(tmp_path, access.password if right else "wrongone")
    argv = ["xtigervncviewer", "-passwd", str(passwd), "-Shared=1", "-RemoteResize=0"]
    argv += ["-AlertOnFatalError=0", "-ReconnectOnError=0", "-NoJPEG=1", "-Log=*:stderr:30"]
    log = tmp_path / "viewer.log"
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    with (
        running(sidecar.info, "window", "--colour", "12b456"),
        program([*argv, f"127.0.0.1::{access.port}"], log, **screen.environment, **home) as process,
    ):
        if right:
            wait_until(
                lambda: _green(screen.pixels()) == 200 * 100, log.read_text(errors="replace")
            )
            assert sidecar.client.viewers()[-1].origin == "127.0.0.1"
        else:
            wait_until(lambda: "The password is wrong." in log.read_text(errors="replace"))
            wait_until(lambda: process.poll() is not None)
    wait_until(lambda: not sidecar.client.info().windows)


def _vncdo(access: VncAccess, password: str, *commands: str) -> subprocess.CompletedProcess[str]:
    argv = [VNCDO, "-s", f"127.0.0.1::{access.port}", "-t", "30", "-p", password, *commands]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_vncdotool_connects(sidecar: SidecarProcess, tmp_path: Path) -> None:
    """It captures the window; with a wrong password it gets nothing."""
    access = sidecar.client.open_vnc()
    file = tmp_path / "shot.png"
    assert _vncdo(access, "wrongone", "capture", str(file)).returncode != 0 or not file.exists()
    with running(sidecar.info, "window", "--colour", "12b456"):
        wait_until(lambda: sidecar.client.info().windows)

        def shown() -> bool:
            done = _vncdo(access, access.password, "--nocursor", "capture", str(file))
            assert done.returncode == 0, done.stderr
            return _green(np.asarray(Image.open(file).convert("RGB"))[..., ::-1]) == 200 * 100

        wait_until(shown)
    wait_until(lambda: not sidecar.client.info().windows)
