"""How true to the screen a moving picture is: what a server saves in bytes, it may lose here."""

from __future__ import annotations

import numpy as np

from benchmarks.rfb.picture import (
    COUNTER_HEIGHT,
    Pixels,
    photograph_to_move,
    place_of_frame,
    read_counter,
)
from benchmarks.rfb.probes import COUNTER

SAMPLES = 12


class Fidelity:
    """Compares some frames of `motion` with what was drawn.

    Parameters
    ----------
    size
        The screen's, in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._photograph = photograph_to_move(*size)
        self._found: list[float] = []

    def look(self, picture: Pixels) -> None:
        """Take another frame; those after the first `SAMPLES` are passed over."""
        number = read_counter(COUNTER.of(picture))
        if len(self._found) >= SAMPLES or number is None:
            return
        width, height = self._size
        left, top = place_of_frame(number)
        drawn = self._photograph[top + COUNTER_HEIGHT : top + height, left : left + width, :3]
        difference = picture[COUNTER_HEIGHT:, :, :3].astype(np.float32) - drawn
        self._found.append(float((difference**2).mean()))

    def psnr_db(self) -> float:
        """Return the peak signal-to-noise ratio of the best frame: others may be torn."""
        return float(10 * np.log10(255**2 / min(self._found))) if self._found else 0.0
