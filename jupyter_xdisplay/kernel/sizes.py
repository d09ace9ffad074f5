"""Sizes as users of the Python API give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.spec import Size, check_size, parse_size

if TYPE_CHECKING:
    SizeLike = str | tuple[int, int] | None


def read_size(size: SizeLike) -> Size:
    """Return a size given as text or as a pair.

    Raises
    ------
    UsageError
        When it is none.
    """
    if isinstance(size, str):
        return parse_size(size)
    try:
        width, height = size  # type: ignore[misc]
        return check_size(Size(int(width), int(height)))
    except UsageError:
        raise
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{size!r} is not a size.", fix='give "1280x720" or (1280, 720), in pixels'
        ) from error
