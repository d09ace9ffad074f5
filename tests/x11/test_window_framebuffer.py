"""A window's own pixels, whatever covers it, with its dialogs and pop-ups in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.capture import DrawableChangedError
from jupyter_xdisplay.x11.geometry import Rect, bounding_box
from jupyter_xdisplay.x11.window_framebuffer import WindowFramebuffer
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.drawing import Drawing, noise

BLUE, GREEN, RED = 0x0000FF, 0x00FF00, 0xFF0000


@pytest.fixture
def owner(sit: Callable[[], Seat]) -> Seat:
    """Give the connection of the program whose window is looked at."""
    return sit()


@pytest.fixture
def main(owner: Seat) -> Iterator[Drawing]:
    """Give a managed window of that program, in red."""
    drawing = Drawing(owner.x, Rect(0, 0, 200, 120), managed=True)
    drawing.fill(Rect(0, 0, 600, 600), RED)
    yield drawing
    drawing.close()


class Seen:
    """A framebuffer of a window, with a picture of it that follows the damage."""

    def __init__(self, seat: Seat, window: int) -> None:
        self._seat = seat
        self.framebuffer = WindowFramebuffer(seat.x, seat.events, window)
        self.picture: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)

    def look(self) -> NDArray[np.uint8]:
        """Follow the damage and return the picture."""
        self._seat.events.dispatch()
        for rect in self.framebuffer.fetch_damage():
            width, height = self.framebuffer.size
            if self.picture.shape[:2] != (height, width):
                self.picture = np.zeros((height, width, 4), np.uint8)
            x, y, width, height = rect
            try:
                self.picture[y : y + height, x : x + width] = self.framebuffer.grab(rect)
            except DrawableChangedError:
                return self.look()
        return self.picture

    def wait_for(self, there: Callable[[NDArray[np.uint8]], bool], problem: str) -> None:
        """Look until something is to be seen."""
        wait_until(lambda: there(self.look()), problem)

    def close(self) -> None:
        """Let go."""
        self.framebuffer.close()


@pytest.fixture
def seen(seat: Seat, main: Drawing) -> Iterator[Seen]:
    """Give what is seen of the main window."""
    with closing(Seen(seat, main.window)) as found:
        yield found


def colour_at(picture: NDArray[np.uint8], x: int, y: int) -> int:
    """Return a pixel as 0xRRGGBB, -1 outside."""
    height, width = picture.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        return -1
    blue, green, red = (int(level) for level in picture[y, x, :3])
    return red << 16 | green << 8 | blue


def place_of(seat: Seat, drawing: Drawing) -> Rect:
    """Return where a window is on the screen."""
    place = seat.x.core.TranslateCoordinates(drawing.window, seat.x.root, 0, 0).reply()
    size = seat.x.core.GetGeometry(drawing.window).reply()
    return Rect(place.dst_x, place.dst_y, size.width, size.height)


def test_a_covered_window_is_seen_whole(
    seen: Seen, main: Drawing, seat: Seat, sit: Callable[[], Seat]
) -> None:
    """Also what is drawn while another program's window covers all of it."""
    place = place_of(seat, main)
    cover = Drawing(sit().x, place)
    cover.fill(Rect(0, 0, place.width, place.height), BLUE)
    assert seen.framebuffer.size == Size(200, 120)
    assert seen.framebuffer.origin == place[:2]
    assert (seen.look()[..., :3] == (0, 0, 255)).all()
    picture = noise(200, 120)
    main.put(picture)
    seen.wait_for(lambda now: np.array_equal(now[..., :3], picture[..., :3]), "not what was drawn")
    assert seen.framebuffer.path == "MIT-SHM"
    cover.close()


def test_what_did_not_change_is_no_damage(seen: Seen, main: Drawing, seat: Seat) -> None:
    """Only what was drawn is told, in coordinates of the window."""
    seen.look()
    main.fill(Rect(30, 40, 20, 10), GREEN)
    seat.events.wait(5.0)
    assert seen.framebuffer.fetch_damage() == [Rect(30, 40, 20, 10)]
    assert seen.framebuffer.fetch_damage() == []


def test_another_size_is_followed(seen: Seen, main: Drawing) -> None:
    """A larger and a smaller window is seen whole, in its new memory."""
    for size in (Size(320, 200), Size(90, 70)):
        main.move(width=size.width, height=size.height)
        wait_until(lambda size=size: seen.look() is not None and seen.framebuffer.size == size, "")
        picture = noise(*size)
        main.put(picture)
        seen.wait_for(
            lambda now, picture=picture: np.array_equal(now[..., :3], picture[..., :3]),
            f"not what was drawn at {size}",
        )


def test_a_grab_beyond_it_is_refused(seen: Seen) -> None:
    """A rectangle that was right before a window shrank is told so."""
    with pytest.raises(DrawableChangedError):
        seen.framebuffer.grab(Rect(0, 0, 201, 120))


@pytest.mark.parametrize("side", ["right", "left", "inside"])
def test_a_pop_up_of_the_same_program_is_in_place(
    seen: Seen, main: Drawing, owner: Seat, seat: Seat, side: str
) -> None:
    """Beyond the window's edge the framebuffer grows; the window's pixels keep their place."""
    place = place_of(seat, main)
    offset = {"right": (150, 80), "left": (-40, -20), "inside": (20, 20)}[side]
    at = Rect(place.x + offset[0], place.y + offset[1], 100, 60)
    seen.look()
    menu = Drawing(owner.x, at)
    menu.fill(Rect(0, 0, 100, 60), GREEN)
    box = bounding_box([place, at])

    def both(picture: NDArray[np.uint8]) -> bool:
        menu_x, menu_y = at.x - box.x + 50, at.y - box.y + 30
        main_x, main_y = place.x - box.x + 130, place.y - box.y + 60
        return (
            colour_at(picture, menu_x, menu_y) == GREEN
            and colour_at(picture, main_x, main_y) == RED
        )

    seen.wait_for(both, "the pop-up is not to be seen")
    assert seen.framebuffer.size == box[2:]
    assert seen.framebuffer.origin == box[:2]
    menu.close()
    seen.wait_for(lambda now: now.shape[:2] == (120, 200), "it has not shrunk again")
    assert (seen.look()[..., :3] == (0, 0, 255)).all()


def test_a_pop_up_that_moves_leaves_no_trace(
    seen: Seen, main: Drawing, owner: Seat, seat: Seat
) -> None:
    """A tooltip that follows the pointer is seen once."""
    place = place_of(seat, main)
    tip = Drawing(owner.x, Rect(place.x + 10, place.y + 10, 30, 20))
    tip.fill(Rect(0, 0, 30, 20), GREEN)
    seen.wait_for(lambda now: colour_at(now, 20, 20) == GREEN, "no tooltip")
    tip.move(x=place.x + 100, y=place.y + 70)
    seen.wait_for(lambda now: colour_at(now, 110, 80) == GREEN, "it has not moved")
    seen.wait_for(lambda now: colour_at(now, 20, 20) == RED, "it left a trace")
    tip.close()


def test_another_programs_pop_up_is_not_seen(
    seen: Seen, main: Drawing, seat: Seat, sit: Callable[[], Seat]
) -> None:
    """Only those of the same client belong to the window."""
    place = place_of(seat, main)
    stranger = Drawing(sit().x, Rect(place.x + 10, place.y + 10, 300, 200))
    seat.events.wait(5.0)
    seen.look()
    assert seen.framebuffer.size == Size(200, 120)
    assert (seen.picture[..., :3] == (0, 0, 255)).all()
    stranger.close()


def test_a_dialog_is_seen_with_its_frame(
    seen: Seen, main: Drawing, owner: Seat, seat: Seat
) -> None:
    """A window that is transient for ours is drawn too, its title bar above it."""
    dialog = Drawing(owner.x, Rect(0, 0, 150, 90), managed=True, dialog_of=main.window)
    dialog.fill(Rect(0, 0, 150, 90), GREEN)

    def there(picture: NDArray[np.uint8]) -> bool:
        at = place_of(seat, dialog)
        left, top = seen.framebuffer.origin
        return colour_at(picture, at.x - left + 75, at.y - top + 45) == GREEN

    seen.wait_for(there, "no dialog")
    at = place_of(seat, dialog)
    above = colour_at(
        seen.look(), at.x - seen.framebuffer.origin[0] + 75, at.y - seen.framebuffer.origin[1] - 4
    )
    assert above not in {-1, RED, 0xFFFFFF}
    dialog.close()


def test_unmapped_and_mapped_again(seen: Seen, main: Drawing, owner: Seat, seat: Seat) -> None:
    """While it is not mapped its last picture stays; then its new one comes."""
    seen.look()
    owner.x.core.UnmapWindow(main.window)
    main.sync()
    wait_until(
        lambda: main.window not in seat.x.property_numbers(seat.x.root, "_NET_CLIENT_LIST"), ""
    )
    assert (seen.look()[..., :3] == (0, 0, 255)).all()
    owner.x.core.MapWindow(main.window)
    main.sync()

    def drawn(picture: NDArray[np.uint8]) -> bool:
        main.fill(Rect(0, 0, 200, 120), GREEN)
        return colour_at(picture, 100, 60) == GREEN

    seen.wait_for(drawn, "not seen again")


def test_a_window_that_ends_is_gone(seat: Seat, owner: Seat) -> None:
    """Whoever looks is told; one that never was is refused."""
    drawing = Drawing(owner.x, Rect(0, 0, 100, 80), managed=True)
    with closing(Seen(seat, drawing.window)) as seen:
        assert not seen.framebuffer.gone
        drawing.close()
        wait_until(lambda: seen.look() is not None and seen.framebuffer.gone, "not told")
    with pytest.raises(DrawableChangedError):
        WindowFramebuffer(seat.x, seat.events, drawing.window)
