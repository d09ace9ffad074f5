"""A small RFB 3.8 viewer (RFC 6143): enough to see that pixels come and input is taken."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from jupyter_xdisplay.sidecar.client import SidecarClient
from tests.waiting import wait_until

RAW = 0


def viewer_of(client: SidecarClient) -> Viewer:
    """Return a viewer of a display; it connects again, as views do.

    x11vnc ends when the screen changes its size while it starts; it is started again then.
    """
    return wait_until(lambda: _try(client))


def _try(client: SidecarClient) -> Viewer | None:
    stream = client.open_rfb()
    try:
        return Viewer(stream)
    except (EOFError, ConnectionError):
        stream.close()
        return None


class Viewer:
    """A viewer on a connected socket. Blocking.

    Parameters
    ----------
    stream
        Carries RFB both ways.
    """

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        stream.settimeout(20)
        self.version = self.read(12)
        stream.sendall(self.version)
        kinds = self.read(self.read(1)[0])
        assert 1 in kinds, kinds  # no security: the Unix socket is the lock
        stream.sendall(b"\x01")
        assert self.read(4) == bytes(4)
        stream.sendall(b"\x01")  # shared
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0]).decode()

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes."""
        data = b""
        while len(data) < size:
            part = self.stream.recv(min(size - len(data), 1 << 20))
            if not part:
                raise EOFError("the stream ended")
            data += part
        return data

    def ask(self, *, incremental: bool = False) -> None:
        """Ask for the whole screen (FramebufferUpdateRequest)."""
        self.stream.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def prefer_raw(self) -> None:
        """Allow raw rectangles only (SetEncodings)."""
        self.stream.sendall(struct.pack(">BxHi", 2, 1, RAW))

    def update_bytes(self) -> int:
        """Take one update of raw rectangles; return how many bytes of pixels came."""
        while (kind := self.read(1)[0]) != 0:
            assert kind == 2, kind  # Bell
        _, rectangles = struct.unpack(">BH", self.read(3))
        total = 0
        for _ in range(rectangles):
            _, _, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            assert encoding == RAW
            total += len(self.read(width * height * 4))
        return total

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.stream.close()
