"""What a viewer of a window is told of its parts: the screens of ExtendedDesktopSize."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jupyter_xdisplay.x11.geometry import Rect
from tests.sidecar.rfb_server.test_windows import GREEN, INPUT, Make, Program, make, view
from tests.sidecar.rfb_server.viewing import SidecarViewer
from tests.x11.drawing import Drawing

__all__ = ["make", "view"]  # fixtures

Look = Callable[[Program], SidecarViewer]


def screens(viewer: SidecarViewer) -> list[tuple[int, ...]]:
    """Place and size of each screen."""
    return [tuple(screen)[1:5] for screen in viewer.client.screens]


def test_a_window_alone_is_one_screen(make: Make, view: Look) -> None:
    """As large as the framebuffer."""
    assert screens(view(make())) == [(0, 0, 300, 200)]


def test_a_menu_is_the_second_screen(make: Make, view: Look) -> None:
    """The window's own place is known at the very size that the menu makes necessary."""
    program = make()
    viewer = view(program)
    x, y = program.place
    menu = Drawing(program.x, Rect(x - 60, y + 50, 100, 300), INPUT)
    menu.fill(Rect(0, 0, 100, 300), GREEN)
    viewer.until_shows(lambda now: now.shape[:2] == (350, 360), "the menu is not to be seen")
    assert screens(viewer) == [(60, 0, 300, 200), (0, 50, 100, 300)]
    menu.close()
    viewer.until_shows(lambda now: now.shape[:2] == (200, 300), "it has not shrunk again")
    assert screens(viewer) == [(0, 0, 300, 200)]


def test_a_menu_within_the_window_is_told_too(make: Make, view: Look) -> None:
    """The size stays, and so do the pixels that the viewer has."""
    program = make()
    program.drawing.fill(Rect(0, 0, 300, 200), 0xFF0000)
    viewer = view(program)
    viewer.until_shows(lambda now: tuple(now[10, 10, :3]) == (0, 0, 255), "not red")
    x, y = program.place
    menu = Drawing(program.x, Rect(x + 50, y + 50, 40, 30), INPUT)
    menu.fill(Rect(0, 0, 40, 30), GREEN)
    viewer.until_shows(lambda now: tuple(now[60, 60, :3]) == (0, 255, 0), "no menu")
    assert screens(viewer) == [(0, 0, 300, 200), (50, 50, 40, 30)]
    assert {(told.width, told.height) for told in viewer.sizes} == {(300, 200)}
    assert tuple(np.asarray(viewer.framebuffer)[10, 10, :3]) == (0, 0, 255)
    menu.close()
