"""Pixels as PNG."""

from __future__ import annotations

import io

import numpy as np

from jupyter_xdisplay.x11.pixels import Pixels

COMPRESS_LEVEL = 3
"""Of zlib: a screen of text and plots gets hardly smaller above it, and takes much longer."""


def to_png(pixels: Pixels) -> bytes:
    """Return pixels (blue, green, red, padding) as PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 2::-1]).save(file, "PNG", compress_level=COMPRESS_LEVEL)
    return file.getvalue()


def is_single_colour(pixels: Pixels) -> bool:
    """Tell whether all pixels are alike: such a picture shows nothing."""
    return bool(np.all(pixels[..., :3] == pixels[0, 0, :3]))
