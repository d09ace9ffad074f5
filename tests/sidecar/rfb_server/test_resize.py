"""SetDesktopSize end to end: the X screen follows, and each viewer is told why."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import xcffib.randr

from jupyter_xdisplay.rfb import (
    DEFAULT_ENCODINGS,
    ResizeReason,
    ResizeStatus,
    Screen,
    SetDesktopSize,
)
from jupyter_xdisplay.sidecar.rfb_server.resizes import Resizes
from jupyter_xdisplay.spec import Size
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import LARGEST, SIZE, Open, Sit
from tests.sidecar.rfb_server.viewing import QUALITY, SidecarViewer, screen_of, shows
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.drawing import Drawing, Rect, noise

NEW = Size(800, 555)


def told(viewer: SidecarViewer, after: int) -> tuple[int, int]:
    """Wait for the next word about the size; return its reason and its status."""
    viewer.until(lambda: len(viewer.sizes) > after, "nothing about the size", ask=True)
    return viewer.sizes[after].reason, viewer.sizes[after].status


def crtc_size(seat: Seat) -> Size:
    """Return the size that RANDR shows (RRGetCrtcInfo)."""
    randr = seat.x.extension(xcffib.randr.key)
    resources = randr.GetScreenResourcesCurrent(seat.x.root).reply()
    crtc = randr.GetCrtcInfo(resources.crtcs[0], resources.config_timestamp).reply()
    return Size(crtc.width, crtc.height)


def test_a_viewer_resizes_the_screen(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, seat: Seat
) -> None:
    """RANDR has the size; it is told "this client", the other viewer "another client"."""
    other = open_viewer(sidecar)
    other.until_ready()
    before = len(viewer.sizes), len(other.sizes)
    for one in (viewer, other):
        one.client.request_update()
        one.flush()
    assert viewer.client.set_desktop_size(*NEW)
    assert told(viewer, before[0]) == (ResizeReason.THIS_CLIENT, ResizeStatus.OK)
    assert told(other, before[1]) == (ResizeReason.OTHER_CLIENT, ResizeStatus.OK)
    assert crtc_size(seat) == sidecar.client.info().size == NEW
    for one in (viewer, other):
        assert one.sizes[-1].screens == (Screen(0, 0, 0, *NEW, 0),)
        one.until_shows(lambda _, one=one: shows(one, screen_of(sidecar.client)))


def test_a_size_that_no_viewer_asked_for(sidecar: SidecarProcess, viewer: SidecarViewer) -> None:
    """It is told as the server's own, also when it had been a viewer's wish before."""
    for size, act, reason in (
        (NEW, viewer.client.set_desktop_size, ResizeReason.THIS_CLIENT),
        (SIZE, lambda *new: sidecar.client.resize(Size(*new)), ResizeReason.SERVER),
        (NEW, lambda *new: sidecar.client.resize(Size(*new)), ResizeReason.SERVER),
    ):
        before = len(viewer.sizes)
        viewer.client.request_update()
        act(*size)
        assert told(viewer, before) == (reason, ResizeStatus.OK)
        assert viewer.framebuffer.shape[:2] == size[::-1]


@pytest.mark.parametrize(
    ("size", "screens", "status"),
    [
        ((LARGEST.width + 1, 600), [], ResizeStatus.OUT_OF_RESOURCES),
        ((60_000, 60_000), [], ResizeStatus.OUT_OF_RESOURCES),
        ((0, 0), [], ResizeStatus.INVALID_LAYOUT),
        ((16, 600), [], ResizeStatus.INVALID_LAYOUT),
        ((700, 500), [(1, 0, 0, 700, 501, 0)], ResizeStatus.INVALID_LAYOUT),
        ((700, 500), None, ResizeStatus.INVALID_LAYOUT),
        (SIZE, [], ResizeStatus.OK),
    ],
)
def test_impossible_sizes_are_refused(
    sidecar: SidecarProcess,
    viewer: SidecarViewer,
    size: tuple[int, int],
    screens: list[tuple[int, ...]] | None,
    status: ResizeStatus,
) -> None:
    """With the status of the protocol; what is there already is fine."""
    before = len(viewer.sizes)
    listed = [] if screens is None else screens or [(0, 0, 0, *size, 0)]
    message = struct.pack(">BxHHBx", 251, *size, len(listed))
    viewer.stream.sendall(message + b"".join(struct.pack(">IHHHHI", *s) for s in listed))
    assert told(viewer, before) == (ResizeReason.THIS_CLIENT, status)
    assert sidecar.client.info().size == SIZE
    assert viewer.framebuffer.shape[:2] == SIZE[::-1]


def test_a_view_only_viewer_may_not_resize(sidecar: SidecarProcess, open_viewer: Open) -> None:
    """It is told that this is prohibited."""
    looker = open_viewer(sidecar, view_only=True)
    looker.until_ready()
    before = len(looker.sizes)
    assert looker.client.set_desktop_size(*NEW)
    assert told(looker, before) == (ResizeReason.THIS_CLIENT, ResizeStatus.PROHIBITED)
    assert sidecar.client.info().size == SIZE


def test_of_many_wishes_the_last_one_holds(
    sidecar: SidecarProcess, viewer: SidecarViewer, seat: Seat
) -> None:
    """As when the edge of a view is dragged."""
    for step in range(40):
        viewer.client.set_desktop_size(SIZE.width + step, SIZE.height + step)
        viewer.flush()
    last = Size(SIZE.width + 39, SIZE.height + 39)
    viewer.until_shows(lambda pixels: pixels.shape[:2] == last[::-1])
    assert viewer.sizes[-1].reason == ResizeReason.THIS_CLIENT
    wait_until(lambda: crtc_size(seat) == last)


@pytest.fixture
def motion(sidecar: SidecarProcess, sit: Sit) -> Iterator[Callable[[], None]]:
    """Let a program draw all the time, over the whole screen; give what ends it."""
    seat = sit(sidecar.info)
    window = Drawing(seat.x, Rect(0, 0, *LARGEST))
    pictures = [noise(300, 200), noise(*LARGEST)[:, ::-1][:500, :700].copy()]
    over = threading.Event()

    def draw() -> None:
        number = 0
        while not over.is_set():
            number += 1
            window.put(pictures[number % 2])
            window.fill(Rect(number % 900, 100, 300, 300), number * 77 & 0xFFFFFF)

    thread = threading.Thread(target=draw)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()

    yield end
    end()
    window.close()


@pytest.mark.parametrize("way", ["viewer", "server"])
def test_resizes_during_motion(
    sidecar: SidecarProcess,
    viewer: SidecarViewer,
    open_viewer: Open,
    motion: Callable[[], None],
    way: str,
) -> None:
    """Every viewer has exactly the screen's pixels afterwards: exact, JPEG, ZRLE and Raw."""
    offers = (
        (*DEFAULT_ENCODINGS, QUALITY),
        (16, *DEFAULT_ENCODINGS),
        (0, *DEFAULT_ENCODINGS),
    )
    viewers = [viewer, *(open_viewer(sidecar, encodings=offer) for offer in offers)]
    for one in viewers:
        one.until_ready()
        one.client.enable_continuous_updates(area=None)
        one.flush()
    sizes = [NEW, Size(500, 700), LARGEST, Size(321, 123), Size(1000, 300), NEW]
    for size in sizes:
        if way == "viewer":
            viewer.client.set_desktop_size(*size)
        else:
            sidecar.client.resize(size)
        for one in viewers:
            one.until(lambda one=one, size=size: one.framebuffer.shape[:2] == size[::-1])
    motion()
    expected = screen_of(sidecar.client)
    for number, one in enumerate(viewers):
        one.until(lambda one=one: shows(one, expected), f"viewer {number} has other pixels")
    assert np.unique(expected.reshape(-1, 3), axis=0).shape[0] > 100


async def test_the_reason_is_known_while_it_is_done() -> None:
    """A thread may meet the new size before the resize returns."""
    now = [Size(100, 100)]
    one, other = object(), object()
    seen: list[ResizeReason] = []

    async def resize(size: Size) -> None:
        seen.extend(resizes.reason(viewer, size) for viewer in (one, other))
        now[0] = size

    resizes = Resizes(lambda: now[0], resize)
    screen = Screen(0, 0, 0, 200, 200, 0)
    assert await resizes.ask(one, SetDesktopSize(200, 200, (screen,))) is None
    assert seen == [ResizeReason.THIS_CLIENT, ResizeReason.OTHER_CLIENT]
    assert resizes.reason(other, Size(100, 100)) == ResizeReason.SERVER
    now[0] = Size(100, 100)  # by somebody else
    assert resizes.reason(one, Size(100, 100)) == ResizeReason.SERVER
    now[0] = Size(200, 200)
    assert resizes.reason(one, Size(200, 200)) == ResizeReason.SERVER
