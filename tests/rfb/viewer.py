"""Our client on a socket: blocking, for the tests."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from jupyter_xdisplay.rfb import ClientConnection, Connected, Failed, Pixels, ServerMessage, Updated

DEADLINE_S = 20.0
Event = TypeVar("Event")


class Viewer:
    """A viewer of a real server, its handshake over.

    Parameters
    ----------
    path
        The server's Unix socket.
    options
        Those of `ClientConnection`.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        self.client = ClientConnection(**options)
        self.events: list[ServerMessage] = []
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.settimeout(DEADLINE_S)
        self.stream.connect(str(path))
        self.until(lambda: self.seen(Connected) or self.seen(Failed))

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    @property
    def framebuffer(self) -> Pixels:
        """What the server shows."""
        return self.client.framebuffer

    def seen(self, kind: type[Event]) -> list[Event]:
        """Return the events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def encodings(self) -> set[int]:
        """Return the encodings of all rectangles so far."""
        return {code for update in self.seen(Updated) for code in update.encodings}

    def until(self, what: Callable[[], object], message: str = "", *, ask: bool = False) -> None:
        """Read until something is true; with `ask`, request the next update after each."""
        end = time.monotonic() + DEADLINE_S
        while not what():
            self.flush()
            assert time.monotonic() < end, message
            try:
                self.stream.settimeout(0.1)
                data = self.stream.recv(1 << 18)
            except TimeoutError:
                continue
            if data:
                self.client.receive_data(data)
            else:
                self.client.receive_eof()
            new = self.client.events()
            self.events += new
            assert data or what(), f"the server went away: {self.client.error} {message}"
            if ask and any(isinstance(event, Updated) for event in new):
                self.client.request_update()
        self.flush()

    def flush(self) -> None:
        """Send what is to be sent."""
        self.stream.settimeout(DEADLINE_S)
        with suppress(BrokenPipeError):  # the next read says why
            self.stream.sendall(self.client.data_to_send())

    def until_shows(self, expected: Callable[[Pixels], bool], message: str = "") -> None:
        """Ask for everything, then for changes, until the framebuffer is as expected."""
        self.client.request_update(incremental=False)
        self.until(lambda: expected(self.framebuffer), message, ask=True)
