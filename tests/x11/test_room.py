"""Where windows stand so that their menus have room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.room import AFTER, BEFORE, place_with_room, screen_for

HD = Size(1920, 1080)


@pytest.mark.parametrize(
    ("window", "place"),
    [
        (Rect(400, 300, 640, 480), (400, 180)),
        (Rect(0, 0, 300, 200), (BEFORE, BEFORE)),
        (Rect(1700, 900, 200, 100), (1920 - AFTER - 200, 1080 - AFTER - 100)),
    ],
)
def test_a_window_is_moved_no_further_than_needed(window: Rect, place: tuple[int, int]) -> None:
    """Away from the edges; along an axis with room enough it stays."""
    assert place_with_room(window, HD) == place


@given(
    window=some.builds(
        Rect,
        some.integers(-3000, 3000),
        some.integers(-3000, 3000),
        some.integers(1, 4000),
        some.integers(1, 4000),
    )
)
def test_a_window_that_fits_is_whole_on_the_screen(window: Rect) -> None:
    """Wherever it was; one larger than the screen has its top left corner on it."""
    x, y = place_with_room(window, HD)
    assert 0 <= x <= max(0, HD.width - window.width)
    assert 0 <= y <= max(0, HD.height - window.height)


@pytest.mark.parametrize(
    ("window", "screen"),
    [
        (Size(1920, 1080), HD),
        (Size(700, 1500), Size(1920, BEFORE + 1500 + AFTER)),
        (Size(2000, 900), Size(BEFORE + 2000 + AFTER, 1080)),
        (Size(5000, 3000), Size(3840, 2160)),
    ],
)
def test_a_screen_grows_as_far_as_it_can(window: Size, screen: Size) -> None:
    """Only along an axis that is too short, with room for menus; it never shrinks."""
    assert screen_for([Size(300, 200), window], HD, Size(3840, 2160)) == screen
    assert screen_for([], screen, Size(3840, 2160)) == screen
