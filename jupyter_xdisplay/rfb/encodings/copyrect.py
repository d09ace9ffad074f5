"""CopyRect encoding: pixels the client has elsewhere (RFC 6143 section 7.7.2)."""

from __future__ import annotations

import struct

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.encodings.state import DecoderState
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.messages import Rect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

_SOURCE = struct.Struct(">HH")


def encode(rect: Rect, source_x: int, source_y: int) -> list[bytes]:
    """Return the rectangle that fills `rect` with what is at the source."""
    return [header(*rect, Encoding.COPY_RECT) + _SOURCE.pack(source_x, source_y)]


def decode(
    reader: StreamReader,
    rect: Rect,
    pixel_format: PixelFormat,  # noqa: ARG001 - the same for every decoder
    state: DecoderState,  # noqa: ARG001
    framebuffer: Pixels,
) -> Parse[None]:
    """Read a rectangle and copy within the framebuffer; both parts may overlap."""
    x, y = yield from reader.unpack(_SOURCE)
    height, width = framebuffer.shape[:2]
    if x + rect.width > width or y + rect.height > height:
        raise ProtocolError("A CopyRect rectangle copies from outside of the framebuffer.")
    copied = framebuffer[y : y + rect.height, x : x + rect.width].copy()
    framebuffer[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = copied
