"""Motion, buttons and wheel reach programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import xcffib.xproto
from xcffib.xproto import EventMask

from jupyter_xdisplay.x11.capture import Capture
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.pointer import Pointer
from jupyter_xdisplay.x11.xtest import XTest
from tests.waiting import wait_until
from tests.x11.conftest import SIZE, Seat
from tests.x11.drawing import Drawing
from tests.xclient import running

ANY_BUTTON = 0x1F00


def _mask(seat: Seat) -> int:
    reply = seat.x.core.QueryPointer(seat.x.root).reply()
    return int(reply.mask) & ANY_BUTTON


@pytest.fixture
def clicks(sit: Callable[[], Seat]) -> list[tuple[int, bool, int, int]]:
    """Give the list of button events (button, pressed, x, y) of a window at 100, 100."""
    seat = sit()
    events = EventMask.ButtonPress | EventMask.ButtonRelease
    Drawing(seat.x, Rect(100, 100, 200, 200), events)
    seen: list[tuple[int, bool, int, int]] = []
    for kind, down in (
        (xcffib.xproto.ButtonPressEvent, True),
        (xcffib.xproto.ButtonReleaseEvent, False),
    ):
        seat.events.on(
            kind, lambda e, down=down: seen.append((e.detail, down, e.event_x, e.event_y))
        )

    class Waiting(list[tuple[int, bool, int, int]]):
        def __len__(self) -> int:
            seat.events.wait(0.01)
            self[:] = seen
            return super().__len__()

    return Waiting()


def test_buttons_and_wheel(
    sit: Callable[[], Seat], clicks: list[tuple[int, bool, int, int]]
) -> None:
    """Each bit is its button, pressed at the place that came with it, in both directions."""
    pointer = Pointer(XTest(sit().x))
    for button in range(1, 10):
        pointer.update(110 + button, 120, 1 << (button - 1))
        pointer.update(110 + button, 120, 0)
    wait_until(lambda: len(clicks) == 18)
    assert clicks[:] == [
        (button, down, 10 + button, 20) for button in range(1, 10) for down in (True, False)
    ]


def test_a_drag(sit: Callable[[], Seat], clicks: list[tuple[int, bool, int, int]]) -> None:
    """A button that stays in the mask is pressed once and released at the end."""
    pointer = Pointer(XTest(sit().x))
    for x in range(110, 150):
        pointer.update(x, 110, 1)
    assert pointer.pressed == (1,)
    pointer.update(150, 110, 0)
    wait_until(lambda: len(clicks) == 2)
    assert clicks[:] == [(1, True, 10, 10), (1, False, 50, 10)]


def test_no_motion_between_press_and_release(sit: Callable[[], Seat]) -> None:
    """Where the pointer stays in its place, unless another viewer has moved it."""
    seat = sit()
    mask = EventMask.PointerMotion | EventMask.ButtonPress | EventMask.ButtonRelease
    Drawing(seat.x, Rect(100, 100, 200, 200), mask)
    seen: list[tuple[str, int]] = []
    for kind, name in (
        (xcffib.xproto.MotionNotifyEvent, "moved"),
        (xcffib.xproto.ButtonPressEvent, "pressed"),
        (xcffib.xproto.ButtonReleaseEvent, "released"),
    ):
        seat.events.on(kind, lambda event, name=name: seen.append((name, event.event_x)))
    xtest = XTest(sit().x)
    pointer = Pointer(xtest)
    pointer.update(110, 120, 1)
    pointer.update(110, 120, 0)
    pointer.update(110, 120, 1)
    Pointer(xtest).update(150, 160, 0)
    pointer.update(110, 120, 0)

    def released() -> int:
        seat.events.wait(0.01)
        return seen.count(("released", 10))

    wait_until(lambda: released() == 2)
    click = [("moved", 10), ("pressed", 10), ("released", 10)]
    assert seen == [*click, *click[:2], ("moved", 50), ("moved", 10), ("released", 10)]


def test_nothing_stays_pressed(sit: Callable[[], Seat]) -> None:
    """What a viewer held is released when it goes, and only that."""
    seat = sit()
    one, other = Pointer(XTest(seat.x)), Pointer(XTest(sit().x))
    other.update(5, 5, 0b10)
    one.update(5, 5, 0b101)
    wait_until(lambda: _mask(seat) == 0x700)
    one.release_all()
    assert one.pressed == ()
    assert _mask(seat) == 0x200
    other.release_all()
    wait_until(lambda: _mask(seat) == 0)


def test_a_program_that_grabs_the_server(sit: Callable[[], Seat]) -> None:
    """It stops all other clients, but not the viewer's input and pictures."""
    seat = sit()
    capture = Capture(seat.x)
    pointer = Pointer(XTest(seat.x))
    with running(seat.info, "grab"):
        pointer.update(33, 44, 0)
        reply = seat.x.core.QueryPointer(seat.x.root).reply()
        assert (reply.root_x, reply.root_y) == (33, 44)
        assert capture.grab(0, 0, 10, 10).shape == (10, 10, 4)


@pytest.mark.parametrize("place", [(-5, -70000), (70000, 90000)])
def test_places_outside_of_the_screen(sit: Callable[[], Seat], place: tuple[int, int]) -> None:
    """The pointer stays on the screen, whatever a viewer says."""
    seat = sit()
    Pointer(XTest(seat.x)).update(*place, 1 << 30)
    reply = seat.x.core.QueryPointer(seat.x.root).reply()
    assert reply.root_x in {0, SIZE.width - 1}
    assert reply.root_y in {0, SIZE.height - 1}
    assert _mask(seat) == 0


def test_a_press_that_a_window_manager_holds_up(
    sit: Callable[[], Seat], clicks: list[tuple[int, bool, int, int]]
) -> None:
    """What comes after it is told at its own place, and not at the place of the last."""
    manager = sit()
    mode = xcffib.xproto.GrabMode
    manager.x.core.GrabButton(
        owner_events=False,
        grab_window=manager.x.root,
        event_mask=EventMask.ButtonPress,
        pointer_mode=mode.Sync,
        keyboard_mode=mode.Async,
        confine_to=xcffib.NONE,
        cursor=xcffib.NONE,
        button=1,
        modifiers=xcffib.xproto.ModMask.Any,
    )
    manager.x.flush()
    seen: list[object] = []

    def pass_on() -> None:
        while len(seen) < 2:
            manager.events.wait(1)

    def later(event: object) -> None:
        time.sleep(0.1)
        seen.append(event)
        manager.x.core.AllowEvents(xcffib.xproto.Allow.ReplayPointer, xcffib.CurrentTime)
        manager.x.flush()

    manager.events.on(xcffib.xproto.ButtonPressEvent, later)
    thread = threading.Thread(target=pass_on)
    thread.start()
    pointer = Pointer(XTest(sit().x))
    places = [(1, 110, 120), (3, 200, 210), (1, 130, 140), (2, 220, 230)]
    for button, x, y in places:
        for mask in (0, 1 << (button - 1), 0):
            pointer.update(x, y, mask)
    wait_until(lambda: len(clicks) == 8)
    thread.join(10)
    expected = [
        (button, down, x - 100, y - 100) for button, x, y in places for down in (True, False)
    ]
    assert list(clicks) == expected
