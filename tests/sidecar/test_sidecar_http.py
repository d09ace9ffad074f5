"""What the sidecar answers on its socket."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import xcffib
import xcffib.randr
from PIL import Image

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.sidecar.client import watch
from jupyter_xdisplay.spec import DisplayInfo, Size
from jupyter_xdisplay.unix_http import UnixHTTPConnection, request
from jupyter_xdisplay.x11.connection import X11Connection
from tests.rfb_viewer import viewer_of
from tests.sidecar.launch import SidecarProcess
from tests.waiting import wait_until
from tests.xclient import running

COLOUR = (0x12, 0xB4, 0x56)


@pytest.fixture
def sidecar(shared: SidecarProcess) -> Iterator[SidecarProcess]:
    """Give the shared sidecar; its size is put back."""
    yield shared
    shared.client.resize(shared.config.size)


@contextlib.contextmanager
def _connection(sidecar: SidecarProcess) -> Iterator[http.client.HTTPConnection]:
    connection = UnixHTTPConnection(sidecar.info.socket, 10)
    try:
        yield connection
    finally:
        connection.close()


def _ask(
    sidecar: SidecarProcess, method: str, target: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    with _connection(sidecar) as connection:
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, json.loads(text) if is_json else {}


def _picture(sidecar: SidecarProcess) -> Image.Image:
    return Image.open(io.BytesIO(sidecar.client.screenshot()))


def _count(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    colours = picture.convert("RGB").getcolors(1 << 24) or []
    return {value: count for count, value in colours}.get(colour, 0)


def test_info_says_what_was_asked_and_what_was_chosen(either: SidecarProcess) -> None:
    """The display as it is, with the reason for each part."""
    info = either.client.info()
    assert (info.id, info.name, info.state) == (either.config.display_id, "main", "running")
    assert (info.size, info.max_size, info.depth) == (Size(640, 480), Size(1280, 800), 24)
    assert info.socket == str(either.directory / "sidecar.sock")
    assert {"xserver", "renderer", "window_manager", "stream"} <= set(info.chosen)
    assert info.windows == ()
    wait_until(lambda: either.client.info().clients == ())


def test_a_window_is_on_the_screen_and_in_the_list(shared: SidecarProcess) -> None:
    """A program's window is seen by its colour, its title (UTF-8), class, pid and size."""
    title = "h\u00e9llo \u20ac \u041c\u043e\u0441\u043a\u0432\u0430 \U0001f600"
    with running(shared.info, "window", "--title", title, "--colour", "12b456") as program:
        (window,) = wait_until(lambda: shared.client.info().windows)
        assert (window.title, window.wm_class, window.pid) == (title, "XClient", program.pid)
        assert (window.width, window.height) == (200, 100)
        assert window.responding is None
        wait_until(lambda: shared.client.info().clients == (program.pid,))
        picture = wait_until(lambda: _filled(shared))
        assert picture.getpixel((window.x, window.y)) == COLOUR
        assert picture.getpixel((window.x + 199, window.y + 99)) == COLOUR
    wait_until(lambda: not shared.client.info().windows)
    wait_until(lambda: _count(_picture(shared), COLOUR) == 0)


def _filled(sidecar: SidecarProcess) -> Image.Image | None:
    picture = _picture(sidecar).convert("RGB")
    return picture if _count(picture, COLOUR) == 200 * 100 else None


@pytest.mark.parametrize("size", ["1280x800", "641x479", "64x64", "800x600"])
def test_resize_changes_the_real_screen(sidecar: SidecarProcess, size: str) -> None:
    """The answer, the X server and the picture have the new size, also an odd one."""
    wanted = Size(*map(int, size.split("x")))
    assert sidecar.client.resize(wanted).size == wanted
    assert sidecar.client.info().size == wanted
    assert _picture(sidecar).size == wanted
    connection = X11Connection(sidecar.info.display, sidecar.directory / "Xauthority")
    try:
        geometry = connection.core.GetGeometry(connection.root).reply()
        assert (geometry.width, geometry.height) == wanted
    finally:
        connection.close()


def test_many_resizes_leave_no_list_of_modes(sidecar: SidecarProcess) -> None:
    """Dragging a size makes no endless list of RANDR modes."""
    connection = X11Connection(sidecar.info.display, sidecar.directory / "Xauthority")
    try:
        randr = connection.extension(xcffib.randr.key)
        before = len(randr.GetScreenResourcesCurrent(connection.root).reply().modes)
        for step in range(30):
            sidecar.client.resize(Size(500 + 3 * step, 400 + 2 * step))
        after = len(randr.GetScreenResourcesCurrent(connection.root).reply().modes)
    finally:
        connection.close()
    assert after <= before + 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"size": "0x0"}',
        b'{"size": "99999x99999"}',
        b'{"size": "1281x800"}',
        b'{"size": "abc"}',
        b'{"size": null}',
        b'{"size": 7}',
        b"{}",
        b"",
        b"[]",
        b'"1280x720"',
        b"{size}",
        b"\xff\xfe",
        b"[" * 10_000,
    ],
)
def test_a_bad_size_is_refused_and_nothing_changes(shared: SidecarProcess, body: bytes) -> None:
    """The answer is 400 with message and fix; the screen stays as it is."""
    status, answer = _ask(shared, "POST", "/resize", body)
    assert status == 400
    assert answer["error"] == "UsageError"
    assert answer["fix"]
    assert shared.client.info().size == Size(640, 480)


@pytest.mark.parametrize(
    "body", [b'{"keep": "all"}', b'{"keep": [null]}', b'{"keep": 7}', b'{"keep": ["1"]}', b"[1]"]
)
@pytest.mark.parametrize("action", ["clear", "park"])
def test_bad_lists_of_processes_are_refused(
    shared: SidecarProcess, action: str, body: bytes
) -> None:
    """`keep` is a list of whole numbers."""
    status, answer = _ask(shared, "POST", f"/{action}", body)
    assert (status, answer["error"]) == (400, "UsageError")
    assert shared.client.info().state == "running"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/../../etc/passwd", 404),
        ("POST", "/restart", 404),
        ("GET", "/resize", 405),
        ("POST", "/info", 405),
        ("DELETE", "/info", 405),
        ("GET", "/vnc", 405),
        ("POST", "/viewers", 405),
        ("POST", "/screenshot", 405),
    ],
)
def test_other_requests_are_refused(
    shared: SidecarProcess, method: str, target: str, status: int
) -> None:
    """Unknown paths and methods are HTTP errors."""
    assert _ask(shared, method, target)[0] == status


def test_a_body_that_is_too_large_is_refused(shared: SidecarProcess) -> None:
    """Every length that comes from outside has a maximum."""
    try:
        status, _ = _ask(shared, "POST", "/resize", b" " * (65 * 1024))
    except ConnectionError:  # hung up before all of it was sent
        status = 400
    assert status in {400, 413}
    assert shared.client.info().state == "running"


@pytest.mark.parametrize("noise", [b"\0" * 100, b"GET\r\n\r\n", b"x" * 70_000 + b"\r\n\r\n"])
def test_noise_on_the_socket_hurts_nobody(shared: SidecarProcess, noise: bytes) -> None:
    """What is no HTTP is dropped."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(10)
        stream.connect(shared.info.socket)
        stream.sendall(noise)
        stream.shutdown(socket.SHUT_WR)
        try:
            while stream.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert shared.client.info().state == "running"


def test_an_upgrade_gives_rfb(either: SidecarProcess) -> None:
    """After the 101 come RFB's own bytes: its version, the screen's size, pixels."""
    viewer = viewer_of(either.client)
    try:
        assert viewer.version == b"RFB 003.008\n"
        assert (viewer.width, viewer.height) == (640, 480)
        assert viewer.name == f"main {either.info.display}"
        viewer.prefer_raw()
        viewer.ask()
        assert viewer.update_bytes() >= 640 * 480 * 4
    finally:
        viewer.close()


def test_two_viewers_are_served_and_counted(either: SidecarProcess) -> None:
    """Views of one display don't push each other out; each that leaves is forgotten."""
    first, second = viewer_of(either.client), viewer_of(either.client)
    wait_until(lambda: either.client.info().viewers == 2)
    first.close()
    wait_until(lambda: either.client.info().viewers == 1)
    second.prefer_raw()
    second.ask()
    assert second.update_bytes() > 0
    second.close()
    wait_until(lambda: either.client.info().viewers == 0)


def test_the_figures_of_each_viewer(shared: SidecarProcess) -> None:
    """What each gets and how, typed; none while nobody looks."""
    assert shared.client.viewers() == []
    with contextlib.closing(viewer_of(shared.client)) as viewer:
        viewer.prefer_raw()
        viewer.ask()
        assert viewer.update_bytes() > 0
        (figures,) = shared.client.viewers()
        assert figures.bytes_per_s > 0
        assert figures.encoder == "Raw"
        assert "XDamage" in figures.capture
        assert figures.round_trip_s is None  # this viewer has no fences
        assert (figures.origin, figures.view_only) == ("notebook", False)
    wait_until(lambda: shared.client.viewers() == [])


@pytest.mark.parametrize("headers", [{}, {"Upgrade": "websocket", "Connection": "Upgrade"}])
def test_rfb_without_its_upgrade_is_426(either: SidecarProcess, headers: dict[str, str]) -> None:
    """The answer names what to upgrade to (RFC 9110, 15.5.22)."""
    with _connection(either) as connection:
        connection.request("GET", "/rfb", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 426
        assert answer.getheader("Upgrade") == "rfb"
        assert json.loads(answer.read())["error"] == "UsageError"


def test_clients_without_a_window_are_known_at_once(shared: SidecarProcess) -> None:
    """Their coming and going is no event, but ending the X server would end them too."""
    with running(shared.info, "quiet") as program:
        assert program.pid in shared.client.info().clients
    wait_until(lambda: program.pid not in shared.client.info().clients)


async def test_events_tell_the_state_at_once_and_each_change(shared: SidecarProcess) -> None:
    """The first comes without a change; a new window and its end come by themselves."""
    events = watch(shared.info.socket)
    first = await anext(events)
    assert (first.state, first.windows) == ("running", ())
    with running(shared.info, "window", "--title", "told"):
        info = await _until(events, lambda info: bool(info.windows))
        assert info.windows[0].title == "told"
    await _until(events, lambda info: not info.windows)
    await events.aclose()


async def _until(events: Any, what: Any) -> DisplayInfo:
    async for info in events:
        if what(info):
            return info
    raise AssertionError("the events ended")


def test_clear_closes_other_programs_windows(either: SidecarProcess) -> None:
    """Programs with windows are closed by the X server, but for those that are to stay."""
    with running(either.info, "window", "--count", "3") as goes:
        with running(either.info, "window") as stays, running(either.info, "quiet") as quiet:
            wait_until(lambda: len(either.client.info().windows) == 4)
            either.client.clear([stays.pid])
            wait_until(lambda: len(either.client.info().windows) == 1)
            left = tuple(sorted([stays.pid, quiet.pid]))
            wait_until(lambda: either.client.info().clients == left)
            assert either.client.info().windows[0].pid == stays.pid
        assert goes.pid not in either.client.info().clients
    pids = either.pids
    either.client.clear()
    viewer = viewer_of(either.client)  # the helpers were spared
    viewer.close()
    assert either.pids == pids


def test_park_keeps_the_x_server_for_who_is_connected(either: SidecarProcess) -> None:
    """Parked: other programs closed, no RFB, X alive; unparked: all is back."""
    with running(either.info, "window") as kernel, running(either.info, "window"):
        wait_until(lambda: len(either.client.info().windows) == 2)
        assert either.client.park([kernel.pid]).state == "parked"
        wait_until(lambda: [w.pid for w in either.client.info().windows] == [kernel.pid])
        assert kernel.poll() is None
        with pytest.raises(Exception, match="parked") as caught:
            either.client.open_rfb()
        assert type(caught.value).__name__ == "DisplayEnded"
        assert either.client.unpark().state == "running"
        viewer = viewer_of(either.client)
        viewer.close()
    wait_until(lambda: not either.client.info().windows)


def test_errors_are_raised_as_their_own_class(shared: SidecarProcess) -> None:
    """The blocking client raises what the sidecar met."""
    with pytest.raises(UsageError):
        request(shared.info.socket, "POST", "/resize", {"size": "abc"})


def test_openbox_takes_our_configuration_without_a_word(shared: SidecarProcess) -> None:
    """The window manager's log has no complaint."""
    log = (shared.directory / "openbox.log").read_text()
    assert not [line for line in log.splitlines() if "onfig" in line or "arse" in line], log
