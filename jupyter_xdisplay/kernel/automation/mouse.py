"""Where in a window's framebuffer the pointer goes, and which buttons there are."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_xdisplay.sidecar.rfb_viewer import RfbViewer

BUTTONS = {
    "left": 1 << 0,
    "middle": 1 << 1,
    "right": 1 << 2,
    "wheel_up": 1 << 3,
    "wheel_down": 1 << 4,
    "back": 1 << 7,
    "forward": 1 << 8,
}
"""Masks of RFB's pointer events (rfbproto, ExtendedMouseButtons)."""

STEP_PIXELS = 8
MOST_STEPS = 100


def button_mask(button: str) -> int:
    """Return the mask of a button.

    Raises
    ------
    UsageError
        When there is none of that name.
    """
    names = [name for name in BUTTONS if not name.startswith("wheel")]
    if button not in names:
        near = difflib.get_close_matches(str(button), names, 1)
        raise UsageError(
            f"{button!r} is no button of a mouse.", fix="use " + ", ".join(near or names)
        )
    return BUTTONS[button]


def place_of(viewer: RfbViewer, x: float, y: float) -> tuple[int, int]:
    """Return where a place of the window is within the framebuffer.

    Raises
    ------
    UsageError
        When neither the window nor one of its menus and dialogs is there: the pointer would be
        over something else.
    """
    left, top = viewer.origin
    place = left + round(x), top + round(y)
    for part in viewer.parts:
        if 0 <= place[0] - part.x < part.width and 0 <= place[1] - part.y < part.height:
            return place
    window, *others = viewer.parts
    raise UsageError(
        f"({x}, {y}) is outside of the window, which has {window.width}x{window.height} pixels"
        + (f", and of what belongs to it ({len(others)})." if others else "."),
        fix="a menu must be open before it can be clicked: .wait(change=True)",
    )


def drag_path(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield places from one to another, the last one included."""
    across, down = end[0] - start[0], end[1] - start[1]
    steps = max(2, min(max(abs(across), abs(down)) // STEP_PIXELS, MOST_STEPS))
    for step in range(1, steps + 1):
        yield start[0] + across * step // steps, start[1] + down * step // steps
