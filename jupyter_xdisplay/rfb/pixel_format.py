"""Pixel formats (RFC 6143 section 7.4), to and from pixels as X has them.

Pixels of this package are `uint8` arrays of shape `[height, width, 4]`, the bytes of each pixel in
the order blue, green, red, unused (BGRX): what a depth 24 screen of an X server holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from jupyter_xdisplay.rfb.errors import ProtocolError

Pixels = npt.NDArray[np.uint8]
"""`uint8` array of shape `[height, width, 4]`: blue, green, red, unused."""

_STRUCT = struct.Struct(">BB??HHHBBB3x")


@dataclass(frozen=True)
class PixelFormat:
    """How a pixel is written on the wire (PIXEL_FORMAT, RFC 6143 section 7.4).

    `bits_per_pixel` is 8, 16 or 32. A `..._max` is 2^n - 1 for n bits, a `..._shift` counts the
    bits to the right of that colour.
    """

    bits_per_pixel: int
    depth: int
    big_endian: bool
    true_colour: bool
    red_max: int
    green_max: int
    blue_max: int
    red_shift: int
    green_shift: int
    blue_shift: int

    def pack(self) -> bytes:
        """Return the 16 bytes of the wire."""
        return _STRUCT.pack(
            self.bits_per_pixel,
            self.depth,
            self.big_endian,
            self.true_colour,
            self.red_max,
            self.green_max,
            self.blue_max,
            self.red_shift,
            self.green_shift,
            self.blue_shift,
        )

    @classmethod
    def unpack(cls, data: bytes) -> PixelFormat:
        """Read the 16 bytes of the wire.

        Raises
        ------
        ProtocolError
            When it has a colour map, or is not a format at all.
        """
        bits, depth, big_endian, true_colour, *colours = _STRUCT.unpack(data)
        found = cls(bits, depth, big_endian, true_colour, *colours)
        found.check()
        return found

    def check(self) -> None:
        """Raise ProtocolError when pixels cannot be written like this."""
        if not self.true_colour:
            raise ProtocolError("Pixels with a colour map are not supported, only true colour.")
        if self.bits_per_pixel not in {8, 16, 32} or self.depth > self.bits_per_pixel:
            raise ProtocolError(f"No pixels of {self.bits_per_pixel} bits, depth {self.depth}.")
        used = 0
        for largest, shift in self.channels:
            if largest == 0 or largest & (largest + 1):
                raise ProtocolError(f"A largest colour value of {largest} is not 2^n - 1.")
            mask = largest << shift
            if mask >> self.bits_per_pixel or used & mask:
                raise ProtocolError("The colours of the pixel format do not fit beside each other.")
            used |= mask

    @property
    def channels(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Largest value and shift of blue, green and red: the order of our pixels."""
        return (
            (self.blue_max, self.blue_shift),
            (self.green_max, self.green_shift),
            (self.red_max, self.red_shift),
        )

    @property
    def bytes_per_pixel(self) -> int:
        """Bytes of one PIXEL."""
        return self.bits_per_pixel // 8

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's name for one pixel value."""
        return np.dtype(f"{'>' if self.big_endian else '<'}u{self.bytes_per_pixel}")

    @property
    def is_888(self) -> bool:
        """Whether each colour has 8 bits in 32, at depth 24: the short TPIXEL applies."""
        return (self.bits_per_pixel, self.depth) == (32, 24) and (
            self.red_max == self.green_max == self.blue_max == 255
        )

    @property
    def is_bgrx(self) -> bool:
        """Whether pixels go over the wire just as they are."""
        return (
            self.bits_per_pixel == 32
            and not self.big_endian
            and self.channels == ((255, 0), (255, 8), (255, 16))
        )


BGRX32 = PixelFormat(32, 24, False, True, 255, 255, 255, 16, 8, 0)
"""What X servers and noVNC use: 32 bits, little endian, blue first."""


def to_wire(pixels: Pixels, pixel_format: PixelFormat) -> bytes:
    """Return the pixels as PIXELs, row by row; colours with fewer bits are cut off."""
    if pixel_format.is_bgrx:
        return pixels.tobytes()
    return to_values(pixels, pixel_format).tobytes()


def to_values(pixels: Pixels, pixel_format: PixelFormat) -> npt.NDArray[Any]:
    """Return pixel values of the format's `dtype`, of shape `[height, width]`."""
    blue, green, red = _tables(pixel_format)
    values: npt.NDArray[Any] = blue[pixels[..., 0]]
    values |= green[pixels[..., 1]]
    values |= red[pixels[..., 2]]
    return values.astype(pixel_format.dtype, copy=False)


def from_wire(data: bytes | bytearray | memoryview, pixel_format: PixelFormat) -> Pixels:
    """Return PIXELs as an array of shape `[count, 4]`, the fourth byte 255.

    Colours with fewer than 8 bits are spread over 0 to 255.
    """
    if pixel_format.is_bgrx:
        found: Pixels = np.frombuffer(data, np.uint8).reshape(-1, 4).copy()
        found[:, 3] = 255
        return found
    return from_values(np.frombuffer(data, pixel_format.dtype), pixel_format)


def from_values(values: npt.NDArray[Any], pixel_format: PixelFormat) -> Pixels:
    """Return pixels of pixel values of any shape; the array has one axis of 4 more."""
    native = values.astype(np.uint32)
    found = np.empty((*values.shape, 4), np.uint8)
    for index, (largest, shift) in enumerate(pixel_format.channels):
        channel = (native >> np.uint32(shift)) & np.uint32(largest)
        if largest != 255:
            channel = channel * np.uint32(255) // np.uint32(largest)
        found[..., index] = channel
    found[..., 3] = 255
    return found


@lru_cache(maxsize=64)
def _tables(pixel_format: PixelFormat) -> tuple[npt.NDArray[Any], ...]:
    """Return, for blue, green and red, what each of 256 intensities adds to a pixel value."""
    intensities = np.arange(256, dtype=np.uint32)
    native = pixel_format.dtype.newbyteorder("=")
    tables = []
    for largest, shift in pixel_format.channels:
        bits = largest.bit_length()
        cut = intensities >> (8 - bits) if bits <= 8 else intensities * largest // 255
        tables.append((cut << np.uint32(shift)).astype(native))
    return tuple(tables)
