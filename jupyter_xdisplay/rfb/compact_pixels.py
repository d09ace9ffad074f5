"""The short pixels of Tight (TPIXEL) and ZRLE (CPIXEL): three bytes instead of four.

Sources: rfbproto, Tight Encoding; RFC 6143 section 7.7.5 (ZRLE's CPIXEL).
"""

from __future__ import annotations

import numpy as np

from jupyter_xdisplay.rfb.pixel_format import (
    PixelFormat,
    Pixels,
    from_values,
    from_wire,
    to_values,
    to_wire,
)


def tpixel_bytes(pixel_format: PixelFormat) -> int:
    """Return the bytes of one TPIXEL."""
    return 3 if pixel_format.is_888 else pixel_format.bytes_per_pixel


def to_tpixels(pixels: Pixels, pixel_format: PixelFormat) -> bytes:
    """Return pixels as TPIXELs: red, green, blue where all have 8 bits, else PIXELs."""
    if not pixel_format.is_888:
        return to_wire(pixels, pixel_format)
    return pixels[..., 2::-1].tobytes()


def from_tpixels(data: bytes | memoryview, pixel_format: PixelFormat) -> Pixels:
    """Return TPIXELs as pixels of shape `[count, 4]`."""
    if not pixel_format.is_888:
        return from_wire(data, pixel_format)
    colours = np.frombuffer(data, np.uint8).reshape(-1, 3)
    found = np.empty((len(colours), 4), np.uint8)
    found[:, :3] = colours[:, ::-1]
    found[:, 3] = 255
    return found


def cpixel_bytes(pixel_format: PixelFormat) -> int:
    """Return the bytes of one CPIXEL."""
    return 3 if _cpixel_part(pixel_format) is not None else pixel_format.bytes_per_pixel


def to_cpixels(pixels: Pixels, pixel_format: PixelFormat) -> bytes:
    """Return pixels as CPIXELs: the three bytes that hold colours, else PIXELs."""
    part = _cpixel_part(pixel_format)
    if part is None:
        return to_wire(pixels, pixel_format)
    if pixel_format.is_bgrx:
        return pixels[..., :3].tobytes()
    values = np.ascontiguousarray(to_values(pixels, pixel_format))
    return values.view(np.uint8).reshape(-1, 4)[:, part].tobytes()


def from_cpixels(data: bytes | memoryview, pixel_format: PixelFormat) -> Pixels:
    """Return CPIXELs as pixels of shape `[count, 4]`."""
    part = _cpixel_part(pixel_format)
    if part is None:
        return from_wire(data, pixel_format)
    three = np.frombuffer(data, np.uint8).reshape(-1, 3)
    four = np.zeros((len(three), 4), np.uint8)
    four[:, part] = three
    return from_values(four.view(pixel_format.dtype).reshape(-1), pixel_format)


def _cpixel_part(pixel_format: PixelFormat) -> slice | None:
    """Return which three of a pixel's four bytes are sent; None when all are."""
    if pixel_format.bits_per_pixel != 32 or pixel_format.depth > 24:
        return None
    used = 0
    for largest, shift in pixel_format.channels:
        used |= largest << shift
    if not used >> 24:  # the least significant three
        return slice(1, 4) if pixel_format.big_endian else slice(0, 3)
    if not used & 0xFF:  # the most significant three
        return slice(0, 3) if pixel_format.big_endian else slice(1, 4)
    return None
