"""Displays as the product starts them, connections to them, and bare X servers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from jupyter_xdisplay.spec import DisplayInfo, Size
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.xserver import xauth, xvfb
from tests.sidecar.launch import SidecarProcess

T = TypeVar("T")

SIZE = Size(800, 600)
LARGEST = Size(1280, 800)


class Seat(NamedTuple):
    """A connection to a display, with its events."""

    info: DisplayInfo
    x: X11Connection
    events: Events

    def close(self) -> None:
        """Disconnect."""
        self.x.close()

    def after_events(self, what: Callable[[], T]) -> T:
        """Hand out the events that have arrived, and only then ask."""
        self.events.dispatch()
        return what()


@pytest.fixture(scope="package")
def display() -> Iterator[DisplayInfo]:
    """Give a display with its window manager that tests leave as they found it."""
    process = SidecarProcess(size=SIZE, max_size=LARGEST)
    try:
        yield process.up().info
    finally:
        process.end()


@pytest.fixture
def sit(display: DisplayInfo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Seat]]:
    """Give a function that connects to the display once more."""
    monkeypatch.setenv("XAUTHORITY", display.xauthority)
    with ExitStack() as stack:

        def connect() -> Seat:
            x = X11Connection(display.display, Path(display.xauthority))
            stack.callback(x.close)
            return Seat(display, x, Events(x))

        yield connect


@pytest.fixture
def seat(sit: Callable[[], Seat]) -> Seat:
    """Give a connection to the display."""
    return sit()


@contextmanager
def bare_server(
    directory: Path,
    *extra: str,
    depth: int = 24,
    screen: Size = Size(320, 200),  # noqa: B008
    before: tuple[str, ...] = (),
) -> Iterator[X11Connection]:
    """Run an Xvfb and give a connection to it; `before` is a program that runs the server."""
    auth = directory / "auth"
    auth.write_bytes(xauth.xauthority(xauth.new_cookie(), None))
    auth.chmod(0o600)
    read_fd, write_fd = os.pipe()
    argv = xvfb.xvfb_argv(
        "Xvfb",
        display_fd=write_fd,
        auth_file=auth,
        screen=screen,
        depth=depth,
        dpi=96,
        extra=extra,
    )
    with subprocess.Popen(
        [*before, *argv],
        env=xvfb.xvfb_environment(os.environ),
        pass_fds=[write_fd],
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            number = int(pipe.readline())
        auth.write_bytes(xauth.xauthority(auth.read_bytes()[-16:], number))
        x = X11Connection(f":{number}", auth)
        try:
            yield x
        finally:
            x.close()
            process.terminate()
