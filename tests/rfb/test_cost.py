"""What encoding costs: printed, not judged (`pytest -s tests/rfb/test_cost.py`)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import simplejpeg

from jupyter_xdisplay.rfb import BGRX32, EncoderState, raw, tight, zrle
from jupyter_xdisplay.rfb.encodings.tight import JPEG_QUALITY
from tests.rfb.loopback import Loopback
from tests.rfb.pictures import alike, flat, smooth, text

SIZE = (1280, 720)
REPEATS = 3


def _milliseconds(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


@pytest.mark.parametrize("name", ["flat", "text", "smooth"])
def test_cost_of_a_whole_screen(name: str) -> None:
    """Each way to send a 720p picture, in milliseconds, beside simplejpeg alone."""
    pixels = {"flat": flat, "text": text, "smooth": smooth}[name](*SIZE)
    state = EncoderState()
    factor, subsampling = JPEG_QUALITY[6]
    ways: dict[str, Callable[[], Any]] = {
        "simplejpeg alone": lambda: simplejpeg.encode_jpeg(
            pixels, factor, colorspace="BGRX", colorsubsampling=subsampling, fastdct=True
        ),
        "tight JPEG": lambda: tight.encode_jpeg(pixels, 0, 0, 6),
        "tight mixed": lambda: tight.encode(pixels, 0, 0, BGRX32, state, 6),
        "tight lossless": lambda: tight.encode_lossless(pixels, 0, 0, BGRX32, state),
        "zrle": lambda: zrle.encode(pixels, 0, 0, BGRX32, state),
        "raw": lambda: raw.encode(pixels, 0, 0, BGRX32),
    }
    print(f"\n{name} {SIZE[0]}x{SIZE[1]}")
    for way, work in ways.items():
        made = work()
        size = len(made) if isinstance(made, bytes) else sum(map(len, made))
        print(f"  {way:17} {_milliseconds(work):7.2f} ms {size:9} bytes")
    loop = Loopback(SIZE)
    loop.update(tight.encode_lossless(pixels, 0, 0, BGRX32, EncoderState()))
    assert alike(loop.client.framebuffer, pixels)
