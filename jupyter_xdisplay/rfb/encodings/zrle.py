"""ZRLE encoding, the server's side (RFC 6143 section 7.7.6).

Tiles of one colour, packed palettes of up to 16 colours, and raw pixels; zlib does what run
lengths would.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from jupyter_xdisplay.rfb.compact_pixels import to_cpixels
from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.encodings.state import EncoderState
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels

TILE = 64
"""Width and height of a tile in pixels."""

MOST_PACKED_COLOURS = 16

_LENGTH = struct.Struct(">I")
_COLOUR_MASK = np.uint32(0x00FFFFFF)
_RAW, _SOLID = 0, 1


def encode(
    pixels: Pixels, x: int, y: int, pixel_format: PixelFormat, state: EncoderState
) -> list[bytes]:
    """Return the rectangle with these pixels at x, y."""
    height, width = pixels.shape[:2]
    tiles = b"".join(_tile(tile, pixel_format) for tile in _tiles(pixels))
    packed = state.zrle().pack(tiles)
    head = header(x, y, width, height, Encoding.ZRLE)
    return [b"".join([head, _LENGTH.pack(len(packed)), packed])]


def _tiles(pixels: Pixels) -> Iterator[Pixels]:
    """Cut pixels into tiles, from left to right, then from top to bottom."""
    height, width = pixels.shape[:2]
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            yield np.ascontiguousarray(pixels[top : top + TILE, left : left + TILE])


def _tile(tile: Pixels, pixel_format: PixelFormat) -> bytes:
    """Return one tile: its subencoding, its palette, its pixels."""
    values = tile.view("<u4")[..., 0] & _COLOUR_MASK
    if (values == values[0, 0]).all():
        return bytes([_SOLID]) + to_cpixels(tile[:1, :1], pixel_format)
    colours, which = np.unique(values, return_inverse=True)
    count = len(colours)
    if count > MOST_PACKED_COLOURS:
        return bytes([_RAW]) + to_cpixels(tile, pixel_format)
    palette = colours.astype("<u4").view(np.uint8).reshape(1, -1, 4)
    indices = which.reshape(values.shape).astype(np.uint8)
    packed = pack_bits(indices, bits_per_index(count))
    return bytes([count]) + to_cpixels(palette, pixel_format) + packed


def bits_per_index(colours: int) -> int:
    """Return the bits of an index into a packed palette."""
    return 1 if colours == 2 else 2 if colours <= 4 else 4


def pack_bits(indices: Pixels, bits: int) -> bytes:
    """Pack indices of 1, 2 or 4 bits, the leftmost in the highest bits, rows padded to bytes."""
    if bits == 1:
        return np.packbits(indices, axis=1).tobytes()
    per_byte = 8 // bits
    height, width = indices.shape
    padded = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    padded[:, :width] = indices
    groups = padded.reshape(height, -1, per_byte)
    packed: Pixels = groups[..., 0].copy()
    for index in range(1, per_byte):
        packed = packed << np.uint8(bits) | groups[..., index]
    return packed.tobytes()
