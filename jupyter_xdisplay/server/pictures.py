"""Pictures for notebook files: small, and of something."""

from __future__ import annotations

import base64
import binascii
import functools
import io

import numpy as np
from PIL import Image

CACHED = 64
"""Pictures of windows that have not changed since the last save are not made again."""

PALETTE_MAX = 256
LOSS_MAX = 0.5
"""Root mean square of what a palette may change, in levels of 0 to 255: nobody sees it, and plots
with their smoothed edges, of a thousand colours, get less than half as large."""


@functools.lru_cache(maxsize=CACHED)
def compact(png: bytes) -> bytes:
    """Return a smaller PNG: with a palette where that changes (nearly) nothing.

    Up to 256 colours are kept exactly, and so is all that a palette would change by more than
    `LOSS_MAX`.
    """
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    if image.getcolors(PALETTE_MAX) is not None:
        return _encoded(_with_palette(image))
    reduced = image.quantize(PALETTE_MAX, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    changes = np.asarray(reduced.convert("RGB"), np.float32) - np.asarray(image)
    if np.sqrt(np.mean(changes**2)) <= LOSS_MAX:
        return _encoded(reduced)
    return min(png, _encoded(image), key=len)


def decoded(value: object) -> bytes:
    """Return the bytes of a notebook's `image/png` (base64), none where that is damaged."""
    text = "".join(map(str, value)) if isinstance(value, list) else value
    try:
        return base64.b64decode(text) if isinstance(text, str) else b""
    except binascii.Error:
        return b""


def _with_palette(image: Image.Image) -> Image.Image:
    """Return the same pixels; Pillow's own way there (`quantize`) may merge colours."""
    pixels = np.asarray(image)
    numbers = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(numbers, return_inverse=True)
    with_palette = Image.fromarray(indices.reshape(numbers.shape).astype(np.uint8))
    parts = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    with_palette.putpalette(parts.astype(np.uint8).tobytes())
    return with_palette


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
