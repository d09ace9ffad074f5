"""Several viewers, stuck ones, old ones; grabs of the server; the end of all of them."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jupyter_xdisplay.rfb import (
    DEFAULT_ENCODINGS,
    Encoding,
    Updated,
)
from jupyter_xdisplay.sidecar.rfb_server.outgoing import MOST_ANSWER_BYTES
from jupyter_xdisplay.sidecar.rfb_server.pacing import LEAST_WINDOW, MOST_WINDOW
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.clients import Clients
from jupyter_xdisplay.x11.keysyms import keysym_of
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import LARGEST, SIZE, Open, Sit
from tests.sidecar.rfb_server.viewing import (
    QUALITY,
    SidecarViewer,
    figures_of,
    resident_bytes,
    screen_of,
    shows,
)
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.drawing import Drawing, Rect, noise
from tests.x11.typing_into import type_keysyms
from tests.xclient import running

CHANGES = 60
FRAME_BYTES = SIZE.width * SIZE.height * 4
RAW = (Encoding.RAW, *DEFAULT_ENCODINGS)
WITHOUT_FENCES = tuple(
    code for code in RAW if code not in {Encoding.FENCE, Encoding.CONTINUOUS_UPDATES}
)
REQUEST = struct.pack(">BBHHHH", 3, 0, 0, 0, *SIZE)
FENCE = struct.pack(">B3xIB", 248, 0, 4)


class Picture:
    """A window over the whole screen, another picture at each change.

    Parameters
    ----------
    seat
        Its connection.
    """

    def __init__(self, seat: Seat) -> None:
        self.window = Drawing(seat.x, Rect(0, 0, *SIZE))
        self._noise = noise(*SIZE)
        self.number = 0

    def change(self) -> int:
        """Show another one; return its number, which `number_of` finds in a framebuffer."""
        self.number += 1
        pixels = np.roll(self._noise, self.number * 7, axis=1)
        pixels[:8, :8, :3] = self.number
        self.window.put(pixels)
        return self.number


def number_of(viewer: SidecarViewer) -> int:
    """Return the number of the picture that a viewer shows."""
    return int(viewer.framebuffer[4, 4, 0])


@pytest.fixture
def picture(seat: Seat) -> Picture:
    """Give a picture that changes when it is told to."""
    return Picture(seat)


def send(viewer: SidecarViewer, data: bytes, times: int) -> None:
    """Send the same bytes several times."""
    for _ in range(times):
        viewer.stream.sendall(data)


def pictures(viewer: SidecarViewer) -> int:
    """Return how many updates with pixels a viewer got."""
    return len([update for update in viewer.seen(Updated) if update.rectangles])


def continuously(viewer: SidecarViewer) -> None:
    """Let a viewer have what changes without asking (ContinuousUpdates)."""
    viewer.until_ready()
    viewer.client.enable_continuous_updates()
    viewer.flush()


def until_shows_number(viewer: SidecarViewer, number: int) -> None:
    """Wait for a picture."""
    viewer.until(lambda: number_of(viewer) == number, f"no picture {number}", ask=True)


@pytest.mark.parametrize("encodings", [RAW, WITHOUT_FENCES], ids=["fences", "no fences"])
def test_a_stuck_viewer_holds_up_nobody_and_costs_little(
    sidecar: SidecarProcess, open_viewer: Open, picture: Picture, encodings: tuple[int, ...]
) -> None:
    """The other one sees every change; what is kept for the stuck one is a few frames.

    When it reads again it has the newest picture, after what was on the way.
    """
    stuck, other = open_viewer(sidecar, encodings=encodings), open_viewer(sidecar, encodings=RAW)
    for one in (stuck, other):
        one.until_ready()
        if encodings == RAW:
            continuously(one)
        else:
            one.client.request_update()
            one.flush()
    until_shows_number(other, picture.change())
    before = resident_bytes(sidecar.process.pid)
    for _ in range(CHANGES):
        until_shows_number(other, picture.change())
        if encodings != RAW:
            stuck.stream.sendall(REQUEST)  # it asks, but does not read
    assert resident_bytes(sidecar.process.pid) - before < 6 * FRAME_BYTES
    seen = pictures(stuck)
    until_shows_number(stuck, picture.number)
    assert pictures(stuck) - seen <= 4


def test_who_confirms_without_reading_gains_nothing(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, picture: Picture
) -> None:
    """Fences of its own invention, and requests for all: memory is bounded all the same."""
    liar = open_viewer(sidecar, encodings=RAW)
    continuously(liar)
    until_shows_number(viewer, picture.change())
    before = resident_bytes(sidecar.process.pid)
    for _ in range(CHANGES):
        fences = [FENCE + struct.pack(">I", number) for number in range(3 * CHANGES)]
        liar.stream.sendall(REQUEST.join(fences))
        until_shows_number(viewer, picture.change())
    assert resident_bytes(sidecar.process.pid) - before < 6 * FRAME_BYTES


def test_who_asks_for_answers_without_reading_is_not_listened_to(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open
) -> None:
    """Its questions wait in its own socket; the others are served."""
    greedy = open_viewer(sidecar)
    greedy.until_ready()
    question = struct.pack(">B3xIB", 248, 1 << 31 | 1, 64) + bytes(64)
    before = resident_bytes(sidecar.process.pid)
    greedy.stream.settimeout(4.0)
    with pytest.raises(TimeoutError):
        send(greedy, question * 4000, times=120)
    viewer.meet()
    assert resident_bytes(sidecar.process.pid) - before < 3 * MOST_ANSWER_BYTES


def test_an_old_viewer_is_paced_by_its_requests(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, picture: Picture
) -> None:
    """Without fences: one update for each request, with what is newest, and none without."""
    old = open_viewer(sidecar, encodings=WITHOUT_FENCES)
    old.client.request_update(incremental=False)
    old.until(lambda: pictures(old) == 1)
    for count in range(2, 12):
        until_shows_number(viewer, picture.change())
        old.client.request_update()
        old.until(lambda count=count: pictures(old) == count)
        assert number_of(old) == picture.number
    for _ in range(10):
        until_shows_number(viewer, picture.change())
    old.stream.setblocking(False)
    with pytest.raises(BlockingIOError):
        old.stream.recv(1)


def test_a_refresh_holds_up_no_change(
    sidecar: SidecarProcess, open_viewer: Open, seat: Seat
) -> None:
    """What rests is sent exactly in slices; a change goes before those that are left."""
    sidecar.client.resize(LARGEST)
    viewer = open_viewer(sidecar, encodings=(Encoding.TIGHT, QUALITY, *WITHOUT_FENCES))
    window = Drawing(seat.x, Rect(0, 0, *LARGEST))
    window.put(noise(*LARGEST))

    def take_one() -> None:
        count = pictures(viewer)
        viewer.client.request_update()
        viewer.until(lambda: pictures(viewer) > count)

    viewer.until_ready()
    viewer.until_shows(lambda pixels: int(pixels[..., :3].max(initial=0)) > 200)
    while figures_of(sidecar.client)[0]["encoder"] != "Tight lossless":
        take_one()  # until the first slice: nothing else changes any more
    corner = Rect(LARGEST.width - 8, LARGEST.height - 8, 8, 8)
    window.fill(corner, 0x123456)
    window.sync()
    updates = 0
    while tuple(viewer.framebuffer[-1, -1, :3]) != (0x56, 0x34, 0x12):
        take_one()
        updates += 1
    assert updates <= 2  # of which one may have been made before
    slices = pictures(viewer)
    viewer.until_shows(lambda _: shows(viewer, screen_of(sidecar.client)))
    assert pictures(viewer) - slices > 2
    window.close()


def test_figures_of_viewers(sidecar: SidecarProcess, open_viewer: Open, picture: Picture) -> None:
    """What is used and why, in snake case with units."""
    viewer = open_viewer(sidecar, view_only=True)
    continuously(viewer)
    for _ in range(5):
        until_shows_number(viewer, picture.change())
    viewer.meet()
    (figures,) = figures_of(sidecar.client)
    assert set(figures) >= {
        *("frames_per_s", "bytes_per_s", "round_trip_s", "window_bytes", "encoder", "capture"),
        *("pixel_format", "view_only", "connected_s"),
    }
    assert figures["capture"] == "XDamage + MIT-SHM"
    assert figures["encoder"] == "Tight lossless"
    assert figures["view_only"] is True
    assert figures["pixel_format"] is None
    assert 0 < figures["round_trip_s"] < 20
    assert LEAST_WINDOW <= figures["window_bytes"] <= MOST_WINDOW
    assert figures["frames_per_s"] > 0
    assert figures["bytes_per_s"] > 0
    wait_until(lambda: figures_of(sidecar.client)[0]["connected_s"] > figures["connected_s"])


def test_figures_without_mit_shm(start: Callable[..., SidecarProcess], open_viewer: Open) -> None:
    """The slower way of capturing is said, with its reason."""
    sidecar = start(stream="builtin", xvfb_args=("-extension", "MIT-SHM")).up()
    viewer = open_viewer(sidecar)
    viewer.until_ready()
    (figures,) = figures_of(sidecar.client)
    assert figures["capture"] == "XDamage + GetImage: this X server has no MIT-SHM"


def test_a_grab_of_the_server(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, seat: Seat
) -> None:
    """The sidecar answers, viewers stay and come, and all live on afterwards."""
    with running(sidecar.info, "grab"):
        assert sidecar.client.info().state == "running"
        viewer.meet()
        late = open_viewer(sidecar)
        assert late.client.state == "running"
        viewer.client.clipboard("during the grab")
        viewer.meet()
        assert viewer.client.set_desktop_size(700, 500)
        viewer.meet()
    picture = Picture(seat)
    for one in (viewer, late):
        one.until_shows(lambda pixels: pixels.shape[:2] == (500, 700))
    number = picture.change()
    for one in (viewer, late):
        until_shows_number(one, number)
    viewer.stream.close()
    late.stream.close()


def test_who_grabs_the_server_is_seen(viewer: SidecarViewer, seat: Seat, picture: Picture) -> None:
    """What it draws meanwhile comes to viewers."""
    until_shows_number(viewer, picture.change())
    seat.x.core.GrabServer()
    for _ in range(5):
        until_shows_number(viewer, picture.change())
    seat.x.core.UngrabServer()
    seat.x.flush()


def test_a_viewer_that_came_between_two_sizes(sidecar: SidecarProcess, open_viewer: Open) -> None:
    """Whatever size it was told first, it knows the one that is."""
    for number in range(40):
        size = Size(500 + number % 3 * 100, 400)
        thread = threading.Thread(target=sidecar.client.resize, args=(size,))
        thread.start()
        viewer = open_viewer(sidecar)
        thread.join()
        viewer.until_ready()
        viewer.until_shows(lambda _, one=viewer: shows(one, screen_of(sidecar.client)))
        viewer.stream.close()


def threads_of(sidecar: SidecarProcess) -> int:
    """Return the threads of a sidecar (proc(5), task)."""
    return len(list(Path(f"/proc/{sidecar.process.pid}/task").iterdir()))


def test_nothing_is_left_of_a_stream_that_ended(
    start: Callable[..., SidecarProcess], open_viewer: Open, sit: Sit
) -> None:
    """No thread and no X client, after viewers that typed, copied, resized and were stuck."""
    sidecar = start(stream="builtin", size=SIZE).up()
    seat = sit(sidecar.info)
    clients = Clients(seat.x)
    keep = [*sidecar.client.info().clients]
    sidecar.client.park(keep)
    before = threads_of(sidecar), len(clients.pids())
    for _ in range(3):
        sidecar.client.unpark()
        viewers = [open_viewer(sidecar) for _ in range(4)]
        for viewer in viewers:
            viewer.until_ready()
        viewers[0].copy("text")
        type_keysyms(viewers[1], map(keysym_of, "жλ"))
        viewers[2].client.set_desktop_size(700, 500)
        viewers[2].meet()
        assert threads_of(sidecar) >= before[0] + 6
        sidecar.client.park(keep)
        assert (threads_of(sidecar), len(clients.pids())) == before
