"""What has changed: damage, the cursor's shape, and the events that tell."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import xcffib.xfixes
import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.cursor import CursorWatch
from jupyter_xdisplay.x11.damage import MAX_RECTS, Damage
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.pointer import Pointer
from jupyter_xdisplay.x11.xtest import XTest
from tests.waiting import wait_until
from tests.x11.conftest import SIZE, Seat
from tests.x11.drawing import Drawing
from tests.xclient import environment

STILL_S = 0.3


def _fetch(seat: Seat, damage: Damage, within: Size | None = SIZE) -> list[Rect]:
    """Wait for damage and take it."""

    def taken() -> list[Rect]:
        seat.events.wait(0.02)
        return damage.fetch(within)

    return wait_until(taken, "no damage was told")


def _quiet(seat: Seat, damage: Damage) -> None:
    """Take damage until nothing has come for a while."""
    last = time.monotonic()
    while time.monotonic() < last + STILL_S:
        seat.events.wait(0.02)
        if damage.fetch():
            last = time.monotonic()


def _covered(rects: list[Rect]) -> np.ndarray:
    cover = np.zeros((SIZE.height, SIZE.width), bool)
    for x, y, width, height in rects:
        cover[y : y + height, x : x + width] = True
    return cover


def test_damage_covers_what_is_drawn(sit: Callable[[], Seat]) -> None:
    """Each rectangle that a client draws is within the damage, and little else is."""
    seat = sit()
    damage = Damage(seat.x, seat.events)
    assert Rect(0, 0, *SIZE) in _fetch(seat, damage), "at first all of it is new"
    drawing = Drawing(sit().x, Rect(100, 100, 300, 200))
    _quiet(seat, damage)
    for rect in (Rect(0, 0, 10, 10), Rect(37, 41, 113, 7), Rect(290, 190, 10, 10)):
        drawing.fill(rect, 0x00FF00)
        drawn = np.zeros((SIZE.height, SIZE.width), bool)
        drawn[
            100 + rect.y : 100 + rect.y + rect.height, 100 + rect.x : 100 + rect.x + rect.width
        ] = True
        assert np.array_equal(_covered(_fetch(seat, damage)), drawn)
    drawing.close()
    _fetch(seat, damage)
    damage.close()
    damage.close()


def test_two_rectangles_drawn_at_once_stay_two(sit: Callable[[], Seat]) -> None:
    """Damage is a region, not one box around it."""
    seat = sit()
    damage = Damage(seat.x, seat.events)
    drawing = Drawing(sit().x, Rect(100, 100, 300, 200))
    _quiet(seat, damage)
    drawing.fill(Rect(0, 0, 10, 10), 0xFF)
    drawing.fill(Rect(200, 150, 10, 10), 0xFF)
    assert set(_fetch(seat, damage)) == {Rect(100, 100, 10, 10), Rect(300, 250, 10, 10)}
    drawing.close()


def test_very_many_rectangles_become_one(sit: Callable[[], Seat]) -> None:
    """A client that draws dots costs no more than one that draws the box around them."""
    seat = sit()
    damage = Damage(seat.x, seat.events)
    drawing = Drawing(sit().x, Rect(0, 0, 400, 400))
    _quiet(seat, damage)
    for at in range(MAX_RECTS + 1):
        drawing.fill(Rect(4 * at, 4 * at, 1, 1), 0xFF)
    side = 4 * MAX_RECTS + 1
    assert _fetch(seat, damage) == [Rect(0, 0, side, side)]
    drawing.close()


def test_a_still_screen_has_no_damage(sit: Callable[[], Seat]) -> None:
    """Nothing is told and nothing asked while nobody draws, also when the pointer moves."""
    seat = sit()
    damage = Damage(seat.x, seat.events)
    _quiet(seat, damage)
    pointer = Pointer(XTest(sit().x))
    end = time.monotonic() + STILL_S
    while time.monotonic() < end:
        pointer.update(20 + int(time.monotonic() * 100) % 50, 30, 0)
        seat.events.wait(0.02)
        assert not damage.pending
        assert damage.fetch() == []


def test_damage_of_one_window(sit: Callable[[], Seat]) -> None:
    """A window's damage is in its own coordinates, and nobody else's drawing is in it."""
    seat = sit()
    one, other = (
        Drawing(sit().x, place) for place in (Rect(50, 50, 90, 90), Rect(200, 200, 90, 90))
    )
    damage = Damage(seat.x, seat.events, one.window)
    _quiet(seat, damage)
    other.fill(Rect(0, 0, 50, 50), 0xFF)
    one.fill(Rect(3, 4, 5, 6), 0xFF)
    assert _fetch(seat, damage) == [Rect(3, 4, 5, 6)]
    damage.close()
    one.close()
    other.close()


@contextmanager
def _xterm(seat: Seat) -> Iterator[None]:
    """Run an xterm over the middle of the screen."""
    argv = ["xterm", "-geometry", "60x20", "-e", "cat"]
    with subprocess.Popen(argv, env=environment(seat.info) | {"LC_ALL": "C.UTF-8"}) as process:
        wait_until(lambda: b"xterm\0XTerm\0" in _class_of_active(seat), "no xterm came")
        yield
        process.terminate()


def _class_of_active(seat: Seat) -> bytes:
    active = seat.x.property_numbers(seat.x.root, "_NET_ACTIVE_WINDOW") or [0]
    return (active[0] and seat.x.property_bytes(active[0], "WM_CLASS")) or b""


def test_the_cursor_of_xterm_is_not_that_of_the_root(sit: Callable[[], Seat]) -> None:
    """Its shape is told when the pointer enters, with a hot spot in it."""
    seat = sit()
    pointer = Pointer(XTest(sit().x))
    pointer.update(1, 1, 0)
    watch = CursorWatch(seat.x, seat.events)
    with _xterm(seat):
        seat.events.wait(0.1)
        arrow = watch.fetch()
        assert not watch.changed
        pointer.update(SIZE.width // 2, SIZE.height // 2, 0)
        wait_until(lambda: seat.events.wait(0.02) or watch.changed, "no change was told")
        text = watch.fetch()
    assert arrow is not None
    assert text is not None
    assert arrow.serial != text.serial
    assert arrow.pixels.shape != text.pixels.shape or (arrow.pixels != text.pixels).any()
    for cursor in (arrow, text):
        height, width = cursor.pixels.shape[:2]
        assert 0 <= cursor.hot_x < width
        assert 0 <= cursor.hot_y < height
        assert cursor.pixels[..., 3].any(), "all of it is transparent"
    watch.close()


def test_cursor_colours_are_not_multiplied_by_alpha(sit: Callable[[], Seat]) -> None:
    """A half transparent red is red, and half transparent."""
    from jupyter_xdisplay.x11.cursor import _without_premultiplication

    pixels = np.array([[[0, 0, 128, 128], [10, 20, 30, 255], [0, 0, 0, 0]]], np.uint8)
    plain = _without_premultiplication(pixels)
    assert plain.tolist() == [[[0, 0, 255, 128], [10, 20, 30, 255], [0, 0, 0, 0]]]


def test_waiting_ends_when_another_descriptor_is_ready(seat: Seat) -> None:
    """A thread waits for the X server and for its own messages at once."""
    read_fd, write_fd = os.pipe()
    try:
        assert seat.events.wait(0.01, [read_fd]) == []
        os.write(write_fd, b"x")
        assert seat.events.wait(None, [read_fd]) == [read_fd]
    finally:
        os.close(read_fd)
        os.close(write_fd)


def test_events_that_came_with_a_reply_are_not_waited_for(sit: Callable[[], Seat]) -> None:
    """An event that is in the queue already ends the wait, although nothing is readable."""
    seat = sit()
    seen: list[object] = []
    mask = xcffib.xproto.EventMask.PropertyChange
    seat.x.core.ChangeWindowAttributes(seat.x.root, xcffib.xproto.CW.EventMask, [mask])
    off = seat.events.on(xcffib.xproto.PropertyNotifyEvent, seen.append)
    seat.x.set_property(seat.x.root, "_XDISPLAY_TEST", "STRING", b"x")
    seat.x.core.GetInputFocus().reply()
    start = time.monotonic()
    seat.events.wait(10.0)
    assert time.monotonic() - start < 5.0
    assert seen
    off()
    off()
    seat.x.core.DeleteProperty(seat.x.root, seat.x.atom("_XDISPLAY_TEST"))
    seat.events.dispatch()
    assert len(seen) == 1


def test_errors_of_others_windows_are_no_exceptions(seat: Seat) -> None:
    """A request about a window that is gone fails without anybody noticing."""
    seat.x.core.MapWindow(0x1234567)
    seat.x.core.GetInputFocus().reply()
    assert seat.events.dispatch() == 0
