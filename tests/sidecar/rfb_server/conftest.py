"""Displays with our own RFB server, viewers of them, and X clients that look on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.spec import DisplayInfo, Size
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.viewing import SidecarViewer
from tests.waiting import wait_until
from tests.x11.conftest import Seat

SIZE = Size(640, 480)
LARGEST = Size(1280, 800)

Open = Callable[..., SidecarViewer]
Sit = Callable[[DisplayInfo], Seat]


@pytest.fixture(scope="package")
def running_sidecar() -> Iterator[SidecarProcess]:
    """Run a sidecar for all tests that leave it as they found it."""
    process = SidecarProcess(size=SIZE, max_size=LARGEST, stream="builtin")
    try:
        yield process.up()
    finally:
        process.end()


@pytest.fixture
def open_viewer() -> Iterator[Open]:
    """Give a function that connects a viewer to a sidecar; they are closed after the test."""
    with ExitStack() as stack:

        def connect(sidecar: SidecarProcess, **options: Any) -> SidecarViewer:
            return stack.enter_context(SidecarViewer(sidecar.info.socket, **options))

        yield connect


@pytest.fixture
def sidecar(running_sidecar: SidecarProcess, open_viewer: Open) -> Iterator[SidecarProcess]:
    """Give the running sidecar; its size is put back, and no viewer may stay."""
    yield running_sidecar
    running_sidecar.client.resize(SIZE)


@pytest.fixture
def viewer(sidecar: SidecarProcess, open_viewer: Open) -> SidecarViewer:
    """Give a viewer that has a first picture."""
    viewer = open_viewer(sidecar)
    viewer.until_ready()
    return viewer


@pytest.fixture
def sit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sit]:
    """Give a function that connects to a display as an X client."""
    with ExitStack() as stack:

        def connect(info: DisplayInfo) -> Seat:
            monkeypatch.setenv("XAUTHORITY", info.xauthority)
            x = X11Connection(info.display, Path(info.xauthority))
            stack.callback(x.close)
            return Seat(info, x, Events(x))

        yield connect


@pytest.fixture
def seat(sidecar: SidecarProcess, sit: Sit) -> Seat:
    """Give an X connection to the display."""
    return sit(sidecar.info)


def no_viewers(sidecar: SidecarProcess) -> None:
    """Wait until the sidecar has seen that all viewers went."""
    wait_until(lambda: sidecar.client.info().viewers == 0, "a viewer stays")
