"""Viewers of a VNC port: our own client over TCP, and what ports are open."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_xdisplay.rfb import ClientConnection, Connected, Failed, ServerMessage, Updated
from jupyter_xdisplay.spec import VncPort
from tests.rfb.viewer import DEADLINE_S, Viewer
from tests.traces import processes_of

LISTENING = "0A"
"""State of a listening socket in /proc/net/tcp (proc_net(5))."""


class PortViewer(Viewer):
    """A viewer of a VNC port; its handshake is over, whether it was let in or not.

    Parameters
    ----------
    port
        The port.
    options
        Those of `ClientConnection`.
    """

    def __init__(self, port: VncPort, **options: Any) -> None:
        self.client = ClientConnection(**options)
        self.events: list[ServerMessage] = []
        self.stream = socket.create_connection((port.address, port.port), DEADLINE_S)
        self.until(lambda: self.seen(Connected) or self.seen(Failed))

    def until_ready(self) -> None:
        """Wait for a first picture."""
        self.until_shows(lambda _: any(update.rectangles for update in self.seen(Updated)))

    @property
    def refusal(self) -> str | None:
        """Why it was not let in; None when it was."""
        return self.client.error

    def is_disconnected(self) -> bool:
        """Read what is there; tell whether the server has hung up."""
        self.stream.settimeout(0.1)
        try:
            data = self.stream.recv(1 << 18)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        self.client.receive_data(data)
        self.events += self.client.events()
        return not data


def sockets_of(directory: Path, *pids: int) -> set[str]:
    """Return the sockets of a display's processes, as /proc/PID/fd names them."""
    found = set()
    for pid in {*processes_of(directory), *pids}:
        with suppress(OSError):  # it ended meanwhile
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):  # it was closed meanwhile
                    found.add(link.readlink().name)
    return {name for name in found if name.startswith("socket:")}


def ports_of(directory: Path, *pids: int) -> set[tuple[str, int]]:
    """Return address and port of each listening TCP socket of a display's processes."""
    inodes = sockets_of(directory, *pids)
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            row = line.split()
            if row[3] == LISTENING and f"socket:[{row[9]}]" in inodes:
                address, _, port = row[1].partition(":")
                found.add((address, int(port, 16)))
    return found


def is_taken(port: int) -> bool:
    """Tell whether anybody listens on a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
