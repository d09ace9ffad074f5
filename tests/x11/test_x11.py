"""X requests on a bare X server: no window manager, no sidecar."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import xcffib
import xcffib.xproto

from jupyter_xdisplay.errors import StartFailed, UsageError
from jupyter_xdisplay.spec import Size, WindowInfo
from jupyter_xdisplay.x11.clients import Clients
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.responding import Responding
from jupyter_xdisplay.x11.screen import BACKGROUND, Screen
from jupyter_xdisplay.x11.windows import WindowWatcher
from jupyter_xdisplay.xserver import xauth, xvfb
from tests.waiting import wait_until
from tests.xclient import handshake

LARGEST = Size(800, 600)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, int]]:
    """Give display, cookie file and pid of an Xvfb."""
    auth = tmp_path_factory.mktemp("x") / "auth"
    auth.write_bytes(xauth.xauthority(xauth.new_cookie(), None))
    auth.chmod(0o600)
    read_fd, write_fd = os.pipe()
    with subprocess.Popen(
        xvfb.xvfb_argv(
            "Xvfb", display_fd=write_fd, auth_file=auth, screen=LARGEST, depth=24, dpi=96
        ),
        env=xvfb.xvfb_environment(os.environ),
        pass_fds=[write_fd],
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            number = int(pipe.readline())
        auth.write_bytes(xauth.xauthority(auth.read_bytes()[-16:], number))
        try:
            yield f":{number}", auth, process.pid
        finally:
            process.terminate()


@pytest.fixture
def connection(
    server: tuple[str, Path, int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[X11Connection]:
    """Give a connection to it."""
    display, auth, _ = server
    monkeypatch.setenv("XAUTHORITY", "")
    connection = X11Connection(display, auth)
    yield connection
    connection.close()


def _window(
    connection: X11Connection, width: int = 50, height: int = 40, number: int | None = None
) -> int:
    window: int = number or connection.raw.generate_id()
    connection.core.CreateWindow(
        xcffib.CopyFromParent,
        window,
        connection.root,
        *(10, 10, width, height, 0),
        xcffib.xproto.WindowClass.InputOutput,
        xcffib.CopyFromParent,
        xcffib.xproto.CW.BackPixel,
        [0xFF8800],
        is_checked=True,
    ).check()
    connection.core.MapWindow(window, is_checked=True).check()
    return window


def test_no_server_is_a_start_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number on which nobody listens."""
    monkeypatch.setenv("XAUTHORITY", "")
    with pytest.raises(StartFailed, match=":9876"):
        X11Connection(":9876", tmp_path / "none")


def test_a_wrong_cookie_is_a_start_that_failed(
    server: tuple[str, Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that refuses us is told apart from nothing but named."""
    monkeypatch.setenv("XAUTHORITY", "")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(xauth.xauthority(bytes(16), None))
    with pytest.raises(StartFailed, match=server[0]):
        X11Connection(server[0], wrong)
    assert handshake(server[0]) == 0


def test_properties_come_back_as_they_were_set(connection: X11Connection) -> None:
    """Bytes, lists of numbers, and nothing for what is not set or on a window that is gone."""
    window = _window(connection)
    connection.set_property(window, "_TEXT", "UTF8_STRING", "h\u00e9llo".encode())
    connection.set_property(window, "_NUMBERS", "CARDINAL", struct.pack("=3I", 1, 2, 3))
    assert connection.property_bytes(window, "_TEXT") == "h\u00e9llo".encode()
    assert connection.property_numbers(window, "_NUMBERS") == [1, 2, 3]
    assert connection.property_numbers(window, "_TEXT") == [
        struct.unpack("=I", "h\u00e9l".encode())[0]
    ]
    assert connection.property_bytes(window, "_NOT_SET") is None
    assert connection.property_numbers(window, "_NOT_SET") == []
    connection.core.DestroyWindow(window, is_checked=True).check()
    assert connection.property_bytes(window, "_TEXT") is None


def test_atoms_are_asked_once(connection: X11Connection) -> None:
    """The same name is the same atom."""
    assert connection.atom("WM_NAME") == connection.atom("WM_NAME") == xcffib.xproto.Atom.WM_NAME


def test_the_screen_can_have_any_size_up_to_its_first(connection: X11Connection) -> None:
    """Real sizes by RANDR, in either direction and again."""
    screen = Screen(connection, 96)
    assert screen.max_size == LARGEST
    for size in (Size(640, 480), Size(641, 333), LARGEST, Size(64, 64), Size(641, 333), LARGEST):
        assert screen.resize(size) == size
        assert screen.size == size
    for size in (Size(801, 600), Size(800, 601), Size(0, 0), Size(63, 100)):
        with pytest.raises(UsageError):
            screen.resize(size)
        assert screen.size == LARGEST


def test_the_dots_per_inch_stay_over_resizes(connection: X11Connection) -> None:
    """The screen's millimetres follow its pixels."""
    screen = Screen(connection, 120)
    screen.resize(Size(600, 480))
    randr = connection.extension(xcffib.randr.key)
    resources = randr.GetScreenResourcesCurrent(connection.root).reply()
    assert resources.crtcs
    fresh = X11Connection(f":{_number(connection)}", Path(os.environ["XAUTHORITY"]))
    try:
        millimetres = fresh.screen.width_in_millimeters, fresh.screen.height_in_millimeters
    finally:
        fresh.close()
    assert millimetres == (round(600 * 25.4 / 120), round(480 * 25.4 / 120))
    screen.resize(LARGEST)


def _number(connection: X11Connection) -> int:
    peer = connection.raw.get_file_descriptor()
    import socket

    with socket.socket(fileno=os.dup(peer)) as stream:
        path = stream.getpeername()
    return int(os.fsdecode(path).rpartition("X")[2])


def test_the_empty_screen_is_prepared(connection: X11Connection) -> None:
    """A quiet background, and the resource from which toolkits read the DPI."""
    from io import BytesIO

    from PIL import Image

    screen = Screen(connection, 144)
    screen.prepare()
    resources = connection.property_bytes(connection.root, "RESOURCE_MANAGER") or b""
    assert b"Xft.dpi:\t144\n" in resources
    picture = Image.open(BytesIO(screen.png()))
    assert picture.size == screen.size
    assert picture.getpixel((700, 500)) == (
        BACKGROUND >> 16,
        BACKGROUND >> 8 & 0xFF,
        BACKGROUND & 0xFF,
    )
    window = _window(connection)
    connection.core.GetInputFocus().reply()
    assert Image.open(BytesIO(screen.png())).getpixel((20, 20)) == (0xFF, 0x88, 0)
    connection.core.DestroyWindow(window, is_checked=True).check()


def test_clients_are_known_by_their_process(
    server: tuple[str, Path, int], connection: X11Connection
) -> None:
    """Our connections carry our pid; resources lead to their client."""
    clients = Clients(connection)
    assert os.getpid() in clients.distinct_pids()
    window = _window(connection)
    assert clients.pids()[clients.base_of(window)] == os.getpid()
    assert clients.base_of(window) in clients.with_windows()
    assert clients.base_of(connection.root) not in clients.with_windows()
    connection.core.DestroyWindow(window, is_checked=True).check()


def test_killing_spares_ourselves_and_who_is_to_stay(
    server: tuple[str, Path, int], connection: X11Connection
) -> None:
    """The connection that asks lives on; a client of a pid that is kept, too."""
    other = X11Connection(server[0], server[1])
    _window(other)
    clients = Clients(connection)
    assert clients.kill([os.getpid()]) == 0
    assert other.core.GetInputFocus().reply()
    _window(connection)
    assert clients.kill([]) == 1
    with pytest.raises(xcffib.ConnectionException):
        other.core.GetInputFocus().reply()
    assert connection.core.GetInputFocus().reply()
    other.close()


def test_a_watcher_tells_windows_and_ends(server: tuple[str, Path, int]) -> None:
    """Windows that a window manager lists come with their place and title, and go again."""
    told: list[tuple[tuple[WindowInfo, ...], tuple[int, ...]]] = []
    watcher = WindowWatcher(*server, lambda *news: told.append(news))
    watcher.start()
    connection = X11Connection(server[0], server[1])
    try:
        window = _window(connection)
        connection.set_property(window, "WM_NAME", "STRING", "caf\u00e9".encode("latin-1"))
        _list(connection, [window])
        (info,) = wait_until(lambda: told and told[-1][0])
        assert (info.id, info.title, info.pid) == (window, "caf\u00e9", os.getpid())
        assert (info.x, info.y, info.width, info.height) == (10, 10, 50, 40)
        connection.set_property(window, "_NET_WM_NAME", "UTF8_STRING", "\u20ac".encode())
        connection.flush()
        wait_until(lambda: told[-1][0][0].title == "\u20ac")
        connection.core.ConfigureWindow(
            window, xcffib.xproto.ConfigWindow.X | xcffib.xproto.ConfigWindow.Width, [30, 70]
        )
        connection.flush()
        wait_until(lambda: (told[-1][0][0].x, told[-1][0][0].width) == (30, 70))
        connection.core.DestroyWindow(window, is_checked=True).check()
        wait_until(lambda: told[-1][0] == ())  # still listed: a slow window manager
        _list(connection, [])
    finally:
        connection.close()
        watcher.stop()
        watcher.join(10)
    assert not watcher.is_alive()


def test_a_window_with_the_id_of_a_former_one_is_watched(server: tuple[str, Path, int]) -> None:
    """Also where the list of windows never was without that id."""
    told: list[tuple[WindowInfo, ...]] = []
    watcher = WindowWatcher(*server, lambda windows, _: told.append(windows))
    watcher.start()
    connection = X11Connection(server[0], server[1])
    try:
        window = _window(connection)
        _list(connection, [window])
        wait_until(lambda: told and told[-1])
        connection.core.DestroyWindow(window, is_checked=True).check()
        wait_until(lambda: told[-1] == ())
        _window(connection, number=window)
        wait_until(lambda: told[-1])
        connection.set_property(window, "_NET_WM_NAME", "UTF8_STRING", b"again")
        connection.flush()
        wait_until(lambda: told[-1] and told[-1][0].title == "again")
    finally:
        _list(connection, [])
        connection.close()
        watcher.stop()
        watcher.join(10)


def test_titles_of_any_bytes_are_text(server: tuple[str, Path, int]) -> None:
    """A program's title may be anything: it never ends the watching."""
    told: list[tuple[WindowInfo, ...]] = []
    watcher = WindowWatcher(*server, lambda windows, _: told.append(windows))
    watcher.start()
    connection = X11Connection(server[0], server[1])
    try:
        window = _window(connection)
        connection.set_property(window, "_NET_WM_NAME", "UTF8_STRING", b"\xff\xfe\0ok")
        connection.set_property(window, "WM_CLASS", "STRING", b"no end")
        _list(connection, [window, 0x7FFFFFFF])
        (info,) = wait_until(lambda: told and told[-1])
        assert "ok" in info.title
        assert info.wm_class == "no end"
        connection.set_property(window, "WM_CLASS", "STRING", b"")
        connection.set_property(window, "_NET_WM_NAME", "UTF8_STRING", b"x" * 100_000)
        connection.flush()
        wait_until(lambda: told[-1][0].title.startswith("xxx") and told[-1][0].wm_class == "")
    finally:
        _list(connection, [])
        connection.close()
        watcher.stop()
        watcher.join(10)


def _list(connection: X11Connection, windows: list[int]) -> None:
    """Set `_NET_CLIENT_LIST`, as a window manager does (EWMH)."""
    connection.core.ChangeProperty(
        xcffib.xproto.PropMode.Replace,
        connection.root,
        connection.atom("_NET_CLIENT_LIST"),
        xcffib.xproto.Atom.WINDOW,
        32,
        len(windows),
        struct.pack(f"={len(windows)}I", *windows),
    )
    connection.flush()


def test_a_window_id_that_is_used_again_is_another_programs(
    server: tuple[str, Path, int], connection: X11Connection
) -> None:
    """X gives the ids of an ended client to the next one: nothing old is believed of it."""
    responding = Responding(connection, server[2])
    window = _window(connection)
    ended = subprocess.Popen(["true"])
    ended.wait()
    responding.check({window: ended.pid})
    assert responding.of(window) is None

    def known() -> bool:
        responding.check({window: os.getpid()})
        return responding.of(window) is not None

    wait_until(known)
    connection.core.DestroyWindow(window, is_checked=True).check()
