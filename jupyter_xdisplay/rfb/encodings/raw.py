"""Raw encoding: pixels as they are (RFC 6143 section 7.7.1)."""

from __future__ import annotations

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.encodings.state import DecoderState, EncoderState
from jupyter_xdisplay.rfb.messages import Rect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels, from_wire, to_wire
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

_PART_BYTES = 1 << 20


def encode(
    pixels: Pixels,
    x: int,
    y: int,
    pixel_format: PixelFormat,
    state: EncoderState | None = None,  # noqa: ARG001 - the same for every encoder
) -> list[bytes]:
    """Return the rectangle with these pixels at x, y."""
    height, width = pixels.shape[:2]
    head = header(x, y, width, height, Encoding.RAW)
    return [head + to_wire(pixels, pixel_format)]


def decode(
    reader: StreamReader,
    rect: Rect,
    pixel_format: PixelFormat,
    state: DecoderState,  # noqa: ARG001 - the same for every decoder
    framebuffer: Pixels,
) -> Parse[None]:
    """Read a rectangle into the framebuffer, some rows at a time."""
    row_bytes = rect.width * pixel_format.bytes_per_pixel
    if not row_bytes:
        return
    step = max(1, _PART_BYTES // row_bytes)
    for top in range(rect.y, rect.y + rect.height, step):
        rows = min(step, rect.y + rect.height - top)
        data = yield from reader.read(rows * row_bytes)
        found = from_wire(data, pixel_format).reshape(rows, rect.width, 4)
        framebuffer[top : top + rows, rect.x : rect.x + rect.width] = found
