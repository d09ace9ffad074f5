"""Single windows from Python: real programs that get real input."""

from __future__ import annotations

import gc
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from jupyter_xdisplay.errors import UsageError, WaitTimedOut, WindowNotFound
from jupyter_xdisplay.kernel.automation.key_names import read_chord
from jupyter_xdisplay.kernel.display import Display
from jupyter_xdisplay.x11.geometry import Rect
from tests.kernel.probe import MOVED, PRESSED, RELEASED, Client, probe
from tests.kernel.test_display_api import script
from tests.waiting import wait_until

LEFT, RIGHT, WHEEL_UP, WHEEL_DOWN, BACK = 1, 3, 4, 5, 8
GREEN = 0x00FF00


@pytest.fixture
def client(d: Display) -> Iterator[Client]:
    """Give an X client that notes what the pointer does."""
    client = Client(d)
    yield client
    client.close()


@pytest.fixture
def text_file(d: Display, tmp_path: Path) -> Iterator[Path]:
    """Give the file that an xterm called "Typing" writes its lines to."""
    path = tmp_path / "typed.txt"
    process = d.run(
        ["xterm", "-u8", "-title", "Typing", "-e", "sh", "-c", f"cat > {path}"],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    d.window("Typing")
    wait_until(path.exists, "no shell came up")
    yield path
    process.kill()
    process.wait()
    wait_until(lambda: not d.windows())


def test_finding_windows(d: Display, tmp_path: Path) -> None:
    """By a part of the title or a regular expression, the newest one; the error names titles."""
    with probe(d, tmp_path, "One red"), probe(d, tmp_path, "Two red") as second:
        assert sorted(window.title for window in d.windows()) == ["One red", "Two red"]
        assert d.window("red") is second.window
        assert d.window(re.compile("^One")).title == "One red"
        assert d.window().title == "Two red"
        assert "One red" in repr(d.windows())
        with pytest.raises(WindowNotFound, match=r"'blue'.*'One red'"):
            d.window("blue", timeout_s=0.1)


def test_what_a_window_tells(d: Display, tmp_path: Path) -> None:
    """Title, size, process and place are those of the real window."""
    with probe(d, tmp_path) as program:
        window = program.window
        assert (window.title, window.size, window.is_open) == ("Probe", (300, 200), True)
        assert Path(f"/proc/{window.pid}/cmdline").read_bytes().endswith(b"Probe\0")
        assert window.info.wm_class


def test_a_snapshot_of_a_covered_window(d: Display, tmp_path: Path) -> None:
    """It has the window's own pixels, in a file too."""
    with probe(d, tmp_path, "Below") as below:
        below.window.snapshot()  # windows keep what they drew from then on
        below.window.type("b")
        below.wait_for("painted blue")
        with probe(d, tmp_path, "Above"):
            image = below.window.snapshot(tmp_path / "below.png")
        assert image.size == (300, 200)
        assert image.getpixel((150, 100)) == (0, 0, 255)
        assert Image.open(tmp_path / "below.png").tobytes() == image.tobytes()
        with pytest.raises(UsageError, match="suffix"):
            below.window.snapshot(tmp_path / "below.nothing")


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
    # no waiting: the X server has taken it all
    assert client.got(PRESSED) == client.got(RELEASED) == expected


def test_moving_dragging_scrolling(client: Client) -> None:
    """The pointer is seen on its way, the button held; the wheel turns both ways."""
    window = client.window
    window.move(5, 6)
    assert client.got(MOVED)[-1] == (0, 5, 6)
    before = len(client.got(MOVED))
    window.drag((20, 30), (180, 110))
    assert client.got(PRESSED) == [(LEFT, 20, 30)]
    assert client.got(RELEASED) == [(LEFT, 180, 110)]
    way = client.got(MOVED)[before:]
    assert way[-1] == (0, 180, 110)
    assert len({place for place in way if 20 < place[1] < 180}) >= 10
    window.scroll(50, 60, 3)
    window.scroll(50, 60, -2)
    wheel = [(WHEEL_DOWN, 50, 60)] * 3 + [(WHEEL_UP, 50, 60)] * 2
    assert client.got(PRESSED)[1:] == wheel


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
    menu = client.menu(Rect(-60, -30, 100, 80), GREEN)
    window.wait(change=True)
    window.wait(pixel=(-50, -20, "#00ff00"))
    window.click(-50, -20)
    assert client.got(PRESSED, menu.window) == [(LEFT, 10, 10)]
    window.click(150, 100)
    with pytest.raises(UsageError):
        window.click(-50, 100)  # beside the menu
    menu.close()
    window.wait(change=True)
    window.click(31, 41)
    assert client.got(PRESSED) == [(LEFT, 30, 40), (LEFT, 150, 100), (LEFT, 31, 41)]


def test_waiting_for_a_change(d: Display, tmp_path: Path) -> None:
    """One that comes later, and one that came between input and `wait`."""
    with probe(d, tmp_path) as program:
        window = program.window
        window.type("r")
        window.wait(change=True)
        assert window.snapshot().getpixel((5, 5)) == (255, 0, 0)
        window.type("b")
        program.wait_for("painted blue")
        window.wait(change=True)
        with pytest.raises(WaitTimedOut, match=r"'Probe'.*change.*as it was"):
            window.wait(change=True, timeout_s=0.2)


def test_waiting_for_a_title(d: Display, tmp_path: Path) -> None:
    """A part of it, or a regular expression; else the error says which title there is."""
    with probe(d, tmp_path) as program:
        window = program.window
        window.wait(title="Prob")
        with pytest.raises(WaitTimedOut, match=r"'Renamed'.*'Probe'"):
            window.wait(title="Renamed", timeout_s=0.2)
        window.type("t")
        window.wait(title=re.compile(r"^Renamed \w+$"))
        assert window.title == "Renamed window"
        window.type("x")
        program.wait_for("key x 0")
        assert d.window("Renamed") is window
        window.close()


def test_waiting_for_a_colour(d: Display, tmp_path: Path) -> None:
    """About that colour is enough; else the error says which one there is."""
    with probe(d, tmp_path) as program:
        window = program.window
        window.wait(pixel=(10, 10, "white"))
        with pytest.raises(WaitTimedOut, match=r"\(10, 20\) is #ffffff.*#ff0000"):
            window.wait(pixel=(10, 20, "red"), timeout_s=0.2)
        with pytest.raises(WaitTimedOut, match="300x200"):
            window.wait(pixel=(300, 20, "red"), timeout_s=0.2)
        window.type("r")
        window.wait(pixel=(299, 199, (250, 10, 8)))
        with pytest.raises(UsageError, match="reddish"):
            window.wait(pixel=(1, 1, "reddish"))
        with pytest.raises(UsageError, match="one thing"):
            window.wait()
        with pytest.raises(UsageError, match="one thing"):
            window.wait(change=True, title="x")


def test_input_while_another_thread_waits(d: Display, tmp_path: Path) -> None:
    """Waiting does not keep other threads from typing."""
    with probe(d, tmp_path) as program:
        waiting = threading.Thread(
            target=lambda: program.window.wait(pixel=(5, 5, "blue")), daemon=True
        )
        waiting.start()
        program.window.type("b")
        waiting.join(10)
        assert not waiting.is_alive()


def test_resizing(d: Display, tmp_path: Path, text_file: Path) -> None:
    """The real window has the size that is returned; a terminal takes whole characters."""
    with probe(d, tmp_path) as program:
        assert program.window.resize("420x260") == program.window.size == (420, 260)
        assert program.window.snapshot().size == (420, 260)
        program.window.click(419, 259)
        with pytest.raises(UsageError):
            program.window.resize("9x9")
    terminal = d.window("Typing")
    now = terminal.resize((403, 307))
    assert now == terminal.size
    assert now != (403, 307)
    assert abs(now.width - 403) < 20
    assert abs(now.height - 307) < 20


def test_closing(d: Display, tmp_path: Path) -> None:
    """After `close` it is gone, and everything but `close` says so."""
    with probe(d, tmp_path) as program:
        window = program.window
        window.move(5, 5)
        window.close()
        assert not window.is_open
        window.close()
        acts = [
            lambda: window.title,
            lambda: window.click(5, 5),
            lambda: window.type("a"),
            lambda: window.wait(change=True),
            lambda: window.resize("300x300"),
            lambda: window.record(tmp_path / "x.gif", seconds=0.1),
        ]
        for act in acts:
            with pytest.raises(WindowNotFound):
                act()
        assert not (tmp_path / "x.gif").exists()


def test_a_window_that_does_not_close(d: Display, tmp_path: Path) -> None:
    """The error says how to end its program; the program was asked."""
    with probe(d, tmp_path, "Stays", "stay") as program:
        with pytest.raises(WaitTimedOut) as caught:
            program.window.close(timeout_s=0.3)
        assert f"os.kill({program.window.pid}, 15)" in (caught.value.fix or "")
        assert program.window.is_open
        program.wait_for("asked")


def test_a_window_that_goes_while_it_is_waited_for(d: Display, tmp_path: Path) -> None:
    """`wait` ends at once and says so."""
    with probe(d, tmp_path) as program:
        window = program.window
        ended: list[Exception] = []

        def wait() -> None:
            try:
                window.wait(title="never", timeout_s=60)
            except WindowNotFound as error:
                ended.append(error)

        window.move(5, 5)
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        os.kill(window.pid, 9)
        waiting.join(10)
        assert ended


def test_connections_are_closed(d: Display, tmp_path: Path) -> None:
    """By `disconnect`, and with the object; the next input opens another one."""

    def viewers(count: int) -> bool:
        return wait_until(lambda: d.info.viewers == count, f"{d.info.viewers} viewers")

    with probe(d, tmp_path) as program:
        viewers(0)  # looking for a window takes no connection
        program.window.move(5, 5)
        viewers(1)
        program.window.disconnect()
        viewers(0)
        program.window.move(5, 5)
        viewers(1)
        program.window.disconnect()
        d.window("Probe").move(5, 6)
        del program.window
        gc.collect()
        viewers(0)


def test_a_window_of_an_ended_display(leftovers: Path) -> None:
    """Its connection is closed with the display; every use says what happened."""
    script(
        """
        from jupyter_xdisplay.errors import DisplayEnded
        d = xd.display()
        d.run("xeyes")
        w = d.window("xeyes")
        w.click(5, 5)
        viewer = w._viewer
        assert viewer.usable
        d.stop()
        assert not viewer.usable
        for act in (lambda: w.click(5, 5), lambda: w.title, w.snapshot, lambda: d.window("x")):
            try:
                act()
            except DisplayEnded as error:
                assert "It was stopped" in str(error)
            else:
                raise AssertionError
        assert not w.is_open
        """
    )


def test_an_interruption(leftovers: Path) -> None:
    """Ctrl+C ends typing and waiting at once; the window can be used again, no key is held."""
    script(
        """
        import os, signal, threading
        def interrupt(act):
            threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            try:
                act()
            except KeyboardInterrupt:
                return
            raise AssertionError
        with xd.display() as d:
            d.run("xterm -title T")
            w = d.window("T")
            interrupt(lambda: w.type("Xy" * 100_000))
            interrupt(lambda: w.wait(title="never", timeout_s=60))
            w.key("ctrl+u")
            w.type("printf '\\\\033]0;It is %s\\\\007' done\\n")
            w.wait(title="It is done")
        """
    )


def test_a_plain_script(leftovers: Path, tmp_path: Path) -> None:
    """All of it without IPython: a terminal is typed into, waited for, pictured and recorded."""
    script(
        f"""
        import sys
        with xd.display(size="800x600") as d:
            d.run("xterm -title Script")
            w = d.window("Script")
            w.type("printf '\\\\033]0;It is %s\\\\007' done\\n")
            w.wait(title="It is done")
            assert w.snapshot({str(tmp_path / "script.png")!r}).size == w.size
            w.key("ctrl+l")
            w.record({str(tmp_path / "script.gif")!r}, seconds=0.5)
            w.type("exit\\n")
            wait_for(lambda: not w.is_open)
        loaded = {{name.partition(".")[0] for name in sys.modules}}
        assert not loaded & {{"IPython", "ipykernel", "ipywidgets", "xcffib"}}, loaded
        """
    )
    assert Image.open(tmp_path / "script.png").size == Image.open(tmp_path / "script.gif").size
