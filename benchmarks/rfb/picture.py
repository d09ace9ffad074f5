"""Pictures like photographs with text, and marks in them that survive JPEG: black and white."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]
"""Of shape `[height, width, 4]`: blue, green, red, unused."""

FOLDER_VARIABLE = "XDISPLAY_BENCH_PICTURES"
"""Names the folder in which a run keeps its photographs."""

BLOCK = 32
"""Pixels of a side of a mark; marks lie on multiples of 16, as JPEG's blocks do."""

SHEET = 200
SHEET_EVERY = 400_000
"""Pixels of a side of a sheet of text, and of the picture for each: about a tenth of it."""

MARGIN = 512
STEP_X, STEP_Y = 7, 3
"""Pixels: how far the moving photograph goes, and how far from frame to frame."""

COUNTER_BITS = 12
COUNTER_X, COUNTER_Y = 0, 0
COUNTER_WIDTH, COUNTER_HEIGHT = COUNTER_BITS * BLOCK, 2 * BLOCK


def photograph(width: int, height: int, seed: int) -> Pixels:
    """Return the photograph of that number, made once in a run of the benchmark."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        return make_photograph(width, height, seed)
    path = Path(folder) / f"{width}x{height}-{seed}.npy"
    if not path.exists():
        np.save(path, make_photograph(width, height, seed))
    found: Pixels = np.load(path)
    return found


def photograph_to_move(width: int, height: int) -> Pixels:
    """Return the photograph that moves over a screen of that size."""
    return photograph(width + MARGIN, height + MARGIN, 1)


def place_of_frame(number: int) -> tuple[int, int]:
    """Return where in it the part begins that a frame shows: to and fro, each way."""
    return _bounce(number * STEP_X), _bounce(number * STEP_Y)


def _bounce(position: int) -> int:
    return MARGIN - abs(position % (2 * MARGIN) - MARGIN)


def make_photograph(width: int, height: int, seed: int) -> Pixels:
    """Make something with a photograph's mix of smooth parts, edges and grain, and sheets of text.

    JPEG of quality 92 takes 3.1 bits a pixel for it (photographs of people: 2.7 to 3.2).
    """
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cell, strength in ((256, 90), (64, 50), (16, 22), (4, 9)):
        coarse = random.uniform(-1, 1, (height // cell + 2, width // cell + 2, 3))
        picture += strength * _enlarged(coarse.astype(np.float32), width, height, cell)
    for _ in range(24):  # edges: discs of another brightness
        radius = int(random.uniform(20, 160))
        left, top = (int(random.uniform(0, side - 2 * radius)) for side in (width, height))
        y, x = np.mgrid[-radius:radius, -radius:radius]
        part = picture[top : top + 2 * radius, left : left + 2 * radius]
        part[x**2 + y**2 < radius**2] += random.uniform(-60, 60, 3).astype(np.float32)
    picture += 2.5 * random.standard_normal((height, width, 1), np.float32)
    made = np.zeros((height, width, 4), np.uint8)
    made[..., :3] = np.clip(picture + 128, 0, 255)
    for _ in range(width * height // SHEET_EVERY):
        left, top = (int(random.uniform(0, side - SHEET)) for side in (width, height))
        made[top : top + SHEET, left : left + SHEET, :3] = _sheet(random)
    return made


def _sheet(random: np.random.Generator) -> NDArray[np.uint8]:
    """Write lines of dark letters on a light square."""
    sheet = Image.new("RGB", (SHEET, SHEET), "#f6f4ec")
    letters = np.array([*"etaoinshrdlucmfwypvbgk.,   "])
    lines = ("".join(random.choice(letters, 40)) for _ in range(SHEET // 14))
    ImageDraw.Draw(sheet).multiline_text((8, 6), "\n".join(lines), "#202830", spacing=3)
    return np.asarray(sheet)


def _enlarged(
    coarse: NDArray[np.float32], width: int, height: int, cell: int
) -> NDArray[np.float32]:
    """Interpolate between the values of a coarse grid."""
    rows, columns = np.arange(height) / cell, np.arange(width) / cell
    top, left = rows.astype(int), columns.astype(int)
    down = (rows - top).astype(np.float32)[:, None, None]
    right = (columns - left).astype(np.float32)[None, :, None]
    lines = coarse[top] * (1 - down) + coarse[top + 1] * down
    return np.asarray(lines[:, left] * (1 - right) + lines[:, left + 1] * right, np.float32)


def counter(number: int) -> Pixels:
    """Draw a number: its Gray code, and below it the same inverted as a check."""
    number %= 1 << COUNTER_BITS
    gray = number ^ number >> 1
    bits = np.array([gray >> bit & 1 for bit in range(COUNTER_BITS)], np.uint8)
    rows = np.stack([bits, 1 - bits]) * np.uint8(255)
    blocks = rows.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    return np.repeat(blocks[..., None], 4, axis=2)


def read_counter(marks: Pixels) -> int | None:
    """Read a number off those pixels, None where it is not whole."""
    middle = BLOCK // 2
    top, bottom = (marks[row + middle, middle::BLOCK, 1] > 127 for row in (0, BLOCK))
    if (top == bottom).any():
        return None
    number = sum(int(bit) << place for place, bit in enumerate(top))
    for shift in (8, 4, 2, 1):
        number ^= number >> shift
    return number
