"""Cursor pseudo-encoding: the pointer's shape, drawn by the client (RFC 6143 section 7.8.1)."""

from __future__ import annotations

import numpy as np

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_CURSOR_SIDE
from jupyter_xdisplay.rfb.messages import CursorChanged, Rect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels, from_wire, to_wire
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

_OPAQUE_FROM = 128


def encode(pixels: Pixels, hot_x: int, hot_y: int, pixel_format: PixelFormat) -> bytes:
    """Return the rectangle of a cursor: blue, green, red, alpha of shape `[height, width, 4]`.

    RFB's cursors have a bitmask: a pixel at least half opaque is drawn. An empty array hides the
    cursor.
    """
    height, width = pixels.shape[:2]
    if not pixels.size:
        return header(0, 0, 0, 0, Encoding.CURSOR)
    opaque = pixels[..., 3] >= _OPAQUE_FROM
    shown = np.zeros((height, width, 4), np.uint8)
    shown[..., :3] = np.where(opaque[..., None], pixels[..., :3], 0)
    mask = np.packbits(opaque, axis=1)
    hot_x, hot_y = min(max(hot_x, 0), width - 1), min(max(hot_y, 0), height - 1)
    head = header(hot_x, hot_y, width, height, Encoding.CURSOR)
    return head + to_wire(shown, pixel_format) + mask.tobytes()


def decode(reader: StreamReader, rect: Rect, pixel_format: PixelFormat) -> Parse[CursorChanged]:
    """Read a cursor."""
    if rect.width > MAX_CURSOR_SIDE or rect.height > MAX_CURSOR_SIDE:
        raise ProtocolError(f"A cursor of {rect.width}x{rect.height} pixels is too large.")
    area = rect.width * rect.height
    data = yield from reader.read(area * pixel_format.bytes_per_pixel)
    row_bytes = (rect.width + 7) // 8
    mask = yield from reader.read(row_bytes * rect.height)
    pixels = from_wire(data, pixel_format).reshape(rect.height, rect.width, 4)
    bits = np.unpackbits(np.frombuffer(mask, np.uint8).reshape(rect.height, row_bytes), axis=1)
    opaque = bits[:, : rect.width].astype(bool)
    pixels[..., 3] = np.where(opaque, 255, 0)
    return CursorChanged(pixels, rect.x, rect.y)
