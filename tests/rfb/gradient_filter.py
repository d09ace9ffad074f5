"""Tight's gradient filter as a server applies it: by the formula in rfbproto."""

from __future__ import annotations

import numpy as np

from jupyter_xdisplay.rfb import PixelFormat, Pixels
from jupyter_xdisplay.rfb.pixel_format import to_values


def apply(pixels: Pixels, pixel_format: PixelFormat) -> bytes:
    """Return pixels as differences from what their neighbours predict, as TPIXELs."""
    values = to_values(pixels, pixel_format).astype(np.int64)
    different = np.zeros((*values.shape, 3), np.int64)
    for index, (largest, shift) in enumerate(pixel_format.channels):
        channel = values >> shift & largest
        padded = np.pad(channel, ((1, 0), (1, 0)))
        guess = (padded[:-1, 1:] + padded[1:, :-1] - padded[:-1, :-1]).clip(0, largest)
        different[..., index] = channel - guess & largest
    if pixel_format.is_888:
        return different[..., ::-1].astype(np.uint8).tobytes()
    packed = sum(different[..., i] << shift for i, (_, shift) in enumerate(pixel_format.channels))
    return np.asarray(packed).astype(pixel_format.dtype).tobytes()
