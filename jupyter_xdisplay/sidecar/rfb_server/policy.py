"""JPEG or exact pixels? Pure.

Photographs and motion are sent as JPEG at once and exactly when they rest; flat areas and text
are sent exactly from the start, where that takes no longer than a frame should.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SMALL_PIXELS = 64 * 64
"""So few are always sent exactly."""

COLOUR = 0x00FFFFFF

LARGE_PIXELS = 256 * 256
"""From so many on the time goes into the pixels and not into the calls."""

FIRST_SAMPLES, MANY_COLOURS = 64, 32
"""So many colours among the first samples are a photograph. What a click brought is not in the
processor's cache: each look at it takes time."""

SAMPLES, FEW_COLOURS = 1024, 64
"""Text and widgets have fewer among the samples."""

FLAT_ROWS, FLAT = 16, 0.6
"""Where that share of pixels is as the one beside it, it is a plot or a widget, however many
colours its smooth edges have. Photographs have less than 0.1."""

EXACT_BUDGET_S = 0.006
"""Longest time that an exact rectangle may take while something moves."""


SLICE_S = 0.004
"""Longest time that a slice of an exact refresh should take to make."""

MOST_SLICE_PIXELS = 160 * 1024
LEAST_SLICE_PIXELS = 8 * 1024
EXACT_BYTES_PER_PIXEL = 2
"""What zlib makes of photographs, about."""


FADING = 0.99
"""What was found to be slow is tried again some time: after a hundred frames or so."""


class ExactCost:
    """Learns what exact encoding costs here, in seconds per pixel."""

    def __init__(self, per_pixel_s: float = 20e-9) -> None:
        self._first_s = self._per_pixel_s = per_pixel_s

    def fade(self) -> None:
        """Forget a little of it."""
        self._per_pixel_s = max(self._first_s, FADING * self._per_pixel_s)

    def learn(self, pixels: int, seconds: float) -> None:
        """Take a measurement. That a small rectangle is slow tells nothing about large ones."""
        if pixels >= LARGE_PIXELS or seconds < self.of(pixels):
            self._per_pixel_s = 0.7 * self._per_pixel_s + 0.3 * seconds / pixels

    def of(self, pixels: int) -> float:
        """Return the seconds that so many pixels will take."""
        return self._per_pixel_s * pixels

    def pixels_within(self, seconds: float) -> int:
        """Return how many pixels can be done in that time."""
        return int(seconds / self._per_pixel_s)


def slice_pixels(window_bytes: int, cost: ExactCost) -> int:
    """Return how much of an exact refresh is one update, of what may be on the way to a viewer.

    New damage waits for one slice at most, to be made and to be sent.
    """
    fitting = min(window_bytes // EXACT_BYTES_PER_PIXEL, cost.pixels_within(SLICE_S))
    return max(LEAST_SLICE_PIXELS, min(MOST_SLICE_PIXELS, fitting))


def wants_exact(pixels: npt.NDArray[np.uint8], cost: ExactCost) -> bool:
    """Tell whether a rectangle (shape (height, width, 4)) should be sent exactly at once."""
    height, width = pixels.shape[:2]
    count = height * width
    if count <= SMALL_PIXELS:
        return True
    if cost.of(count) > EXACT_BUDGET_S:
        return False
    if colours(pixels, FIRST_SAMPLES) > MANY_COLOURS:
        return False
    return flatness(pixels) >= FLAT or colours(pixels, SAMPLES) <= FEW_COLOURS


def flatness(pixels: npt.NDArray[np.uint8]) -> float:
    """Return the share of pixels that are as the one beside them, in some of the rows."""
    rows = pixels[:: max(1, len(pixels) // FLAT_ROWS)].view(np.uint32)[..., 0] & COLOUR
    return float((rows[:, 1:] == rows[:, :-1]).mean()) if rows.shape[1] > 1 else 0.0


def colours(pixels: npt.NDArray[np.uint8], samples: int) -> int:
    """Count the colours among about so many pixels spread over a rectangle."""
    height, width = pixels.shape[:2]
    step = max(1, int((height * width / samples) ** 0.5))
    return len(set((pixels[::step, ::step].view(np.uint32) & COLOUR).ravel().tolist()))
