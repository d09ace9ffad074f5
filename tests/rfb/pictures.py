"""Pictures to send: flat, text, few colours, smooth, noisy, and of awkward sizes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from jupyter_xdisplay.rfb import PixelFormat, Pixels

BGR233 = PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6)
RGB332 = PixelFormat(8, 8, False, True, 7, 7, 3, 5, 2, 0)
RGB222 = PixelFormat(8, 6, False, True, 3, 3, 3, 4, 2, 0)
RGB111 = PixelFormat(8, 3, False, True, 1, 1, 1, 2, 1, 0)
RGB565 = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)
RGB555_BIG = PixelFormat(16, 15, True, True, 31, 31, 31, 10, 5, 0)
BGRX32 = PixelFormat(32, 24, False, True, 255, 255, 255, 16, 8, 0)
RGBX32 = PixelFormat(32, 24, False, True, 255, 255, 255, 0, 8, 16)
XRGB32_BIG = PixelFormat(32, 24, True, True, 255, 255, 255, 16, 8, 0)
RGBX32_HIGH = PixelFormat(32, 24, False, True, 255, 255, 255, 8, 16, 24)
BGRX32_DEPTH_32 = PixelFormat(32, 32, False, True, 255, 255, 255, 16, 8, 0)
RGB565_IN_32 = PixelFormat(32, 16, False, True, 31, 63, 31, 11, 5, 0)
RGB30 = PixelFormat(32, 30, False, True, 1023, 1023, 1023, 20, 10, 0)

FORMATS = {
    "bgr233": BGR233,
    "rgb332": RGB332,
    "rgb222": RGB222,
    "rgb111": RGB111,
    "rgb565": RGB565,
    "rgb555-big": RGB555_BIG,
    "bgrx32": BGRX32,
    "rgbx32": RGBX32,
    "xrgb32-big": XRGB32_BIG,
    "rgbx32-high": RGBX32_HIGH,
    "bgrx32-depth32": BGRX32_DEPTH_32,
    "rgb565-in-32": RGB565_IN_32,
    "rgb30": RGB30,
}


def flat(width: int, height: int) -> Pixels:
    """Return one colour."""
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[...] = (200, 100, 50, 7)
    return pixels


def stripes(width: int, height: int, colours: int) -> Pixels:
    """Return as many colours as asked for, in stripes of five pixels."""
    palette = np.random.default_rng(colours).integers(0, 256, (colours, 4), np.uint8)
    chosen: Pixels = palette[np.arange(width * height) // 5 % colours]
    return chosen.reshape(height, width, 4)


def text(width: int, height: int) -> Pixels:
    """Return dark text on white, with antialiasing."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for row in range(0, height, 14):
        draw.text((3, row), f"line {row}: the quick brown fox jumps over it " * 3, fill="#202040")
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., :3] = np.asarray(image)[..., ::-1]
    return pixels


def smooth(width: int, height: int) -> Pixels:
    """Return a picture like a photograph: gradients with a little noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    shades = np.stack([columns / 3, rows / 2, (rows + columns) / 5, rows * 0], -1) % 230
    noise = np.random.default_rng(1).normal(0, 3, (height, width, 4))
    return (shades + noise).clip(0, 255).astype(np.uint8)


def noise(width: int, height: int) -> Pixels:
    """Return what no encoding can make smaller."""
    return np.random.default_rng(2).integers(0, 256, (height, width, 4), np.uint8)


PICTURES: dict[str, Pixels] = {
    "one pixel": noise(1, 1),
    "three pixels": noise(3, 1),
    "column": noise(1, 70),
    "row": noise(70, 1),
    "flat": flat(131, 67),
    "two colours": stripes(131, 67, 2),
    "four colours": stripes(131, 67, 4),
    "nine colours": stripes(131, 67, 9),
    "100 colours": stripes(131, 67, 100),
    "257 colours": stripes(300, 130, 257),
    "text": text(320, 200),
    "smooth": smooth(200, 150),
    "noise": noise(130, 65),
    "wide": stripes(2100, 5, 9),
    "wide noise": noise(4099, 2),
    "large": smooth(640, 500),
    "slice": smooth(300, 200)[11:111, 7:277],
}


def alike(found: Pixels, expected: Pixels) -> bool:
    """Whether the colours are the same; the fourth byte does not count."""
    return found.shape == expected.shape and bool((found[..., :3] == expected[..., :3]).all())
