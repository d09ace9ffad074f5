"""Which pop-up belongs to which window, decided without an X server."""

from __future__ import annotations

import pytest

from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.window_group import (
    Managed,
    Piece,
    PopUp,
    WindowStack,
    distance,
    owner,
    pieces,
    top_level,
)

LEFT, RIGHT, DIALOG, OTHER = 1, 2, 3, 4
ONE_CLIENT, OTHER_CLIENT, MANAGER = 0x100, 0x200, 0x900
MENU = 50


def managed(window: int, rect: Rect, transient_for: int = 0, base: int = ONE_CLIENT) -> Managed:
    """Make a window in a frame, 20 pixels of title bar above it."""
    frame = rect._replace(y=rect.y - 20, height=rect.height + 20)
    return Managed(window, window + 1000, rect, 0, frame, 1, transient_for, base)


WINDOWS = {
    LEFT: managed(LEFT, Rect(0, 20, 100, 100)),
    RIGHT: managed(RIGHT, Rect(500, 20, 100, 100)),
    DIALOG: managed(DIALOG, Rect(520, 60, 50, 50), transient_for=RIGHT),
    OTHER: managed(OTHER, Rect(0, 20, 100, 100), base=OTHER_CLIENT),
}


def stack(
    *pop_ups: PopUp, active: int = 0, windows: dict[int, Managed] | None = None
) -> WindowStack:
    """Put pop-ups above the windows."""
    chosen = WINDOWS if windows is None else windows
    order = [window.frame for window in chosen.values()] + [pop_up.window for pop_up in pop_ups]
    return WindowStack(chosen, {pop_up.window: pop_up for pop_up in pop_ups}, tuple(order), active)


def menu(
    x: int, y: int, transient_for: int = 0, base: int = ONE_CLIENT, window: int = MENU
) -> PopUp:
    """Make a menu of 80x200 pixels."""
    return PopUp(window, Rect(x, y, 80, 200), 1, transient_for, base)


def test_dialogs_belong_to_their_window() -> None:
    """They are no top-level windows of their own, nor are their dialogs."""
    inner = managed(9, Rect(530, 70, 20, 20), transient_for=DIALOG)
    with_inner = stack(windows={**WINDOWS, 9: inner})
    assert top_level(9, with_inner) == RIGHT
    assert top_level(DIALOG, with_inner) == RIGHT
    assert [top_level(window, with_inner) for window in (LEFT, RIGHT, OTHER)] == [
        LEFT,
        RIGHT,
        OTHER,
    ]


@pytest.mark.parametrize("parent", [777, 9])
def test_odd_parents(parent: int) -> None:
    """A parent that is not there, or the window itself, is none."""
    odd = stack(windows={9: managed(9, Rect(0, 0, 9, 9), transient_for=parent)})
    assert top_level(9, odd) == 9


def test_parents_in_a_ring_end() -> None:
    """Windows that are each other's dialogs do not keep us in a loop."""
    ring = stack(
        windows={
            8: managed(8, Rect(0, 0, 9, 9), transient_for=9),
            9: managed(9, Rect(0, 0, 9, 9), transient_for=8),
        }
    )
    assert top_level(8, ring) in {8, 9}


@pytest.mark.parametrize(
    ("pop_up", "active", "expected"),
    [
        (menu(510, 30, transient_for=LEFT), RIGHT, LEFT),
        (menu(0, 0, transient_for=DIALOG), LEFT, RIGHT),
        (menu(510, 30), LEFT, LEFT),
        (menu(0, 30), DIALOG, RIGHT),
        (menu(110, 30), OTHER, LEFT),
        (menu(450, 30), 0, RIGHT),
        (menu(0, 30, base=MANAGER), LEFT, None),
    ],
    ids=["says so", "dialog's", "active", "active dialog", "nearest", "near right", "stranger's"],
)
def test_owner_of_a_pop_up(pop_up: PopUp, active: int, expected: int | None) -> None:
    """What it says itself, else the active window of its client, else the nearest one."""
    assert owner(MENU, stack(pop_up, active=active)) == expected


def test_a_menus_menu() -> None:
    """A submenu that names its menu belongs to the menu's window."""
    both = stack(menu(0, 30, transient_for=RIGHT), menu(0, 50, transient_for=MENU, window=51))
    assert owner(51, both) == RIGHT


def test_pieces_are_in_stacking_order() -> None:
    """The window first, its dialog with the frame, its pop-up on top; nobody else's."""
    found = pieces(RIGHT, stack(menu(450, 30), active=RIGHT))
    assert found == [
        Piece(RIGHT + 1000, Rect(500, 0, 100, 120), 1, Rect(500, 20, 100, 100)),
        Piece(DIALOG + 1000, Rect(520, 40, 50, 70), 1, Rect(520, 40, 50, 70)),
        Piece(MENU, Rect(450, 30, 80, 200), 1, Rect(450, 30, 80, 200)),
    ]
    assert pieces(LEFT, stack(menu(450, 30), active=RIGHT)) == [
        Piece(LEFT + 1000, Rect(0, 0, 100, 120), 1, Rect(0, 20, 100, 100))
    ]


def test_distance() -> None:
    """0 where rectangles meet, else the larger gap."""
    one = Rect(0, 0, 10, 10)
    assert distance(one, Rect(5, 5, 50, 50)) == 0
    assert distance(one, Rect(10, 0, 5, 5)) == 0
    assert distance(one, Rect(17, 12, 5, 5)) == 7
    assert distance(Rect(17, 30, 5, 5), one) == 20
