"""Real viewers of our own RFB server: TigerVNC's vncviewer and vncdotool, over TCP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.rfb.x_display import XDisplay, program, x_server
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import SIZE, no_viewers
from tests.sidecar.rfb_server.viewing import figures_of, screen_of
from tests.waiting import wait_until
from tests.x11.typing_into import tk_entry
from tests.xclient import running

VNCDO = Path(sys.executable).with_name("vncdo")


@pytest.fixture
def screen() -> Iterator[XDisplay]:
    """Give an X screen for the viewer."""
    folder = Path(tempfile.mkdtemp(prefix="xdt-", dir="/tmp"))
    with x_server(["Xvfb", "-screen", "0", "1024x768x24"], folder) as display:
        yield display
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port(sidecar: SidecarProcess) -> Iterator[int]:
    """Give a TCP port of this machine that leads to the sidecar's RFB."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, sidecar), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    no_viewers(sidecar)


def _accept(listener: socket.socket, sidecar: SidecarProcess) -> None:
    with suppress(OSError):
        while True:
            viewer, _ = listener.accept()
            rfb = sidecar.client.open_rfb()
            for one, other in ((viewer, rfb), (rfb, viewer)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


@contextmanager
def _vncviewer(screen: XDisplay, port: int, folder: Path, *options: str) -> Iterator[None]:
    argv = ["xtigervncviewer", "-MenuKey=", "-RemoteResize=0", "-AlertOnFatalError=0"]
    argv += ["-ReconnectOnError=0", "-Shared=1", *options, f"127.0.0.1::{port}"]
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with program(argv, folder / "viewer.log", **screen.environment, **home):
        yield


@pytest.mark.parametrize(
    ("options", "encoder"),
    [
        (("-AutoSelect=0", "-PreferredEncoding=ZRLE"), "ZRLE"),
        (("-AutoSelect=0", "-PreferredEncoding=Raw"), "Raw"),
        (("-AutoSelect=0", "-PreferredEncoding=Tight", "-NoJPEG=1"), "Tight lossless"),
    ],
)
def test_tigervnc_gets_what_it_prefers(
    sidecar: SidecarProcess,
    screen: XDisplay,
    port: int,
    tmp_path: Path,
    options: tuple[str, ...],
    encoder: str,
) -> None:
    """And shows our pixels, exactly."""
    with (
        running(sidecar.info, "window", "--colour", "A05030"),
        _vncviewer(screen, port, tmp_path, *options),
    ):
        expected = screen_of(sidecar.client)
        wait_until(lambda: any(np.array_equal(seen, expected) for seen in _seen(screen)))
        (figures,) = figures_of(sidecar.client)
        assert figures["encoder"] == encoder
        assert figures["round_trip_s"] > 0


def test_vncdotool_types_and_looks(sidecar: SidecarProcess, port: int, tmp_path: Path) -> None:
    """It has no fences: its requests pace it."""
    file = tmp_path / "shot.png"
    with tk_entry(sidecar.info) as entry:
        _vncdo(port, "type", "vncdotool")
        assert entry.told(_Return(port))[0] == "vncdotool"
        _vncdo(port, "--nocursor", "capture", str(file))
        found = np.asarray(Image.open(file).convert("RGB"))[..., ::-1]
        assert found.shape == (SIZE.height, SIZE.width, 3)
        assert (found != screen_of(sidecar.client)).any(axis=-1).mean() < 0.01  # the text cursor


class _Return:
    """Presses Return by vncdotool, for `Entry.told`."""

    def __init__(self, port: int) -> None:
        self._port = port

    def key(self, keysym: int, down: bool, scancode: int | None = None) -> float:  # noqa: ARG002
        """Press; it releases by itself."""
        if down:
            _vncdo(self._port, "key", "enter")
        return 0.0


def _vncdo(port: int, *commands: str) -> None:
    argv = [VNCDO, "-s", f"127.0.0.1::{port}", "-t", "30", *commands]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


def _seen(screen: XDisplay) -> list[np.ndarray]:
    """Return the pixels of each window of the size of what is looked at."""
    found = []
    for window in screen.x.core.QueryTree(screen.x.root).reply().children:
        geometry = screen.x.core.GetGeometry(window).reply()
        attributes = screen.x.core.GetWindowAttributes(window).reply()
        if (geometry.width, geometry.height) == SIZE and attributes.map_state == 2:
            found.append(screen.pixels(window)[..., :3])
    return found
