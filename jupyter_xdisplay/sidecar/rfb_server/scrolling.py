"""Finds what has moved up or down, as text does in terminals and pages in browsers. Pure."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

LEAST_SHARE = 0.25
"""So many of the rows must have moved, beyond as many as stayed where they were."""


def find_shift(before: NDArray[np.uint32], now: NDArray[np.uint32]) -> int:
    """Return by how many rows the content of a rectangle moved up, negative for down.

    Rows are compared by a sum of their pixels, so this is a guess; rows that there are several of,
    as the empty ones, tell nothing.

    Parameters
    ----------
    before, now
        Pixels as one number each, of the same shape (height, width).

    Returns
    -------
    int
        Rows; 0 where nothing was found.
    """
    height, width = before.shape
    old, new = (np.einsum("ij,j->i", rows, _weights(width)).tolist() for rows in (before, now))
    counts = Counter(old)
    places = {value: row for row, value in enumerate(old) if counts[value] == 1}
    shifts = Counter(places[value] - row for row, value in enumerate(new) if value in places)
    stayed = shifts.pop(0, 0)
    shift, found = max(shifts.items(), key=itemgetter(1), default=(0, 0))
    return shift if found - stayed >= LEAST_SHARE * height else 0


@lru_cache(maxsize=16)
def _weights(count: int) -> NDArray[np.uint32]:
    """Return what the pixels of a row are multiplied by: made once for what scrolls on and on."""
    return np.random.default_rng(0).integers(1, 1 << 32, count, np.uint32)
