"""Viewers of a sidecar's own RFB server, as our client: what they see, type and copy."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import numpy as np
from PIL import Image

from jupyter_xdisplay.rfb import (
    ClientConnection,
    Connected,
    Encoding,
    Failed,
    FenceReceived,
    Pixels,
    Resized,
    ServerCutText,
    ServerMessage,
    Updated,
)
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.unix_http import request
from tests.rfb.viewer import DEADLINE_S, Viewer

QUALITY = Encoding.JPEG_QUALITY_LEVEL_0 + 6
UPGRADE = "GET /rfb{} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: rfb\r\n\r\n"


class SidecarViewer(Viewer):
    """A viewer of a display, its handshake over.

    Parameters
    ----------
    path
        The sidecar's socket.
    view_only
        Ask to look only.
    window
        Look at that window; 0: at the screen.
    options
        Those of `ClientConnection`.
    """

    def __init__(
        self, path: str, *, view_only: bool = False, window: int = 0, **options: Any
    ) -> None:
        self.client = ClientConnection(**options)
        self.events: list[ServerMessage] = []
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.settimeout(DEADLINE_S)
        self.stream.connect(path)
        query = f"?view_only={int(view_only)}&window={window}"
        self.stream.sendall(UPGRADE.format(query).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.stream.recv(1)
        assert b" 101 " in head, head
        self.until(lambda: self.seen(Connected) or self.seen(Failed))

    def until_ready(self) -> None:
        """Take a first picture: the server has told then what it can."""
        self.until_shows(lambda _: any(update.rectangles for update in self.seen(Updated)))

    def key(self, keysym: int, down: bool, scancode: int | None = None) -> float:
        """Press or release a key, as `Keyboard.key` does."""
        self.client.key(keysym, down=down, keycode=scancode)
        self.flush()
        return 0.0

    def point(self, x: int, y: int, buttons: int = 0) -> None:
        """Move the pointer and hold buttons."""
        self.client.pointer(x, y, buttons)
        self.flush()

    def copy(self, text: str) -> None:
        """Copy a text, and take the server's part in handing it over."""
        self.client.clipboard(text)
        self.meet()

    def meet(self) -> None:
        """Wait until the server has taken all that was sent, and its answers are here."""
        for number in (b"1", b"2"):  # an answer to the first may have led to another question
            count = len(self.seen(FenceReceived))
            assert self.client.fence(payload=number)
            self.until(lambda count=count: len(self.seen(FenceReceived)) > count, "no fence")

    @property
    def texts(self) -> list[str]:
        """What was copied in the display."""
        return [event.text for event in self.seen(ServerCutText)]

    @property
    def sizes(self) -> list[Resized]:
        """What was told about the size."""
        return self.seen(Resized)


def figures_of(client: SidecarClient) -> list[dict[str, Any]]:
    """Return what the sidecar tells of each viewer."""
    figures: list[dict[str, Any]] = json.loads(request(client.path, "GET", "/viewers"))
    return figures


def screen_of(client: SidecarClient) -> Pixels:
    """Return what is on a display's screen, blue, green and red."""
    picture = Image.open(io.BytesIO(client.screenshot())).convert("RGB")
    return np.asarray(picture)[..., ::-1]


def shows(viewer: Viewer, expected: Pixels) -> bool:
    """Tell whether a viewer has exactly these pixels."""
    seen = viewer.framebuffer[..., :3]
    return seen.shape == expected.shape and bool((seen == expected).all())


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is its own (proc(5), RssAnon)."""
    with open(f"/proc/{pid}/status") as file:  # noqa: PTH123
        line = next(line for line in file if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024
