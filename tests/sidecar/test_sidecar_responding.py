"""Whether the programs of windows answer, and what a viewer sees of the screen's size."""

from __future__ import annotations

import io
import os
import signal
import struct
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from jupyter_xdisplay.spec import Size, WindowInfo
from tests.rfb_viewer import Viewer, viewer_of
from tests.sidecar.launch import SidecarProcess
from tests.waiting import wait_until
from tests.xclient import running, tk_window

NEW_FB_SIZE = -223


@pytest.fixture
def viewer(shared: SidecarProcess) -> Iterator[Viewer]:
    """Give a viewer: programs are asked only while somebody looks."""
    viewer = viewer_of(shared.client)
    yield viewer
    viewer.close()
    wait_until(lambda: shared.client.info().viewers == 0)


def _window(sidecar: SidecarProcess, title: str) -> WindowInfo | None:
    return next((w for w in sidecar.client.info().windows if w.title == title), None)


def _responding(sidecar: SidecarProcess, title: str) -> bool | None:
    window = _window(sidecar, title)
    return window.responding if window is not None else None


def test_a_program_that_reads_but_answers_no_ping_is_shown_as_busy(
    shared: SidecarProcess, viewer: Viewer
) -> None:
    """As Qt does, whose thread reads events while its loop is busy."""
    with running(shared.info, "window", "--ping", "--title", "ping") as program:
        assert program.stdin is not None
        wait_until(lambda: _responding(shared, "ping") is True)
        for answering in (False, True):
            program.stdin.write(b"\n")
            program.stdin.flush()
            wait_until(lambda: _responding(shared, "ping") is answering)  # noqa: B023


def test_a_stopped_program_is_shown_as_busy_and_as_back(
    shared: SidecarProcess, viewer: Viewer
) -> None:
    """A Tk program (it takes no part in `_NET_WM_PING`) reads nothing while it is stopped."""
    with tk_window(shared.info, "stopped") as program:
        wait_until(lambda: _responding(shared, "stopped") is True)
        os.kill(program.pid, signal.SIGSTOP)
        wait_until(lambda: _responding(shared, "stopped") is False)
        os.kill(program.pid, signal.SIGCONT)
        wait_until(lambda: _responding(shared, "stopped") is True)


def test_a_busy_program_is_shown_as_busy_and_others_are_not(
    shared: SidecarProcess, viewer: Viewer
) -> None:
    """A Tk program whose loop does something else, beside one that answers."""
    with tk_window(shared.info, "busy", "busy") as busy, tk_window(shared.info, "idle"):
        wait_until(lambda: _responding(shared, "busy") is False)
        wait_until(lambda: _responding(shared, "idle") is True)
        assert _responding(shared, "busy") is False
        assert busy.stdin is not None
        busy.stdin.write(b"\n")
        busy.stdin.flush()
        wait_until(lambda: _responding(shared, "busy") is True)


def test_nobody_is_asked_while_nobody_looks(shared: SidecarProcess) -> None:
    """Without a viewer it is not known whether a program answers."""
    with tk_window(shared.info, "alone") as program:
        wait_until(lambda: _window(shared, "alone"))
        os.kill(program.pid, signal.SIGSTOP)
        assert _responding(shared, "alone") is None


def test_a_viewer_is_told_the_new_size(either: SidecarProcess) -> None:
    """Another size is announced to a viewer that is there (pseudo-encoding -223)."""
    viewer = viewer_of(either.client)
    viewer.stream.sendall(struct.pack(">BxHii", 2, 2, 0, NEW_FB_SIZE))
    viewer.ask()
    try:
        either.client.resize(Size(700, 500))
        assert _next_size(viewer) == (700, 500)
    finally:
        either.client.resize(either.config.size)
        viewer.close()


def _next_size(viewer: Viewer) -> tuple[int, int]:
    while True:
        kind = viewer.read(1)[0]
        if kind == 2:
            continue
        assert kind == 0, kind
        _, rectangles = struct.unpack(">BH", viewer.read(3))
        for _ in range(rectangles):
            _, _, width, height, encoding = struct.unpack(">HHHHi", viewer.read(12))
            if encoding == NEW_FB_SIZE:
                return width, height
            viewer.read(width * height * 4)
        viewer.ask(incremental=True)


def test_a_screen_of_16_bits_has_a_picture(start: Callable[..., SidecarProcess]) -> None:
    """RGB565 pixels come out as the colours that they are, also at an odd width."""
    sidecar = start(depth=16, size=Size(333, 200)).up()
    with running(sidecar.info, "window", "--colour", "f800"):
        wait_until(lambda: sidecar.client.info().windows)
        window = sidecar.client.info().windows[0]

        def red() -> bool:
            picture = Image.open(io.BytesIO(sidecar.client.screenshot())).convert("RGB")
            assert picture.size == (333, 200)
            r, g, b = picture.getpixel((window.x + 100, window.y + 50))  # type: ignore[misc]
            return bool(r > 240 and g < 15 and b < 15)

        wait_until(red)
