"""What has changed on a screen, as few large rectangles."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.sidecar.rfb_server.region import (
    MAX_RECTANGLES,
    Region,
    Resting,
    intersects,
)
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect

SCREEN = Size(64, 48)

rectangles = st.builds(
    Rect, st.integers(0, 60), st.integers(0, 44), st.integers(1, 30), st.integers(1, 30)
)


def painted(found: list[Rect]) -> np.ndarray:
    """Paint rectangles onto a screen; each pixel says how often it was painted."""
    screen = np.zeros((100, 100), np.uint8)
    for rect in found:
        screen[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] += 1
    return screen


@given(st.lists(rectangles, max_size=30))
def test_region_holds_all_that_was_added(added: list[Rect]) -> None:
    """No changed pixel is lost, and the rectangles are few and do not overlap."""
    found = list(Region(added))
    assert len(found) <= MAX_RECTANGLES
    assert np.all(painted(found)[painted(added) > 0] > 0)
    assert not any(intersects(one, other) for one, other in itertools.combinations(found, 2))


@given(st.lists(rectangles, max_size=10))
def test_region_is_clipped_to_the_screen(added: list[Rect]) -> None:
    """After a resize nothing outside the screen is left."""
    region = Region(added)
    region.clip(SCREEN)
    for rect in region:
        assert rect.x + rect.width <= SCREEN.width
        assert rect.y + rect.height <= SCREEN.height


def test_region_is_empty_after_take() -> None:
    """What was taken is not taken again."""
    region = Region([Rect(0, 0, 5, 5)])
    assert region.take() == [Rect(0, 0, 5, 5)]
    assert not region
    assert region.take() == []


def test_far_apart_stays_apart() -> None:
    """Two small changes in opposite corners do not cost the whole screen."""
    corners = [Rect(0, 0, 10, 10), Rect(1900, 1000, 10, 10)]
    assert sorted(Region(corners)) == corners


def test_resting_waits_for_rest_then_gives_slices() -> None:
    """What moved is given once it rested, in slices that cover it exactly."""
    resting = Resting(0.3)
    resting.add(Rect(0, 0, 100, 100), 10.0)
    assert resting.take(10.2, 1000) is None
    assert abs((resting.due_s(10.2) or 0) - 0.1) < 1e-9
    slices = []
    while (rect := resting.take(10.31, 2500)) is not None:
        slices.append(rect)
    assert [rect.height for rect in slices] == [25, 25, 25, 25]
    assert painted(slices)[:100, :100].all()
    assert not resting


def test_resting_is_not_held_up_by_what_never_stops() -> None:
    """A part that keeps moving does not keep another from being sent exactly."""
    resting = Resting(0.3)
    resting.add(Rect(0, 0, 50, 50), 10.0)
    for step in range(10):
        resting.add(Rect(200, 200, 50, 50), 10.0 + step / 20)
    assert resting.take(10.45, 10**6) == Rect(0, 0, 50, 50)
    assert resting.take(10.45, 10**6) is None


def test_resting_starts_anew_when_it_moves_again() -> None:
    """New motion over the same place restarts its time."""
    resting = Resting(0.3)
    resting.add(Rect(0, 0, 50, 50), 10.0)
    resting.add(Rect(0, 0, 60, 60), 10.25)
    assert resting.take(10.4, 10**6) is None
    assert resting.take(10.56, 10**6) == Rect(0, 0, 60, 60)
