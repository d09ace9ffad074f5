"""Tight encoding, the client's side (rfbproto, Tight Encoding): all methods and filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg  # type: ignore[import-untyped,unused-ignore]

from jupyter_xdisplay.rfb.compact_pixels import from_tpixels, tpixel_bytes
from jupyter_xdisplay.rfb.encodings.state import DecoderState, Inflater
from jupyter_xdisplay.rfb.encodings.tight import (
    EXPLICIT_FILTER,
    FILL,
    FILTER_COPY,
    FILTER_GRADIENT,
    FILTER_PALETTE,
    JPEG,
    SHORTEST_PACKED,
)
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.messages import Rect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels, from_values
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

WITHOUT_ZLIB = 0xA0
"""BasicCompression Without Zlib: libvncserver sends it at compression level 0, though it may be
sent only to clients that offer it (rfbproto)."""


def decode(
    reader: StreamReader,
    rect: Rect,
    pixel_format: PixelFormat,
    state: DecoderState,
    framebuffer: Pixels,
) -> Parse[None]:
    """Read a rectangle into the framebuffer."""
    control = yield from reader.byte()
    state.reset_tight(control & 0x0F)
    target = framebuffer[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    if control < FILL or control & ~EXPLICIT_FILTER & 0xF0 == WITHOUT_ZLIB:
        target[...] = yield from _basic(reader, control, rect, pixel_format, state)
    elif control & 0xF0 == FILL:
        data = yield from reader.read(tpixel_bytes(pixel_format))
        target[...] = from_tpixels(data, pixel_format)[0]
    elif control & 0xF0 == JPEG:
        length = yield from _compact_length(reader)
        target[...] = _jpeg((yield from reader.read(length)), rect)
    else:
        raise ProtocolError(f"Tight has no compression control {control:#x}.")


def _compact_length(reader: StreamReader) -> Parse[int]:
    """Read a length of one to three bytes."""
    length = 0
    for shift in (0, 7):
        byte = yield from reader.byte()
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length
    return length | (yield from reader.byte()) << 14


def _jpeg(data: bytes, rect: Rect) -> Pixels:
    """Unpack JPEG data; its size is looked at before anything is allocated for it."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
        if (width, height) != (rect.width, rect.height):
            raise ProtocolError(f"A JPEG of {width}x{height} is in a rectangle of another size.")
        found: Pixels = simplejpeg.decode_jpeg(data, colorspace="BGRX")
    except ValueError as error:
        raise ProtocolError("A JPEG rectangle is broken.") from error
    return found


def _basic(
    reader: StreamReader,
    control: int,
    rect: Rect,
    pixel_format: PixelFormat,
    state: DecoderState,
) -> Parse[Pixels]:
    """Read BasicCompression with its filter."""
    kind = FILTER_COPY
    if control & EXPLICIT_FILTER:
        kind = yield from reader.byte()
    stream = None if control & 0x80 else state.tight[control >> 4 & 3]
    shape = (rect.height, rect.width, 4)
    pixel_bytes = tpixel_bytes(pixel_format)
    if kind == FILTER_PALETTE:
        count = (yield from reader.byte()) + 1
        palette = from_tpixels((yield from reader.read(count * pixel_bytes)), pixel_format)
        row_bytes = (rect.width + 7) // 8 if count <= 2 else rect.width
        data = yield from _data(reader, row_bytes * rect.height, stream)
        return _coloured(data, palette, rect)
    if kind not in {FILTER_COPY, FILTER_GRADIENT}:
        raise ProtocolError(f"Tight has no filter {kind}.")
    data = yield from _data(reader, rect.width * rect.height * pixel_bytes, stream)
    if kind == FILTER_GRADIENT:
        return _gradient(data, rect, pixel_format)
    return from_tpixels(data, pixel_format).reshape(shape)


def _data(reader: StreamReader, size: int, stream: Inflater | None) -> Parse[bytes]:
    """Read filtered data of that size, packed unless it is very short, or without zlib."""
    if size < SHORTEST_PACKED:
        return (yield from reader.read(size))
    length = yield from _compact_length(reader)
    if stream is None and length != size:
        raise ProtocolError(f"A Tight rectangle has {length} bytes instead of {size}.")
    data = yield from reader.read(length)
    if stream is not None:
        data = stream.unpack(data, size)
    if len(data) != size:
        raise ProtocolError(f"A Tight rectangle has {len(data)} bytes instead of {size}.")
    return data


def _coloured(data: bytes, palette: Pixels, rect: Rect) -> Pixels:
    """Return pixels for indices of 1 bit (one or two colours) or 8."""
    indices = np.frombuffer(data, np.uint8).reshape(rect.height, -1) if data else None
    if indices is None:
        return np.empty((rect.height, rect.width, 4), np.uint8)
    if len(palette) <= 2:
        indices = np.unpackbits(indices, axis=1)[:, : rect.width]
    if indices.max() >= len(palette):
        raise ProtocolError("A Tight rectangle has a colour that is not in its palette.")
    chosen: Pixels = palette[indices]
    return chosen


def _gradient(data: bytes, rect: Rect, pixel_format: PixelFormat) -> Pixels:
    """Undo the gradient filter, one diagonal after the other.

    Each colour is a difference from left + above - above left, cut off at 0 and its maximum.
    """
    height, width = rect.height, rect.width
    differences, largest = _channels(data, pixel_format)
    differences = differences.reshape(height, width, 3)
    known = np.zeros((height + 1, width + 1, 3), np.int64)
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        guess = known[rows, columns + 1] + known[rows + 1, columns] - known[rows, columns]
        guess = guess.clip(0, largest)
        known[rows + 1, columns + 1] = guess + differences[rows, columns] & largest
    colours = known[1:, 1:]
    if pixel_format.is_888:
        found = np.full((height, width, 4), 255, np.uint8)
        found[..., :3] = colours
        return found
    values = sum(
        colours[..., index] << shift for index, (_, shift) in enumerate(pixel_format.channels)
    )
    return from_values(np.asarray(values), pixel_format)


def _channels(
    data: bytes, pixel_format: PixelFormat
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return blue, green and red of each TPIXEL as they are, and their largest values."""
    largest = np.array([most for most, _ in pixel_format.channels], np.int64)
    if pixel_format.is_888:
        return np.frombuffer(data, np.uint8).reshape(-1, 3)[:, ::-1].astype(np.int64), largest
    values = np.frombuffer(data, pixel_format.dtype).astype(np.int64)
    shifts = np.array([shift for _, shift in pixel_format.channels], np.int64)
    return values[:, None] >> shifts & largest, largest
