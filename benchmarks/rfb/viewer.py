"""A viewer on a socket that only finds the ends of updates while it is measured.

Nothing is decoded then: the bytes are kept with the time at which each update was whole, and
decoded afterwards by `rfb.client`. So the client takes next to no processor time from the
servers, and no server is better off for sending what is easy to decode.
"""

from __future__ import annotations

import select
import struct
import time
from types import TracebackType
from typing import NamedTuple

from benchmarks.rfb.framing import Framing
from benchmarks.rfb.picture import Pixels
from benchmarks.rfb.relay import MORE_ENCODINGS, QUALITY_LEVEL, connect_rfb
from benchmarks.rfb.servers import Server
from jupyter_xdisplay.rfb.client import ClientConnection
from jupyter_xdisplay.rfb.constants import ClientMessageType, Encoding
from jupyter_xdisplay.rfb.pixel_format import BGRX32

COMPRESSION_LEVEL = 2
ENCODINGS: tuple[int, ...] = (
    Encoding.COPY_RECT,
    Encoding.TIGHT,
    Encoding.RAW,
    Encoding.JPEG_QUALITY_LEVEL_0 + QUALITY_LEVEL,
    *MORE_ENCODINGS,
    Encoding.COMPRESSION_LEVEL_0 + COMPRESSION_LEVEL,
    Encoding.DESKTOP_SIZE,
    Encoding.LAST_RECT,
    Encoding.FENCE,
    Encoding.CONTINUOUS_UPDATES,
    Encoding.CURSOR,
)
"""What noVNC offers, in its order, as far as these servers send it, and more."""

CHUNK_BYTES = 1 << 20
MESSAGE_S = 30.0
"""How long one message may take: an exact refresh of the whole screen over a slow link."""


class OutOfTimeError(Exception):
    """Nothing came in time."""


class Update(NamedTuple):
    """An update: when it was whole (monotonic, seconds), and where it ends in the stream."""

    time_s: float
    end: int


class Viewer:
    """Looks at a server: `next_update` while measuring, `pictures` afterwards.

    Parameters
    ----------
    server
        What to look at.
    """

    def __init__(self, server: Server) -> None:
        self._socket = connect_rfb(server.socket, upgrade=server.upgrade)
        self._data = bytearray()
        self._read_to = 0
        self._decoded_to = 0
        self._received_s = 0.0
        self._deadline_s = time.monotonic() + MESSAGE_S
        self._framing = Framing(self._read, self._socket.sendall)
        self._decoder = ClientConnection(encodings=ENCODINGS)
        self._size = self._shake_hands()
        self.updates: list[Update] = []

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def received(self) -> int:
        """Bytes that were taken from the socket."""
        return len(self._data)

    def next_update(self, timeout_s: float) -> float:
        """Wait for the next update with pixels; ask for another; return when it was whole.

        Raises
        ------
        OutOfTimeError
            When none came.
        """
        deadline_s = time.monotonic() + timeout_s
        framing = self._framing
        while True:
            self._deadline_s = deadline_s
            self._await(1)
            self._deadline_s = time.monotonic() + MESSAGE_S
            continuous, updates = framing.continuous, framing.updates
            pixels = framing.message()
            if framing.continuous and not continuous:
                message = ClientMessageType.ENABLE_CONTINUOUS_UPDATES
                self._socket.sendall(struct.pack(">BBHHHH", message, 1, 0, 0, *self._size))
            elif framing.updates > updates and not continuous:
                self._ask(incremental=True)
            if pixels:
                self.updates.append(Update(self._received_s, self._read_to))
                return self._received_s

    def collect(self, seconds: float) -> None:
        """Take updates for so long."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self.next_update(end - time.monotonic())
        except OutOfTimeError:
            pass

    def decode(self, update: Update) -> Pixels:
        """Return the picture after an update; updates only go forward."""
        self._decoder.receive_data(bytes(self._data[self._decoded_to : update.end]))
        self._decoded_to = update.end
        self._decoder.events()
        self._decoder.data_to_send()
        assert self._decoder.state == "running", self._decoder.error
        return self._decoder.framebuffer

    def click(self, x: int, y: int, button: int) -> float:
        """Press and release a button there; return when the press was sent."""
        pointer = struct.Struct(">BBHH")
        kind = ClientMessageType.POINTER_EVENT
        pressed_s = time.monotonic()
        self._socket.sendall(pointer.pack(kind, 1 << (button - 1), x, y))
        self._socket.sendall(pointer.pack(kind, 0, x, y))
        return pressed_s

    def _await(self, size: int) -> None:
        """Wait until so many bytes are there, or until the deadline."""
        while len(self._data) < self._read_to + size:
            left_s = self._deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([self._socket], [], [], left_s)[0]:
                raise OutOfTimeError
            data = self._socket.recv(CHUNK_BYTES)
            assert data, "the RFB server hung up"
            self._data += data
            self._received_s = time.monotonic()

    def _read(self, size: int) -> bytes:
        """Return the next bytes of the stream."""
        self._await(size)
        found = bytes(self._data[self._read_to : self._read_to + size])
        self._read_to += size
        return found

    def _shake_hands(self) -> tuple[int, int]:
        """RFC 6143 sections 7.1 to 7.3, without security."""
        assert self._read(12) == b"RFB 003.008\n"
        self._socket.sendall(b"RFB 003.008\n")
        assert 1 in self._read(self._read(1)[0])
        self._socket.sendall(b"\1")
        assert self._read(4) == bytes(4)
        self._socket.sendall(b"\1")
        width, height = struct.unpack(">HH", self._read(4))
        self._read(16)
        self._read(struct.unpack(">I", self._read(4))[0])
        self._socket.sendall(
            bytes([ClientMessageType.SET_PIXEL_FORMAT, 0, 0, 0])
            + BGRX32.pack()
            + struct.pack(">BxH", ClientMessageType.SET_ENCODINGS, len(ENCODINGS))
            + struct.pack(f">{len(ENCODINGS)}i", *ENCODINGS)
        )
        self._size = width, height
        self._ask(incremental=False)
        return self._size

    def _ask(self, *, incremental: bool) -> None:
        kind = ClientMessageType.FRAMEBUFFER_UPDATE_REQUEST
        self._socket.sendall(struct.pack(">BBHHHH", kind, incremental, 0, 0, *self._size))
