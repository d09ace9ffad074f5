"""Grabs are exact, whatever the path, and leave nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.sidecar.sysv import segments_of
from jupyter_xdisplay.spec import DisplayInfo, Size
from jupyter_xdisplay.x11.capture import Capture, DrawableChangedError
from jupyter_xdisplay.x11.geometry import Rect, bounding_box
from jupyter_xdisplay.x11.pixels import ImageLayout, masks_of
from jupyter_xdisplay.x11.screen import Screen
from jupyter_xdisplay.x11.shm import SharedMemory
from tests.waiting import wait_until
from tests.x11.conftest import LARGEST, SIZE, Seat, bare_server
from tests.x11.drawing import Drawing, noise
from tests.xclient import REPOSITORY, environment

HOLDER = """
import pathlib, sys
from jupyter_xdisplay.x11.capture import Capture
from jupyter_xdisplay.x11.connection import X11Connection
capture = Capture(X11Connection(sys.argv[1], pathlib.Path(sys.argv[2])))
capture.grab_all()
print(capture.path, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("shared_memory", [True, False])
def test_pixels_are_exact(sit: Callable[[], Seat], shared_memory: bool) -> None:
    """The whole screen and any part of it show what a client has put there."""
    capture = Capture(sit().x, shared_memory=shared_memory)
    assert capture.path == ("MIT-SHM" if shared_memory else "GetImage")
    assert (capture.why is None) == shared_memory
    place = Rect(50, 40, 201, 103)
    drawing = Drawing(sit().x, place)
    picture = noise(place.width, place.height)
    drawing.put(picture)
    shown = capture.grab(*place)
    assert shown.shape == (103, 201, 4)
    assert shown.flags.c_contiguous
    assert np.array_equal(shown[..., :3], picture[..., :3])
    part = capture.grab(50 + 7, 40 + 5, 33, 21)
    assert np.array_equal(part[..., :3], picture[5:26, 7:40, :3])
    whole = capture.grab_all()
    assert whole.shape == (SIZE.height, SIZE.width, 4)
    assert np.array_equal(whole[40:143, 50:251, :3], picture[..., :3])
    drawing.close()
    capture.close()
    capture.close()


def test_a_resized_screen_is_grabbed_whole(sit: Callable[[], Seat]) -> None:
    """After RANDR the picture has the new size, larger than the segment was, and then smaller."""
    seat = sit()
    capture = Capture(seat.x)
    screen = Screen(sit().x, 96)
    try:
        screen.resize(LARGEST)
        with pytest.raises(DrawableChangedError):
            capture.grab(0, 0, LARGEST.width + 1, LARGEST.height)
        assert capture.size == LARGEST
        assert capture.grab_all().shape == (LARGEST.height, LARGEST.width, 4)
        assert capture.path == "MIT-SHM"
        screen.resize(Size(400, 300))
        with pytest.raises(DrawableChangedError):
            capture.grab(0, 0, *LARGEST)
        assert capture.grab_all().shape == (300, 400, 4)
    finally:
        screen.resize(SIZE)
        capture.close()


def test_a_picture_outlives_its_segment(sit: Callable[[], Seat]) -> None:
    """Memory is never taken away under an array that somebody still reads."""
    capture = Capture(sit().x)
    picture = capture.grab_all()
    before = picture.copy()
    capture.close()
    assert np.array_equal(picture, before)


def test_a_window_that_is_gone_says_so(sit: Callable[[], Seat]) -> None:
    """Windows can be captured too; one that ends is not an X error."""
    drawing = Drawing(sit().x, Rect(10, 10, 60, 50))
    drawing.put(noise(60, 50))
    capture = Capture(sit().x, drawing.window)
    assert capture.size == Size(60, 50)
    assert np.array_equal(capture.grab_all()[..., :3], noise(60, 50)[..., :3])
    drawing.close()
    with pytest.raises(DrawableChangedError):
        capture.grab(0, 0, 10, 10)
    with pytest.raises(DrawableChangedError):
        Capture(sit().x, drawing.window)


def test_a_server_without_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain GetImage takes its place, and it says why."""
    monkeypatch.setenv("XAUTHORITY", "")
    with bare_server(tmp_path, "-extension", "MIT-SHM") as x:
        capture = Capture(x)
        assert capture.path == "GetImage"
        assert capture.why == "this X server has no MIT-SHM"
        assert capture.grab_all().shape == (200, 320, 4)
        capture.close()


def test_a_server_in_another_ipc_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory is not ours: it is refused, or found out by a pixel; GetImage takes its place."""
    monkeypatch.setenv("XAUTHORITY", "")
    if subprocess.run(["unshare", "--ipc", "true"], check=False, capture_output=True).returncode:
        pytest.skip("may not make namespaces")
    with bare_server(tmp_path, before=("unshare", "--ipc")) as x:
        capture = Capture(x)
        assert capture.path == "GetImage"
        assert "MIT-SHM" in str(capture.why) or "namespace" in str(capture.why)
        assert capture.grab_all().shape == (200, 320, 4)


@pytest.mark.parametrize("shared_memory", [True, False])
def test_sixteen_bits_are_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_memory: bool
) -> None:
    """A screen of depth 16 gives 8 bits for each colour, white being 255, also in odd widths."""
    monkeypatch.setenv("XAUTHORITY", "")
    with bare_server(tmp_path, depth=16) as x:
        drawing = Drawing(x, Rect(0, 0, 30, 30))
        for at, colour in enumerate((0xFFFF, 0xF800, 0x07E0, 0x001F)):
            drawing.fill(Rect(at, 0, 1, 30), colour)
        capture = Capture(x, shared_memory=shared_memory)
        assert (capture.path == "MIT-SHM") == shared_memory
        row = capture.grab(0, 0, 5, 2)[1, :4, :3].tolist()
        assert row == [[255, 255, 255], [0, 0, 255], [0, 255, 0], [255, 0, 0]]


def test_colour_maps_are_refused(seat: Seat) -> None:
    """Pixels that are numbers of colours are not read as colours."""
    setup = seat.x.raw.get_setup()
    assert masks_of(setup, seat.x.screen.root_visual) == (0xFF0000, 0xFF00, 0xFF)
    with pytest.raises(UsageError, match="8 bits"):
        ImageLayout(setup, 8, (0, 0, 0))


def test_no_segment_is_ever_left(display: DisplayInfo, root: Path) -> None:
    """Not while it is used, not after kill -9: it is marked for removal as soon as it is there."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, display.display, display.xauthority],
        cwd=REPOSITORY,
        env=environment(display),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"MIT-SHM\n"
        held = segments_of(process.pid)
        assert held, "it uses one"
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not segments_of(process.pid), "a segment was left")


def test_closing_gives_memory_back() -> None:
    """Segments go with the last array that uses them."""
    import os

    before = set(segments_of(os.getpid()))
    memory = SharedMemory(1 << 16)
    view = memory.view[10:20]
    view[:] = 7
    assert len(set(segments_of(os.getpid())) - before) == 1
    memory.close()
    assert view.tolist() == [7] * 10
    del view
    assert set(segments_of(os.getpid())) == before
    with pytest.raises(OSError, match="shmget"):
        SharedMemory(1 << 62)


def test_rectangles() -> None:
    """They are clipped to a size, and joined."""
    assert Rect(-5, 10, 20, 20).clip(Size(100, 15)) == Rect(0, 10, 15, 5)
    assert Rect(200, 0, 5, 5).clip(Size(100, 100)).width == 0
    assert bounding_box([Rect(1, 2, 3, 4), Rect(10, 0, 1, 1)]) == Rect(1, 0, 10, 6)


@pytest.mark.parametrize("size", [Size(1280, 720), Size(1920, 1080)], ids=str)
def test_how_long_a_grab_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Size) -> None:
    """Prints the median of whole-screen grabs; nothing of it is asserted."""
    monkeypatch.setenv("XAUTHORITY", "")
    with bare_server(tmp_path, screen=size) as x:
        for shared_memory in (True, False):
            capture = Capture(x, shared_memory=shared_memory)
            print(f"{size} {capture.path}: {_median_ms(capture):.2f} ms")


def _median_ms(capture: Capture) -> float:
    times = []
    for _ in range(51):
        start = time.perf_counter()
        capture.grab_all()
        times.append(time.perf_counter() - start)
    return sorted(times)[25] * 1000
