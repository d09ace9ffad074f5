"""Views of single windows on a display whose screen x11vnc serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_xdisplay.x11.clients import Clients
from jupyter_xdisplay.x11.keysyms import keysym_of
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import Open, Sit
from tests.sidecar.rfb_server.viewing import SidecarViewer
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.xclient import running


@pytest.fixture(scope="module")
def beside() -> Iterator[SidecarProcess]:
    """Run a sidecar whose screen x11vnc serves."""
    process = SidecarProcess(stream="x11vnc")
    try:
        yield process.up()
    finally:
        process.end()


class Looker:
    """Sees how many connections the sidecar has, and which keysyms the keyboard has."""

    def __init__(self, sidecar: SidecarProcess, seat: Seat) -> None:
        self._pid = sidecar.process.pid
        self._x = seat.x
        self._clients = Clients(seat.x)

    def connections(self) -> int:
        """Return how often the sidecar is connected to the X server."""
        return list(self._clients.pids().values()).count(self._pid)

    def types(self, char: str) -> bool:
        """Tell whether a key of the keyboard types a character."""
        return keysym_of(char) in list(self._x.core.GetKeyboardMapping(8, 248).reply().keysyms)


def test_our_own_server_ends_with_its_last_viewer(
    beside: SidecarProcess, open_viewer: Open, sit: Sit
) -> None:
    """It gives the keyboard back, as x11vnc has a mapper of its own; the next view starts it."""
    looker = Looker(beside, sit(beside.info))
    with running(beside.info, "window", "--count", "2"):
        first, second = wait_until(
            lambda: (
                len(beside.client.info().windows) == 2
                and (info.id for info in beside.client.info().windows)
            )
        )
        before = looker.connections()

        def look(window: int) -> SidecarViewer:
            viewer = open_viewer(beside, window=window)
            viewer.until_ready()
            return viewer

        for char in "\u0436\u03b2":
            viewers = [look(first), look(second), look(first)]
            viewers[0].key(keysym_of(char), True)
            viewers[0].key(keysym_of(char), False)
            wait_until(lambda char=char: looker.types(char))
            for viewer in viewers[:2]:
                viewer.stream.close()
            wait_until(lambda: beside.client.info().viewers == 1)
            assert looker.types(char)
            viewers[2].stream.close()
            wait_until(lambda: looker.connections() == before, "it is connected still")
            assert not looker.types(char)


def test_the_vnc_port_and_views_share_it(
    beside: SidecarProcess, open_viewer: Open, sit: Sit
) -> None:
    """Neither ends it for the other."""
    pytest.importorskip("cryptography")
    looker = Looker(beside, sit(beside.info))
    with running(beside.info, "window"):
        (info,) = wait_until(lambda: beside.client.info().windows)
        before = looker.connections()
        for closes_port_first in (True, False):
            beside.client.open_vnc()
            viewer = open_viewer(beside, window=info.id)
            viewer.until_ready()
            if closes_port_first:
                beside.client.close_vnc()
            else:
                viewer.stream.close()
                wait_until(lambda: beside.client.info().viewers == 0)
            with_one = looker.connections()
            assert with_one > before
            viewer.stream.close()
            beside.client.close_vnc()
            wait_until(lambda: looker.connections() == before, "it is connected still")
