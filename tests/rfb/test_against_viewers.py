"""Our server against real viewers: TigerVNC's vncviewer, and vncdotool."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jupyter_xdisplay.rfb import (
    Encoding,
    KeyEvent,
    PixelFormat,
    Pixels,
    PointerEvent,
    Screen,
    SetDesktopSize,
    SetEncodings,
)
from jupyter_xdisplay.rfb.pixel_format import from_wire, to_wire
from tests.rfb.picture_server import Encode, PictureServer, as_raw, as_tight, as_zrle
from tests.rfb.pictures import BGRX32, RGB111, RGB222, RGB332, alike, flat, smooth, text
from tests.rfb.x_display import XDisplay, program, x_server
from tests.waiting import wait_until

SIZE = (400, 300)
SCREEN = (640, 480)
WORD = "sesame12"
JPEG_ERROR = 3.0
"""Mean error of colours, of 255, at the viewer's quality level 8."""

VNCDO = Path(sys.executable).with_name("vncdo")


def _picture() -> Pixels:
    """Return flat parts, text and a photograph beside each other."""
    pixels = flat(*SIZE)
    pixels[10:130, 10:390] = text(380, 120)
    pixels[140:290, 20:320] = smooth(300, 150)
    return pixels


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a short directory for sockets."""
    path = Path(tempfile.mkdtemp(prefix="xdt-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def screen(folder: Path) -> Iterator[XDisplay]:
    """Give an X screen for viewers."""
    argv = ["Xvfb", "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24"]
    with x_server(argv, folder) as display:
        yield display


@contextmanager
def _vncviewer(screen: XDisplay, port: int, folder: Path, *options: str) -> Iterator[Path]:
    """Run TigerVNC's viewer on that screen; give its log."""
    log = folder / "viewer.log"
    # at a debug level the viewer would draw its statistics over the picture
    argv = ["xtigervncviewer", "-MenuKey=", "-RemoteResize=0", "-AlertOnFatalError=0"]
    argv += ["-ReconnectOnError=0", "-Shared=1", "-Log=*:stderr:30", *options]
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with program([*argv, f"127.0.0.1::{port}"], log, **screen.environment, **home):
        yield log


def _seen(screen: XDisplay, size: tuple[int, int] = SIZE) -> list[Pixels]:
    """Return the pixels of each window of the picture's size."""
    found = []
    for window in screen.x.core.QueryTree(screen.x.root).reply().children:
        geometry = screen.x.core.GetGeometry(window).reply()
        attributes = screen.x.core.GetWindowAttributes(window).reply()
        if (geometry.width, geometry.height) == size and attributes.map_state == 2:
            found.append(screen.pixels(window))
    return found


def _as_sent(pixels: Pixels, pixel_format: PixelFormat) -> Pixels:
    return from_wire(to_wire(pixels, pixel_format), pixel_format).reshape(pixels.shape)


WAYS: dict[str, tuple[Encode, PixelFormat, list[str]]] = {
    "raw": (as_raw, BGRX32, ["-PreferredEncoding=Raw", "-FullColor=1"]),
    "tight": (as_tight, BGRX32, ["-PreferredEncoding=Tight", "-NoJPEG=1", "-FullColor=1"]),
    "tight 332": (as_tight, RGB332, ["-FullColor=0", "-LowColorLevel=2"]),
    "tight 222": (as_tight, RGB222, ["-FullColor=0", "-LowColorLevel=1"]),
    "zrle": (as_zrle, BGRX32, ["-PreferredEncoding=ZRLE", "-NoJPEG=1", "-FullColor=1"]),
    "zrle 332": (as_zrle, RGB332, ["-FullColor=0", "-LowColorLevel=2"]),
    "raw 111": (as_raw, RGB111, ["-FullColor=0", "-LowColorLevel=0"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_vncviewer_shows_exactly_our_pixels(screen: XDisplay, tmp_path: Path, way: str) -> None:
    """The picture, and the next one over the same streams, as TigerVNC's viewer draws them."""
    encode, pixel_format, options = WAYS[way]
    with (
        PictureServer(_picture(), encode) as server,
        _vncviewer(screen, server.port, tmp_path, "-AutoSelect=0", *options) as log,
    ):
        for picture in (_picture(), _picture()[::-1].copy()):
            server.show(picture)
            expected = _as_sent(picture, pixel_format)
            wait_until(
                lambda expected=expected: any(alike(found, expected) for found in _seen(screen)),
                log.read_text(errors="replace"),
            )
        (connection,) = server.connections
        assert connection.pixel_format.channels == pixel_format.channels
        assert connection.error is None


def test_vncviewer_takes_our_jpeg(screen: XDisplay, tmp_path: Path) -> None:
    """Its own JPEG decoder shows the photograph as it is, closely; flat parts exactly."""
    with (
        PictureServer(smooth(*SIZE)) as server,
        _vncviewer(screen, server.port, tmp_path, "-AutoSelect=0", "-QualityLevel=8") as log,
    ):
        expected = smooth(*SIZE).astype(int)
        wait_until(
            lambda: any(
                np.abs(found - expected)[..., :3].mean() < JPEG_ERROR for found in _seen(screen)
            ),
            log.read_text(errors="replace"),
        )
        (found,) = _seen(screen)
        assert not alike(found, smooth(*SIZE))
        assert server.connections[0].jpeg_quality == 8


def test_vncviewer_agrees_on_the_extensions(screen: XDisplay, tmp_path: Path) -> None:
    """It offers what we have, and sees no protocol error in our announcements."""
    with (
        PictureServer(_picture()) as server,
        _vncviewer(screen, server.port, tmp_path) as log,
    ):
        wait_until(lambda: server.connections and server.connections[0].encodings)
        wait_until(lambda: server.connections[0].continuous_updates, log.read_text())
        wanted = {
            Encoding.FENCE,
            Encoding.CONTINUOUS_UPDATES,
            Encoding.EXTENDED_DESKTOP_SIZE,
            Encoding.CURSOR,
            Encoding.LAST_RECT,
            Encoding.EXTENDED_CLIPBOARD,
            Encoding.QEMU_EXTENDED_KEY_EVENT,
        }
        assert wanted <= server.connections[0].encodings
        assert any(isinstance(event, SetEncodings) for event in server.heard)


def test_vncviewer_follows_our_size_and_asks_for_its_own(screen: XDisplay, tmp_path: Path) -> None:
    """A picture of another size changes its window; its wish changes our picture."""
    options = ["-NoJPEG=1", "-AutoSelect=0", "-DesktopSize=440x330", "-RemoteResize=1"]
    with (
        PictureServer(_picture()) as server,
        _vncviewer(screen, server.port, tmp_path, *options) as log,
    ):
        for size in ((440, 330), (380, 290)):
            if size != (440, 330):
                server.show(smooth(*size))
            wait_until(
                lambda size=size: any(alike(found, smooth(*size)) for found in _seen(screen, size)),
                log.read_text(errors="replace"),
            )
            assert server.connections[0].size == size
        assert SetDesktopSize(440, 330, (Screen(0, 0, 0, 440, 330, 0),)) in server.heard


@pytest.mark.parametrize("right", [True, False])
def test_vncviewer_with_a_password(screen: XDisplay, tmp_path: Path, right: bool) -> None:
    """The right one shows the picture; a wrong one is refused with our reason."""
    given = WORD if right else WORD.upper()
    made = subprocess.run(
        ["vncpasswd", "-f"], input=f"{given}\n".encode(), capture_output=True, check=True
    )
    (tmp_path / "passwd").write_bytes(made.stdout)
    options = [f"-PasswordFile={tmp_path / 'passwd'}", "-SecurityTypes=VncAuth"]
    with (
        PictureServer(_picture(), password=WORD) as server,
        _vncviewer(screen, server.port, tmp_path, "-NoJPEG=1", *options) as log,
    ):
        if right:
            wait_until(lambda: any(alike(found, _picture()) for found in _seen(screen)))
            return
        wait_until(lambda: server.errors == ["The password is wrong."])
        wait_until(lambda: "The password is wrong." in log.read_text(errors="replace"))


def _vncdo(port: int, *commands: str) -> subprocess.CompletedProcess[str]:
    """Run vncdotool's command line to its end."""
    return subprocess.run(
        [VNCDO, "-s", f"127.0.0.1::{port}", "-t", "30", *commands],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("password", [None, WORD])
def test_vncdotool_captures_exactly_our_pixels(tmp_path: Path, password: str | None) -> None:
    """Its picture file has our pixels, with and without a password."""
    file = tmp_path / "shot.png"
    with PictureServer(_picture(), as_raw, password=password) as server:
        login = ["-p", password] if password else []
        done = _vncdo(server.port, *login, "--nocursor", "capture", str(file))
        assert done.returncode == 0, done.stderr
    found = np.asarray(Image.open(file).convert("RGB"))[..., ::-1]
    assert alike(found, _picture()[..., :3])


def test_vncdotool_with_a_wrong_password(tmp_path: Path) -> None:
    """It is refused, and we go on."""
    with PictureServer(_picture(), as_raw, password=WORD) as server:
        file = tmp_path / "shot.png"
        done = _vncdo(server.port, "-p", WORD.upper(), "capture", str(file))
        assert done.returncode != 0 or not file.exists()
        wait_until(lambda: server.errors == ["The password is wrong."])
        done = _vncdo(server.port, "-p", WORD, "capture", str(file))
        assert done.returncode == 0, done.stderr


def test_input_of_vncdotool_arrives() -> None:
    """Keys, pointer and clicks as they were typed."""
    with PictureServer(_picture(), as_raw) as server:
        done = _vncdo(server.port, "key", "a", "move", "12", "34", "click", "1")
        assert done.returncode == 0, done.stderr
        wait_until(lambda: server.heard[-1] == PointerEvent(12, 34, 0))
        keys = [(e.keysym, e.down) for e in server.heard if isinstance(e, KeyEvent)]
        assert keys == [(0x61, True), (0x61, False)]
        pointer = [e for e in server.heard if isinstance(e, PointerEvent)]
        assert PointerEvent(12, 34, 1) in pointer
