"""Pixels as a server stores them (X11 protocol, "Visual types") → BGRX arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_xdisplay.errors import UsageError

Pixels = NDArray[np.uint8]
"""Shape (height, width, 4), one byte each for blue, green, red and an unused one."""

BGRX_MASKS = (0xFF0000, 0x00FF00, 0x0000FF)


class ImageLayout:
    """How ZPixmap images of a drawable are laid out.

    Parameters
    ----------
    setup
        The connection's setup: byte order and scanline padding by depth.
    depth
        Of the drawable.
    masks
        Red, green and blue mask of its visual.

    Raises
    ------
    UsageError
        When such pixels cannot be read: colour maps, big-endian servers.
    """

    def __init__(self, setup: Any, depth: int, masks: tuple[int, int, int]) -> None:
        formats = {item.depth: item for item in setup.pixmap_formats}
        bits = formats[depth].bits_per_pixel if depth in formats else 0
        if bits not in {16, 32} or not all(masks) or setup.image_byte_order != 0:
            raise UsageError(
                f"Screens of {depth} bits a pixel cannot be captured.",
                fix="start the X server with a true-colour screen of depth 24",
            )
        self.depth = depth
        self.pad_bytes: int = formats[depth].scanline_pad // 8
        self.bytes_per_pixel: int = bits // 8
        self._masks = masks
        self.direct = bits == 32 and masks == BGRX_MASKS

    def stride(self, width: int) -> int:
        """Return the bytes from one row to the next."""
        pad = self.pad_bytes
        return (width * self.bytes_per_pixel + pad - 1) // pad * pad

    def read(self, data: NDArray[np.uint8], width: int, height: int) -> Pixels:
        """Return an image as BGRX: a view of `data` where it is that already, else a copy."""
        stride = self.stride(width)
        rows = data[: stride * height].reshape(height, stride)
        if self.direct:
            return rows.reshape(height, width, 4)
        kind = "<u2" if self.bytes_per_pixel == 2 else "<u4"
        values = rows[:, : width * self.bytes_per_pixel].view(kind).astype(np.uint32)
        pixels = np.full((height, width, 4), 255, np.uint8)
        for place, mask in zip((2, 1, 0), self._masks, strict=True):
            shift = (mask & -mask).bit_length() - 1
            largest = mask >> shift
            pixels[:, :, place] = ((values & mask) >> shift) * 255 // largest
        return pixels


def masks_of(setup: Any, visual_id: int) -> tuple[int, int, int]:
    """Return red, green and blue mask of a visual; zeros where it has none or is not known."""
    for screen in setup.roots:
        for depth in screen.allowed_depths:
            for visual in depth.visuals:
                if visual.visual_id == visual_id:
                    return visual.red_mask, visual.green_mask, visual.blue_mask
    return 0, 0, 0
