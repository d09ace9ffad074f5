"""Few colours, found cheaply: by looking only at pixels that differ from their left neighbour."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from jupyter_xdisplay.rfb.pixel_format import Pixels

MOST_COLOURS = 256

_COLOUR_MASK = np.uint32(0x00FFFFFF)
_SAMPLE = 4096
"""About so many pixels, spread evenly, are looked at first."""

_BUSY_PART = 2
"""Where more than one in so many pixels differs from its neighbour, it is no flat picture."""


class Indexed(NamedTuple):
    """Pixels as indices into a palette.

    `palette` has shape `[colours, 4]`, `indices` is `uint8` of shape `[height, width]`.
    """

    palette: Pixels
    indices: npt.NDArray[np.uint8]


def find_palette(pixels: Pixels, most: int = MOST_COLOURS) -> Indexed | None:
    """Return the pixels with a palette of up to `most` colours; None where there are more.

    None also for pictures so busy that the search would cost more than it saves.
    """
    height, width = pixels.shape[:2]
    values = np.ascontiguousarray(pixels).view("<u4").ravel()
    if not values.size:
        return None
    colours = np.unique(values[:: values.size // _SAMPLE | 1] & _COLOUR_MASK)
    if len(colours) > most:
        return None
    values = values & _COLOUR_MASK
    starts = np.flatnonzero(values[1:] != values[:-1]) + 1
    if len(starts) > max(most, values.size // _BUSY_PART):
        return None
    starts = np.concatenate([[0], starts])
    firsts = values[starts]
    which, unknown = _look_up(firsts, colours)
    if unknown.any():
        colours = np.union1d(colours, firsts[unknown])
        if len(colours) > most:
            return None
        which, _ = _look_up(firsts, colours)
    lengths = np.diff(starts, append=values.size)
    indices = np.repeat(which.astype(np.uint8), lengths).reshape(height, width)
    return Indexed(colours.astype("<u4").view(np.uint8).reshape(-1, 4), indices)


def _look_up(
    values: npt.NDArray[np.uint32], colours: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return where each value is among sorted colours, and which are not there."""
    which = np.searchsorted(colours, values).clip(max=len(colours) - 1)
    return which, colours[which] != values
