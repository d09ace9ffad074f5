"""Finds where framebuffer updates end, without decoding them: what a fast viewer would see."""

from __future__ import annotations

import struct
from collections.abc import Callable

from jupyter_xdisplay.rfb.constants import ClientMessageType, Encoding, ServerMessageType

_HEADER = struct.Struct(">HHHHi")
_FILL, _JPEG = 8, 9
_FILTER, _PALETTE = 0x40, 1
_SHORTEST_PACKED = 12
_TPIXEL_BYTES = 3
_PIXEL_BYTES = 4

Read = Callable[[int], bytes]
"""Returns the next bytes of the stream, so many."""


class Framing:
    """Reads server messages (RFC 6143 section 7.6; rfbproto for Tight and the extensions).

    Parameters
    ----------
    read
        Has the stream.
    send
        Takes what is to be answered.
    """

    def __init__(self, read: Read, send: Callable[[bytes], None]) -> None:
        self._read = read
        self._send = send
        self.continuous = False
        """Whether the server can send updates that were not asked for one by one."""
        self.updates = 0
        """How many updates there were, with pixels or without."""

    def message(self) -> int:
        """Pass over one message; return the rectangles of pixels that it has."""
        kind = self._read(1)[0]
        if kind == ServerMessageType.FRAMEBUFFER_UPDATE:
            return self._rectangles()
        if kind == ServerMessageType.SERVER_FENCE:
            self._fence()
        elif kind == ServerMessageType.SERVER_CUT_TEXT:
            self._read(struct.unpack(">3xI", self._read(7))[0])
        elif kind == ServerMessageType.END_OF_CONTINUOUS_UPDATES:
            self.continuous = True
        else:
            assert kind == ServerMessageType.BELL, f"message {kind}"
        return 0

    def _fence(self) -> None:
        head = self._read(8)
        flags, length = struct.unpack(">3xIB", head)
        payload = self._read(length)
        answer = struct.pack(">B3xIB", ClientMessageType.CLIENT_FENCE, flags & 7, length)
        self._send(answer + payload)

    def _rectangles(self) -> int:
        self.updates += 1
        (count,) = struct.unpack(">xH", self._read(3))
        pixels = 0
        for _ in range(count):
            _, _, width, height, encoding = _HEADER.unpack(self._read(_HEADER.size))
            if encoding == Encoding.LAST_RECT:
                break
            if encoding == Encoding.TIGHT:
                self._tight(width, height)
            elif encoding == Encoding.RAW:
                self._read(width * height * _PIXEL_BYTES)
            elif encoding == Encoding.COPY_RECT:
                self._read(4)
            elif encoding == Encoding.CURSOR:
                self._read(width * height * _PIXEL_BYTES + (width + 7) // 8 * height)
                continue
            else:
                assert encoding == Encoding.DESKTOP_SIZE, f"encoding {encoding}"
                continue
            pixels += 1
        return pixels

    def _tight(self, width: int, height: int) -> None:
        control = self._read(1)[0]
        kind = control >> 4
        if kind == _FILL:
            self._read(_TPIXEL_BYTES)
            return
        if kind == _JPEG:
            self._read(self._compact())
            return
        size = width * height * _TPIXEL_BYTES
        if control & _FILTER and self._read(1)[0] == _PALETTE:
            colours = self._read(1)[0] + 1
            self._read(colours * _TPIXEL_BYTES)
            size = (width + 7) // 8 * height if colours == 2 else width * height
        self._read(size if size < _SHORTEST_PACKED else self._compact())

    def _compact(self) -> int:
        length = 0
        for shift in (0, 7, 14):
            byte = self._read(1)[0]
            length |= (byte if shift == 14 else byte & 0x7F) << shift
            if byte < 0x80:
                break
        return length
