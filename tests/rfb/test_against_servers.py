"""Our client against real servers: TigerVNC's Xvnc, and x11vnc on Xvfb."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from jupyter_xdisplay.rfb import (
    ContinuousUpdatesEnded,
    CursorChanged,
    Encoding,
    Failed,
    FenceReceived,
    PixelFormat,
    Pixels,
    Resized,
    ServerCutText,
    Updated,
)
from jupyter_xdisplay.rfb.pixel_format import from_wire, to_wire
from jupyter_xdisplay.xserver.x11vnc import x11vnc_argv
from tests.rfb.pictures import FORMATS, alike, flat, smooth, text
from tests.rfb.viewer import Viewer
from tests.rfb.x_display import XDisplay, program, x_server
from tests.waiting import wait_until

SIZE = (400, 300)
WORD = "sesame12"
QUALITY = {2: 20, 8: 6}
"""Quality level → mean error of colours that JPEG may have, of 255."""

ENCODINGS = {"raw": Encoding.RAW, "tight": Encoding.TIGHT, "zrle": Encoding.ZRLE}
COMMON_FORMATS = ["bgrx32", "rgbx32", "xrgb32-big", "rgbx32-high", "rgb565", "rgb555-big", "rgb332"]

LIBVNCSERVER_BUG = ("x11vnc", "zrle", "rgbx32-high")


class Server:
    """A real RFB server, and the display that it shows."""

    def __init__(self, kind: str, display: XDisplay, socket: Path) -> None:
        self.kind = kind
        self.display = display
        self.socket = socket


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


@contextmanager
def _xvnc(folder: Path, *options: str) -> Iterator[Server]:
    folder.mkdir()
    socket = folder / "rfb"
    argv = ["Xvnc", "-geometry", f"{SIZE[0]}x{SIZE[1]}", "-depth", "24", "-AlwaysShared"]
    argv += ["-rfbunixpath", str(socket), "-localhost", "-rfbport", "-1", "-desktop", "Xvnc"]
    with x_server([*argv, *options], folder) as display:
        wait_until(socket.exists)
        yield Server("Xvnc", display, socket)


@contextmanager
def _x11vnc(folder: Path) -> Iterator[Server]:
    folder.mkdir()
    socket, log = folder / "rfb", folder / "x11vnc.log"
    xvfb = ["Xvfb", "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"]
    with x_server(xvfb, folder) as display:
        argv = x11vnc_argv(
            "x11vnc", display=display.name, auth_file=display.auth_file, socket=socket, name="x"
        )
        with program(argv, log):
            wait_until(socket.exists, log.read_text())
            yield Server("x11vnc", display, socket)


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[dict[str, Server]]:
    """Give both servers, with the same picture on their displays."""
    with ExitStack() as stack:
        found = {
            "Xvnc": stack.enter_context(_xvnc(folder / "t", "-SecurityTypes", "None")),
            "x11vnc": stack.enter_context(_x11vnc(folder / "x")),
        }
        for server in found.values():
            server.display.show(_picture())
        yield found


@pytest.fixture(params=["Xvnc", "x11vnc"])
def server(request: pytest.FixtureRequest, servers: dict[str, Server]) -> Server:
    """Give one server after the other."""
    found: Server = servers[request.param]
    return found


def _close(found: Pixels, expected: Pixels, pixel_format: PixelFormat) -> bool:
    """Whether colours are the same; where bits are lost, one step apart (they round or cut)."""
    if pixel_format.is_888:
        return alike(found, expected)
    wire = from_wire(to_wire(expected, pixel_format), pixel_format).reshape(expected.shape)
    steps = [255 / largest + 1 for largest, _ in pixel_format.channels]
    difference = np.abs(found[..., :3].astype(int) - wire[..., :3])
    return found.shape == expected.shape and bool((difference <= steps).all())


@pytest.mark.parametrize("format_name", COMMON_FORMATS)
@pytest.mark.parametrize("encoding_name", ENCODINGS)
def test_pixels_are_exactly_those_of_the_display(
    server: Server, encoding_name: str, format_name: str
) -> None:
    """What our client shows is what GetImage gives, in each encoding and pixel format."""
    if (server.kind, encoding_name, format_name) == LIBVNCSERVER_BUG:
        pytest.skip("libvncserver computes 255 << 24 as a negative number: it sends no blue")
    encoding, pixel_format = ENCODINGS[encoding_name], FORMATS[format_name]
    offer = (encoding, Encoding.CURSOR, Encoding.LAST_RECT)
    expected = server.display.pixels()
    assert alike(expected, _picture())
    with Viewer(server.socket, encodings=offer, pixel_format=pixel_format) as viewer:
        assert not viewer.seen(Failed)
        viewer.until_shows(
            lambda found: encoding in viewer.encodings() and _close(found, expected, pixel_format)
        )
        assert viewer.encodings() <= {encoding, Encoding.RAW}


@pytest.mark.parametrize("quality", QUALITY)
def test_jpeg_of_other_servers(server: Server, quality: int) -> None:
    """With a quality level, photographs come as JPEG and are close enough."""
    expected = server.display.pixels()
    with Viewer(
        server.socket, encodings=(Encoding.TIGHT, Encoding.CURSOR, -32 + quality)
    ) as viewer:
        viewer.until_shows(lambda found: _error(found, expected) < QUALITY[quality])
        assert not alike(viewer.framebuffer, expected)


def _error(found: Pixels, expected: Pixels) -> float:
    return float(np.abs(found.astype(int) - expected)[..., :3].mean())


def test_every_compression_level_of_other_servers(server: Server) -> None:
    """Their zlib settings and filters are all understood."""
    expected = server.display.pixels()
    for level in range(10):
        offer = (Encoding.TIGHT, Encoding.CURSOR, -256 + level)
        with Viewer(server.socket, encodings=offer) as viewer:
            viewer.until_shows(lambda found: alike(found, expected))


def test_changes_arrive_incrementally(server: Server) -> None:
    """A second picture follows the first on the same connection and zlib streams."""
    with Viewer(server.socket) as viewer:
        viewer.until_shows(lambda found: alike(found, _picture()))
        other = _picture()[::-1].copy()
        server.display.show(other)
        viewer.until(lambda: alike(viewer.framebuffer, other), "changes", ask=True)
        server.display.show(_picture())
        viewer.until(lambda: alike(viewer.framebuffer, _picture()), "back", ask=True)


def test_input_reaches_the_display(server: Server) -> None:
    """The pointer moves, a key is down and up again."""
    display = server.display
    with Viewer(server.socket) as viewer:
        viewer.client.pointer(123, 45)
        viewer.flush()
        wait_until(lambda: (display.pointer().root_x, display.pointer().root_y) == (123, 45))
        before = bytes(display.x.core.QueryKeymap().reply().keys)
        viewer.client.key(0x61, down=True)
        viewer.flush()
        wait_until(lambda: bytes(display.x.core.QueryKeymap().reply().keys) != before)
        viewer.client.key(0x61, down=False)
        viewer.flush()
        wait_until(lambda: bytes(display.x.core.QueryKeymap().reply().keys) == before)


def test_cursors_of_other_servers(server: Server) -> None:
    """A cursor with some opaque pixels comes as a rectangle of its own."""
    with Viewer(server.socket) as viewer:
        viewer.client.request_update(incremental=False)
        viewer.until(lambda: viewer.seen(CursorChanged), "no cursor", ask=True)


def test_copyrect_of_a_real_copy(servers: dict[str, Server]) -> None:
    """A copy within the screen comes as CopyRect, and is exact."""
    server = servers["Xvnc"]
    with Viewer(server.socket) as viewer:
        viewer.until_shows(lambda found: alike(found, _picture()))
        viewer.client.request_update()
        viewer.flush()
        server.display.copy_area((20, 140), (200, 100), (150, 30))
        expected = server.display.pixels()
        assert not alike(expected, _picture())
        viewer.until(lambda: alike(viewer.framebuffer, expected), "copy", ask=True)
        assert Encoding.COPY_RECT in viewer.encodings()
    server.display.show(_picture())


def test_fences_and_continuous_updates_of_xvnc(servers: dict[str, Server]) -> None:
    """Fences come back, and changes arrive without being asked for."""
    server = servers["Xvnc"]
    with Viewer(server.socket) as viewer:
        viewer.until_shows(lambda found: alike(found, _picture()))
        viewer.until(lambda: viewer.seen(ContinuousUpdatesEnded))
        assert viewer.client.fence(payload=b"here")
        viewer.until(lambda: viewer.seen(FenceReceived))
        assert viewer.seen(FenceReceived)[0].payload == b"here"
        viewer.client.enable_continuous_updates()
        viewer.flush()
        for picture in (_picture()[::-1].copy(), _picture()):
            server.display.show(picture)
            viewer.until(lambda picture=picture: alike(viewer.framebuffer, picture))
        viewer.client.enable_continuous_updates(enable=False)
        viewer.until(lambda: len(viewer.seen(ContinuousUpdatesEnded)) == 2)


def test_xvnc_takes_another_size(servers: dict[str, Server]) -> None:
    """SetDesktopSize changes the X screen; both know it afterwards."""
    server = servers["Xvnc"]
    with Viewer(server.socket) as viewer:
        viewer.until_shows(lambda found: alike(found, _picture()))
        for size in ((480, 320), SIZE):
            assert viewer.client.set_desktop_size(*size)
            viewer.until(lambda size=size: viewer.framebuffer.shape[1::-1] == size, ask=True)
            assert server.display.size == size
            assert viewer.seen(Resized)[-1].status == 0
    server.display.show(_picture())


_TK_CLIPBOARD = """
import sys, tkinter
root = tkinter.Tk()
root.clipboard_clear()
root.clipboard_append(sys.argv[1])
root.update()
print("ready", flush=True)
root.mainloop()
"""
_TK_READ = "import tkinter; print(tkinter.Tk().clipboard_get(), end='')"


def test_clipboards_with_xvnc_are_all_of_unicode(servers: dict[str, Server]) -> None:
    """The extended clipboard with a real server, both ways."""
    server = servers["Xvnc"]
    words = "Grüße, Κόσμε, мир: 5 €"
    environment = {**server.display.environment, "PYTHONIOENCODING": "utf-8", "PATH": ""}
    with Viewer(server.socket) as viewer:
        viewer.until_shows(lambda found: alike(found, _picture()))
        owner = subprocess.Popen(
            [sys.executable, "-c", _TK_CLIPBOARD, words], env=environment, stdout=subprocess.PIPE
        )
        try:
            viewer.until(lambda: viewer.seen(ServerCutText), "no clipboard", ask=True)
            assert viewer.seen(ServerCutText)[-1].text == words
            viewer.client.clipboard(words[::-1])
            reader = None
            viewer.client.fence(payload=b"taken")
            viewer.until(lambda: viewer.seen(FenceReceived), ask=True)
            reader = subprocess.Popen(
                [sys.executable, "-c", _TK_READ], env=environment, stdout=subprocess.PIPE
            )
            viewer.until(lambda: reader.poll() is not None, "not read", ask=True)
            assert reader.communicate()[0].decode() == words[::-1]
        finally:
            owner.kill()
            owner.communicate()
    wait_until(lambda: alike(server.display.pixels(), _picture()))


@pytest.mark.parametrize("right", [True, False])
def test_passwords_of_xvnc(folder: Path, right: bool) -> None:
    """VNC Authentication with a real server: the right one opens, a wrong one is told."""
    passwords = folder / f"passwd-{right}"
    made = subprocess.run(
        ["vncpasswd", "-f"], input=f"{WORD}\n".encode(), capture_output=True, check=True
    )
    passwords.write_bytes(made.stdout)
    options = ["-SecurityTypes", "VncAuth", "-PasswordFile", str(passwords)]
    with _xvnc(folder / f"p-{right}", *options) as server:
        given = WORD if right else WORD.upper()
        with Viewer(server.socket, password=given) as viewer:
            failed = viewer.seen(Failed)
            assert bool(failed) == (not right)
            if failed:
                assert "uthentication" in failed[0].message
            else:
                viewer.client.request_update(incremental=False)
                viewer.until(lambda: viewer.seen(Updated))
