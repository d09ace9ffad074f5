"""JPEG of what moves: half the resolution of colour, one change in stripes side by side.

Unlike the screen at rest a moving picture may be inexact, but never late. simplejpeg releases the
GIL, so a second thread halves the time where a core is free: what a click changed is there sooner.
Frames that follow one another are one image each, as every image costs browsers some time (a tenth
of what a frame of 1280x720 takes them), unless they are too large for one thread.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from jupyter_xdisplay.rfb.encodings import tight
from jupyter_xdisplay.rfb.pixel_format import Pixels

SUBSAMPLING = "420"
"""Colours have half the resolution each way, as in video: half the time to encode and to decode
(720p: 2.5 ms in place of 5.6 ms), and what rests is sent exactly anyway."""

STRIPE_PIXELS = 128 * 1024
"""Smaller rectangles are not cut: a thread takes about 0.1 ms to answer."""

LARGE_PIXELS = 2048 * 1152
"""More than that takes one thread about a frame's time."""

BLOCK_ROWS = 16
"""Stripes begin where JPEG's blocks of half the resolution do."""

_helper = ThreadPoolExecutor(1, thread_name_prefix="rfb-jpeg")


def encode_motion(pixels: Pixels, x: int, y: int, level: int, *, alone: bool = True) -> list[bytes]:
    """Return rectangles of JPEG data.

    Parameters
    ----------
    pixels
        Of shape (height, width, 4).
    x, y
        Where they belong, in pixels.
    level
        The viewer's quality level, from 0 to 9.
    alone
        Whether it is one change, and not the next of many frames.
    """
    height, width = pixels.shape[:2]
    upper = height // 2 // BLOCK_ROWS * BLOCK_ROWS
    least = 2 * STRIPE_PIXELS if alone else LARGE_PIXELS
    if height * width < least or not upper:
        return tight.encode_jpeg(pixels, x, y, level, SUBSAMPLING)
    other = _helper.submit(tight.encode_jpeg, pixels[:upper], x, y, level, SUBSAMPLING)
    lower = tight.encode_jpeg(pixels[upper:], x, y + upper, level, SUBSAMPLING)
    return other.result() + lower
