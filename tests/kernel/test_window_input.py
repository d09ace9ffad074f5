"""Keys and pointer through the Python API: real programs that get real input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import UsageError, WindowNotFound
from jupyter_xdisplay.kernel.automation.key_names import read_chord
from jupyter_xdisplay.kernel.display import Display
from jupyter_xdisplay.x11.geometry import Rect
from tests.kernel.probe import MOVED, PRESSED, RELEASED, Client, probe
from tests.waiting import wait_until
from tests.xclient import running

LEFT, RIGHT, WHEEL_UP, WHEEL_DOWN, BACK = 1, 3, 4, 5, 8
GREEN = 0x00FF00


@pytest.fixture
def client(d: Display) -> Iterator[Client]:
    """Give an X client that notes what the pointer does."""
    client = Client(d)
    yield client
    client.close()


def test_typing_in_any_script(d: Display, text_file: Path) -> None:
    """Greek, Cyrillic, accents and a tab arrive; a newline ends the line."""
    text = "Ελληνικά, ΰ\tкириллица: ёжик, Їжак\nçà et là 10 €; «x»\n"  # noqa: RUF001
    d.window("Typing").type(text)
    wait_until(lambda: text_file.read_text() == text, text_file.read_text())


def test_typing_more_than_the_queue_takes(d: Display, text_file: Path) -> None:
    """No key of a long text is dropped."""
    text = "".join(f"{number:04d} the quick brown fox jumps over it\n" for number in range(70))
    d.window("Typing").type(text)
    wait_until(lambda: text_file.read_text() == text, "something is missing", 30)


def test_what_cannot_be_typed(d: Display, text_file: Path) -> None:
    """Control characters are refused before anything is typed."""
    with pytest.raises(UsageError, match=r"\\x1b"):
        d.window("Typing").type("abc\x1b")
    d.window("Typing").type("x\n")
    wait_until(lambda: text_file.read_text() == "x\n")


def test_keys_with_modifiers(d: Display, tmp_path: Path) -> None:
    """A key arrives with its modifiers (shift 1, ctrl 4, alt 8, super 64), and none stays."""
    expected = {
        "a": "a 0",
        "A": "A 1",
        "ctrl+s": "s 4",
        "ctrl+S": "S 5",
        "Ctrl+Shift+s": "S 5",
        "alt+F5": "F5 8",
        "super+Return": "Return 64",
        "shift+1": "exclam 1",
        "ctrl++": "plus 5",
        "page_up": "Prior 0",
        "Left": "Left 0",
        "ctrl+shift+Left": "Left 5",
    }
    with probe(d, tmp_path) as program:
        for key in expected:
            program.window.key(key)
        program.window.key("x")
        program.wait_for("key x 0")
        modifiers = ("Shift", "Control", "Alt", "Super")
        got = [line[4:] for line in program.lines() if line.startswith("key ")]
        assert [key for key in got if not key.startswith(modifiers)] == [*expected.values(), "x 0"]


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("Retrun", "Return"),
        ("crtl+s", "ctrl"),
        ("ctrl+Page_Upp", "Page_Up"),
        ("F99", "F9"),
        ("s+ctrl", "alt"),
        ("", "Page_Up"),
        ("ctrl+", "Page_Up"),
    ],
)
def test_wrong_names_of_keys(key: str, near: str) -> None:
    """The error says which part is wrong and what is near."""
    with pytest.raises(UsageError) as caught:
        read_chord(key)
    assert near in (caught.value.fix or "")


def test_clicks_arrive_where_they_are_meant(client: Client) -> None:
    """At the window's own coordinates, with the right button, as often as asked."""
    window = client.window
    window.click(30, 40)
    window.click(299, 199, "right")
    window.click(0, 0, count=2)
    window.click(10.4, 20.6, "back")
    expected = [(LEFT, 30, 40), (RIGHT, 299, 199), *[(LEFT, 0, 0)] * 2, (BACK, 10, 21)]
    client.wait_for(PRESSED, expected)
    client.wait_for(RELEASED, expected)


def test_a_click_on_a_window_larger_than_the_screen(d: Display, client: Client) -> None:
    """The screen grows, so that all of the window is on it: no pointer goes beyond its edges."""
    for height in (d.info.size.height + 100, d.info.size.height + 200):
        client.drawing.move(height=height)  # as programs do, without asking
        wait_until(lambda height=height: client.window.size.height == height)
        client.window.click(150, height - 15)
        client.wait_for(PRESSED, [(LEFT, 150, height - 15)])
        client.forget()


def test_a_window_with_the_id_of_a_closed_one(d: Display) -> None:
    """X gives ids again: a connection to the window that had it before is of no use."""
    held = []
    for _ in range(2):
        client = Client(d)
        held.append(client.window)  # as a notebook does, in which nobody deletes `w`
        client.window.click(30, 40)
        client.wait_for(PRESSED, [(LEFT, 30, 40)])
        client.close()
    assert held[0].id == held[1].id


def test_a_closed_window_is_not_another_programs(d: Display) -> None:
    """Where X has given its id to another program's window, nothing is done to that one."""
    with running(d.info, "window", "--title", "former"):
        former = d.window("former")
        former.click(5, 5)
    wait_until(lambda: not former.is_open)
    with running(d.info, "window", "--title", "later"):
        later = d.window("later")
        assert later.id == former.id
        assert later is not former
        assert not former.is_open
        for act in (
            lambda: former.title,
            lambda: former.click(5, 5),
            lambda: former.wait(title="later", timeout_s=0.1),
            lambda: former.resize("300x300"),
            former.snapshot,
        ):
            with pytest.raises(WindowNotFound):
                act()
        former.close()
        assert later.is_open
        assert later.size == (200, 100)
        assert former.known_info.title == "former"


def test_moving_dragging_scrolling(client: Client) -> None:
    """The pointer is seen on its way, the button held; the wheel turns both ways."""
    window = client.window
    window.move(5, 6)
    assert client.got(MOVED)[-1] == (0, 5, 6)
    before = len(client.got(MOVED))
    window.drag((20, 30), (180, 110))
    client.wait_for(RELEASED, [(LEFT, 180, 110)])
    assert client.got(PRESSED) == [(LEFT, 20, 30)]
    way = client.got(MOVED)[before:]
    assert way[-1] == (0, 180, 110)
    assert len({place for place in way if 20 < place[1] < 180}) >= 10
    window.scroll(50, 60, 3)
    window.scroll(50, 60, -2)
    wheel = [(WHEEL_DOWN, 50, 60)] * 3 + [(WHEEL_UP, 50, 60)] * 2
    client.wait_for(PRESSED, [(LEFT, 20, 30), *wheel])


def test_where_nothing_of_the_window_is(client: Client) -> None:
    """A click beyond the edge is refused, and so is a button that no mouse has."""
    for place in ((-1, 5), (5, -1), (300, 5), (5, 200)):
        with pytest.raises(UsageError, match="300x200"):
            client.window.click(*place)
    with pytest.raises(UsageError) as caught:
        client.window.click(5, 5, "rihgt")
    assert "right" in (caught.value.fix or "")
    assert not client.got(PRESSED)


def test_a_menu_beyond_the_edges(client: Client) -> None:
    """Coordinates stay the window's own while a menu makes the framebuffer larger."""
    window = client.window
    window.click(30, 40)
    client.wait_for(PRESSED, [(LEFT, 30, 40)])
    menu = client.menu(Rect(-60, -30, 100, 80), GREEN)
    window.wait(change=True)
    window.wait(pixel=(-50, -20, "#00ff00"))
    window.click(-50, -20)
    client.wait_for(PRESSED, [(LEFT, 10, 10)], menu.window)
    window.click(150, 100)
    with pytest.raises(UsageError):
        window.click(-50, 100)  # beside the menu
    menu.close()
    window.wait(change=True)
    window.click(31, 41)
    client.wait_for(PRESSED, [(LEFT, 30, 40), (LEFT, 150, 100), (LEFT, 31, 41)])
