"""Tight encoding, the server's side (rfbproto, Tight Encoding).

Three ways to make rectangles of the same pixels: `encode_jpeg` for what moves, `encode_lossless`
for what must be exact, and `encode`, which takes the lossless way where the picture is flat or
text and JPEG elsewhere. All of them cut what is too large into several rectangles.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simplejpeg  # type: ignore[import-untyped,unused-ignore]

from jupyter_xdisplay.rfb.compact_pixels import to_tpixels
from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings.palette import Indexed, find_palette
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.encodings.state import EncoderState
from jupyter_xdisplay.rfb.limits import MAX_COMPACT_LENGTH, MAX_TIGHT_WIDTH
from jupyter_xdisplay.rfb.messages import Rect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels

FILL = 0x80
JPEG = 0x90
EXPLICIT_FILTER = 0x40
FILTER_COPY, FILTER_PALETTE, FILTER_GRADIENT = 0, 1, 2
SHORTEST_PACKED = 12
"""Data of fewer bytes than this is not packed."""

_LARGEST_AREA = 1 << 18
"""Pixels of a lossless rectangle: small enough for palettes to be found, few for the client."""

_FULL_COLOUR_STREAM, _MONO_STREAM, _INDEXED_STREAM = 0, 1, 2

JPEG_QUALITY = (
    (15, "420"),
    (29, "420"),
    (41, "420"),
    (42, "422"),
    (62, "422"),
    (77, "422"),
    (79, "444"),
    (86, "444"),
    (92, "444"),
    (100, "444"),
)
"""Quality level from 0 to 9 → JPEG quality and chroma subsampling: what TigerVNC and TurboVNC
use (TigerVNC, common/rfb/JpegCompressor.cxx)."""

_ZLIB_LEVELS = (
    (0, 0, 0),
    (1, 1, 1),
    (2, 3, 3),
    (2, 5, 5),
    (3, 7, 6),
    (4, 8, 7),
    (5, 8, 7),
    (6, 9, 8),
    (7, 9, 9),
    (9, 9, 9),
)
"""Compression level from 0 to 9 → zlib levels of the three streams: full colour, two colours,
palette (TigerVNC, common/rfb/TightEncoder.cxx)."""


def can_jpeg(pixel_format: PixelFormat) -> bool:
    """Whether JPEG rectangles may be sent to a client of this format that offers a quality."""
    return pixel_format.bits_per_pixel >= 16


def encode(
    pixels: Pixels,
    x: int,
    y: int,
    pixel_format: PixelFormat,
    state: EncoderState,
    quality: int | None = None,
) -> list[bytes]:
    """Return rectangles: palettes where few colours are found, JPEG (or lossless) elsewhere.

    Parameters
    ----------
    pixels
        Of shape `[height, width, 4]`; may be a slice of a larger array.
    x, y
        Where they belong, in pixels.
    state
        The zlib streams of this viewer.
    quality
        JPEG quality level from 0 to 9; None: no JPEG.
    """
    if quality is None or not can_jpeg(pixel_format):
        return encode_lossless(pixels, x, y, pixel_format, state)
    found: list[bytes] = []
    busy: list[Rect] = []
    for rect in _parts(pixels, _LARGEST_AREA):
        indexed = find_palette(_cut(pixels, rect))
        if indexed is not None:
            found.append(_indexed(indexed, x + rect.x, y + rect.y, pixel_format, state))
        elif busy and (rect.x, rect.y) == (busy[-1].x, busy[-1].y + busy[-1].height):
            busy[-1] = busy[-1]._replace(height=busy[-1].height + rect.height)
        else:
            busy.append(rect)
    for rect in busy:
        found += encode_jpeg(_cut(pixels, rect), x + rect.x, y + rect.y, quality)
    return found


def encode_jpeg(
    pixels: Pixels, x: int, y: int, quality: int = 8, subsampling: str | None = None
) -> list[bytes]:
    """Return rectangles of JPEG data; `quality` is a level from 0 to 9.

    `subsampling` of the colours ("444", "422", "420") in place of that of the level. A contiguous
    array is not copied. The client must have offered a quality level and have 16 or 32 bits per
    pixel (`can_jpeg`).
    """
    factor, usual = JPEG_QUALITY[quality]
    subsampling = subsampling or usual
    found = []
    for rect in _parts(pixels, None):
        part = np.ascontiguousarray(_cut(pixels, rect))
        found += _jpeg_rect(part, x + rect.x, y + rect.y, factor, subsampling)
    return found


def _jpeg_rect(pixels: Pixels, x: int, y: int, factor: int, subsampling: str) -> list[bytes]:
    data: bytes = simplejpeg.encode_jpeg(
        pixels, factor, colorspace="BGRX", colorsubsampling=subsampling, fastdct=True
    )
    height, width = pixels.shape[:2]
    if len(data) > MAX_COMPACT_LENGTH:
        half = height // 2
        return _jpeg_rect(pixels[:half], x, y, factor, subsampling) + _jpeg_rect(
            pixels[half:], x, y + half, factor, subsampling
        )
    head = header(x, y, width, height, Encoding.TIGHT)
    return [b"".join([head, bytes([JPEG]), compact_length(len(data)), data])]


def encode_lossless(
    pixels: Pixels, x: int, y: int, pixel_format: PixelFormat, state: EncoderState
) -> list[bytes]:
    """Return rectangles that are exact: one colour, a palette, or all pixels packed by zlib."""
    found = []
    for rect in _parts(pixels, _LARGEST_AREA):
        part, left, top = _cut(pixels, rect), x + rect.x, y + rect.y
        indexed = find_palette(part)
        if indexed is None:
            found.append(_full_colour(part, left, top, pixel_format, state))
        else:
            found.append(_indexed(indexed, left, top, pixel_format, state))
    return found


def _parts(pixels: Pixels, largest_area: int | None) -> Iterator[Rect]:
    """Yield what one rectangle may have each, in coordinates of the array."""
    height, width = pixels.shape[:2]
    for left in range(0, width, MAX_TIGHT_WIDTH):
        columns = min(MAX_TIGHT_WIDTH, width - left)
        rows = max(1, min(height, largest_area // columns)) if largest_area else max(1, height)
        for top in range(0, height, rows):
            yield Rect(left, top, columns, min(rows, height - top))


def _cut(pixels: Pixels, rect: Rect) -> Pixels:
    return pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]


def _full_colour(
    pixels: Pixels, x: int, y: int, pixel_format: PixelFormat, state: EncoderState
) -> bytes:
    height, width = pixels.shape[:2]
    head = header(x, y, width, height, Encoding.TIGHT)
    data = to_tpixels(pixels, pixel_format)
    return head + _basic(data, _FULL_COLOUR_STREAM, b"", state)


def _indexed(
    indexed: Indexed, x: int, y: int, pixel_format: PixelFormat, state: EncoderState
) -> bytes:
    height, width = indexed.indices.shape
    head = header(x, y, width, height, Encoding.TIGHT)
    colours = to_tpixels(indexed.palette, pixel_format)
    count = len(indexed.palette)
    if count == 1:
        return head + bytes([FILL]) + colours
    filtered = bytes([FILTER_PALETTE, count - 1]) + colours
    if count == 2:
        data = np.packbits(indexed.indices, axis=1).tobytes()
        return head + _basic(data, _MONO_STREAM, filtered, state)
    return head + _basic(indexed.indices.tobytes(), _INDEXED_STREAM, filtered, state)


def _basic(data: bytes, stream: int, filtered: bytes, state: EncoderState) -> bytes:
    """Return BasicCompression: control byte, filter, and the data in a zlib stream."""
    control = stream << 4 | (EXPLICIT_FILTER if filtered else 0)
    if len(data) < SHORTEST_PACKED:
        return bytes([control]) + filtered + data
    deflater, reset = state.tight(stream, _ZLIB_LEVELS[state.compression][stream])
    packed = deflater.pack(data)
    control |= reset << stream
    return b"".join([bytes([control]), filtered, compact_length(len(packed)), packed])


def compact_length(length: int) -> bytes:
    """Return a length up to 4194303 in one to three bytes of 7, 7 and 8 bits."""
    if length < 1 << 7:
        return bytes([length])
    if length < 1 << 14:
        return bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
