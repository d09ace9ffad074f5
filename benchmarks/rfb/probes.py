"""What part of a screen tells one frame from the next, for each workload."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.rfb.picture import (
    COUNTER_HEIGHT,
    COUNTER_WIDTH,
    COUNTER_X,
    COUNTER_Y,
    Pixels,
    read_counter,
)

PLAIN_DIFFERENCE = 40
"""Levels of a colour: more than JPEG, or an exact refresh after it, makes of the same pixels."""


@dataclass(frozen=True)
class Probe:
    """A rectangle of the screen, in pixels; `counter` says that it has a frame's number."""

    x: int
    y: int
    width: int
    height: int
    counter: bool = False

    def of(self, picture: Pixels) -> Pixels:
        """Return its pixels."""
        return picture[self.y : self.y + self.height, self.x : self.x + self.width]


COUNTER = Probe(COUNTER_X, COUNTER_Y, COUNTER_WIDTH, COUNTER_HEIGHT, counter=True)


class Distinct:
    """Counts the frames that differ, as a probe shows them."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._numbers: set[int] = set()
        self._last: Pixels | None = None
        self.count = 0

    def look(self, picture: Pixels) -> None:
        """Take another picture."""
        pixels = self._probe.of(picture)
        if self._probe.counter:
            number = read_counter(pixels)
            if number is not None:
                self._numbers.add(number)
            self.count = len(self._numbers)
        elif self._last is None or plainly_differ(self._last, pixels):
            self._last = pixels.copy()
            self.count += 1


def plainly_differ(one: Pixels, other: Pixels) -> bool:
    """Tell whether a pixel has another colour to the eye."""
    difference = np.abs(one[..., :3].astype(np.int16) - other[..., :3])
    return bool((difference > PLAIN_DIFFERENCE).any())


def all_are(picture: Pixels, places: Iterable[tuple[int, int]], level: int) -> bool:
    """Tell whether pixels are black (0) or white (255)."""
    return all((picture[y, x, 1] > 127) == (level > 127) for x, y in places)
