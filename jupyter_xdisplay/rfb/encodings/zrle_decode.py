"""ZRLE encoding, the client's side (RFC 6143 section 7.7.6): all subencodings."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from jupyter_xdisplay.rfb.compact_pixels import cpixel_bytes, from_cpixels
from jupyter_xdisplay.rfb.encodings.state import DecoderState
from jupyter_xdisplay.rfb.encodings.zrle import MOST_PACKED_COLOURS, TILE, bits_per_index
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.messages import Rect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

_LENGTH = struct.Struct(">I")
_PLAIN_RLE, _PALETTE_RLE = 128, 130


def decode(
    reader: StreamReader,
    rect: Rect,
    pixel_format: PixelFormat,
    state: DecoderState,
    framebuffer: Pixels,
) -> Parse[None]:
    """Read a rectangle into the framebuffer."""
    (length,) = yield from reader.unpack(_LENGTH)
    largest = _largest(rect, pixel_format)
    if length > largest + largest // 100 + 1024:  # zlib adds less than that to what it can't pack
        raise ProtocolError(f"A ZRLE rectangle of {rect.width}x{rect.height} has {length} bytes.")
    tiles = _Tiles(state.zrle.unpack((yield from reader.read(length)), largest), pixel_format)
    for top in range(rect.y, rect.y + rect.height, TILE):
        rows = min(TILE, rect.y + rect.height - top)
        for left in range(rect.x, rect.x + rect.width, TILE):
            columns = min(TILE, rect.x + rect.width - left)
            found = tiles.next(rows, columns)
            framebuffer[top : top + rows, left : left + columns] = found


def _largest(rect: Rect, pixel_format: PixelFormat) -> int:
    """Return the most bytes that tiles can have: runs of one pixel each, and palettes."""
    each = cpixel_bytes(pixel_format)
    tiles = -(-rect.width // TILE) * -(-rect.height // TILE)
    return rect.width * rect.height * (each + 1) + tiles * (1 + 127 * each)


class _Tiles:
    """Reads tile after tile of an unpacked rectangle."""

    def __init__(self, data: bytes, pixel_format: PixelFormat) -> None:
        self._data = memoryview(data)
        self._pixel_format = pixel_format
        self._pixel_bytes = cpixel_bytes(pixel_format)

    def next(self, rows: int, columns: int) -> Pixels:
        """Return the next tile, of a shape that broadcasts to `[rows, columns, 4]`."""
        kind = self._take(1)[0]
        if kind == 0:
            return self._pixels(rows * columns).reshape(rows, columns, 4)
        if kind == 1:
            return self._pixels(1).reshape(1, 1, 4)
        if kind <= MOST_PACKED_COLOURS:
            palette = self._pixels(kind)
            return self._choose(palette, self._packed(rows, columns, bits_per_index(kind)))
        if kind == _PLAIN_RLE:
            return self._plain_runs(rows * columns).reshape(rows, columns, 4)
        if kind >= _PALETTE_RLE:
            palette = self._pixels(kind - 128)
            return self._choose(palette, self._palette_runs(rows * columns).reshape(rows, columns))
        raise ProtocolError(f"ZRLE has no subencoding {kind}.")

    def _take(self, size: int) -> memoryview:
        if size > len(self._data):
            raise ProtocolError("A ZRLE rectangle ends too early.")
        found, self._data = self._data[:size], self._data[size:]
        return found

    def _pixels(self, count: int) -> Pixels:
        return from_cpixels(self._take(count * self._pixel_bytes), self._pixel_format)

    @staticmethod
    def _choose(palette: Pixels, indices: npt.NDArray[Any]) -> Pixels:
        if indices.max() >= len(palette):
            raise ProtocolError("A ZRLE tile has a colour that is not in its palette.")
        chosen: Pixels = palette[indices]
        return chosen

    def _packed(self, rows: int, columns: int, bits: int) -> npt.NDArray[np.uint8]:
        """Read indices of 1, 2 or 4 bits, rows padded to bytes."""
        per_byte = 8 // bits
        row_bytes = -(-columns // per_byte)
        packed = np.frombuffer(self._take(rows * row_bytes), np.uint8).reshape(rows, row_bytes, 1)
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        indices: npt.NDArray[np.uint8] = packed >> shifts & np.uint8((1 << bits) - 1)
        return indices.reshape(rows, -1)[:, :columns]

    def _run_length(self) -> int:
        """Read a length: one more than the sum of bytes, the last of them not 255."""
        length = 1
        while (byte := self._take(1)[0]) == 255:
            length += 255
        return length + byte

    def _plain_runs(self, area: int) -> Pixels:
        values, lengths, left = [], [], area
        while left > 0:
            values.append(self._take(self._pixel_bytes))
            lengths.append(self._run_length())
            left -= lengths[-1]
        _check_runs(left)
        return from_cpixels(b"".join(values), self._pixel_format).repeat(lengths, axis=0)

    def _palette_runs(self, area: int) -> npt.NDArray[np.uint8]:
        values, lengths, left = bytearray(), [], area
        while left > 0:
            index = self._take(1)[0]
            values.append(index & 0x7F)
            lengths.append(self._run_length() if index & 0x80 else 1)
            left -= lengths[-1]
        _check_runs(left)
        return np.frombuffer(values, np.uint8).repeat(lengths)


def _check_runs(left: int) -> None:
    if left < 0:
        raise ProtocolError("A run of a ZRLE tile goes beyond the tile.")
