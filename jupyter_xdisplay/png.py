"""What a PNG shows, for kernels and the server."""

from __future__ import annotations

import io


def is_single_colour(png: bytes) -> bool:
    """Tell whether a PNG shows nothing: all of one colour, or no picture at all."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            extrema = image.convert("RGB").getextrema()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return True
    return all(low == high for low, high in extrema)
