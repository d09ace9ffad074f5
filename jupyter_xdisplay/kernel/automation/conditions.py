"""What `Window.wait` can wait for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from jupyter_xdisplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_xdisplay.rfb import Pixels
    from jupyter_xdisplay.sidecar.rfb_viewer import RfbViewer

    Title = str | re.Pattern[str]
    Colour = str | tuple[int, int, int]
    Condition = Callable[[RfbViewer], str | None]
    """None when it holds; else what is seen instead."""

TOLERANCE = 16
"""By how much each of red, green and blue may differ, of 255."""


def changed_from(before: Pixels) -> Condition:
    """Wait for another picture than `before`, or another size."""

    def condition(viewer: RfbViewer) -> str | None:
        now = viewer.framebuffer
        return "its picture is as it was" if np.array_equal(now, before) else None

    return condition


def titled(title: Title) -> Condition:
    """Wait for a title that contains a text, or in which a regular expression is found."""

    def condition(viewer: RfbViewer) -> str | None:
        return None if matches(title, viewer.title) else f"its title is {viewer.title!r}"

    return condition


def coloured(x: int, y: int, colour: Colour) -> Condition:
    """Wait for about that colour at a place of the window.

    Raises
    ------
    UsageError
        When that is no colour.
    """
    wanted = _read_colour(colour)

    def condition(viewer: RfbViewer) -> str | None:
        left, top = viewer.origin
        height, width = viewer.framebuffer.shape[:2]
        if not (0 <= left + x < width and 0 <= top + y < height):
            part = viewer.parts[0]
            return f"({x}, {y}) is outside of it, it has {part.width}x{part.height} pixels"
        blue, green, red = viewer.framebuffer[top + y, left + x, :3].tolist()
        seen = (red, green, blue)
        if all(abs(one - other) <= TOLERANCE for one, other in zip(seen, wanted, strict=True)):
            return None
        return f"the pixel at ({x}, {y}) is {_hex(seen)}, and not {_hex(wanted)}"

    return condition


def matches(title: Title, text: str) -> bool:
    """Tell whether a text contains a text, or a regular expression is found in it."""
    return title in text if isinstance(title, str) else title.search(text) is not None


def say(title: Title) -> str:
    """Name what a title is to be like, for messages."""
    if isinstance(title, str):
        return f"title that contains {title!r}"
    return f"title that matches {title.pattern!r}"


def _read_colour(colour: Colour) -> tuple[int, int, int]:
    import PIL.ImageColor

    try:
        read = PIL.ImageColor.getrgb(colour) if isinstance(colour, str) else tuple(colour)
        red, green, blue = (int(level) for level in read[:3])
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{colour!r} is no colour.", fix='give "red", "#ff8000" or (255, 128, 0)'
        ) from error
    return red, green, blue


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
