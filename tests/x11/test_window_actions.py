"""Windows are raised, closed and resized through the real window manager."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.window_actions import WindowActions
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.drawing import Drawing

Make = Callable[..., Drawing]


@pytest.fixture
def make(sit: Callable[[], Seat]) -> Iterator[Make]:
    """Give a function that opens a managed window of a new client."""
    made = []

    def open_window(dialog_of: int = 0) -> Drawing:
        drawing = Drawing(sit().x, Rect(0, 0, 200, 120), managed=True, dialog_of=dialog_of)
        made.append(drawing)
        return drawing

    yield open_window
    for drawing in reversed(made):
        drawing.close()


def active(seat: Seat) -> int:
    """Return the window that has the keyboard."""
    return (seat.x.property_numbers(seat.x.root, "_NET_ACTIVE_WINDOW") or [0])[0]


def on_top(seat: Seat) -> int:
    """Return the topmost managed window."""
    return seat.x.property_numbers(seat.x.root, "_NET_CLIENT_LIST_STACKING")[-1]


def test_a_covered_window_is_raised_and_focused(seat: Seat, make: Make) -> None:
    """As soon as `activate` returns it is on top and has the keyboard."""
    actions = WindowActions(seat.x)
    first, second = make(), make()
    for drawing in (first, second, first):
        assert actions.activate(drawing.window)
        assert active(seat) == on_top(seat) == drawing.window
        focus = seat.x.core.GetInputFocus().reply().focus
        assert focus == drawing.window


def test_a_dialog_keeps_the_keyboard(seat: Seat, make: Make) -> None:
    """A window whose dialog is active is not raised above it."""
    actions = WindowActions(seat.x)
    main = make()
    dialog = make(main.window)
    assert actions.activate(dialog.window)
    assert actions.activate(main.window)
    assert on_top(seat) == dialog.window


def test_a_window_that_is_gone(seat: Seat) -> None:
    """Nothing happens, and it is said."""
    assert not WindowActions(seat.x).activate(0x12345)


def test_resize(seat: Seat, make: Make) -> None:
    """The real window has the size that was asked for."""
    drawing = make()
    WindowActions(seat.x).resize(drawing.window, Size(321, 234))

    def size() -> tuple[int, int]:
        geometry = seat.x.core.GetGeometry(drawing.window).reply()
        return geometry.width, geometry.height

    wait_until(lambda: size() == (321, 234), "it kept its size")


def test_close_asks_the_program(seat: Seat, sit: Callable[[], Seat]) -> None:
    """It gets WM_DELETE_WINDOW and decides itself."""
    owner = sit()
    drawing = Drawing(owner.x, Rect(0, 0, 200, 120), managed=True)
    atoms = owner.x.atom("WM_PROTOCOLS"), owner.x.atom("WM_DELETE_WINDOW")
    value = atoms[1].to_bytes(4, "little")
    owner.x.change_property(drawing.window, atoms[0], xcffib.xproto.Atom.ATOM, 32, value)
    drawing.sync()
    told = []
    owner.events.on(xcffib.xproto.ClientMessageEvent, told.append)
    WindowActions(seat.x).close(drawing.window)
    wait_until(lambda: owner.events.wait(0.1) is not None and bool(told), "it was not asked")
    assert told[0].type == atoms[0]
    assert told[0].data.data32[0] == atoms[1]
    drawing.close()
