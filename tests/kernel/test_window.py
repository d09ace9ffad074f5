"""Windows through the Python API: finding, picturing, resizing, closing, and their end."""

from __future__ import annotations

import gc
import os
import re
import threading
from pathlib import Path

import pytest
from PIL import Image

from jupyter_xdisplay.errors import UsageError, WaitTimedOut, WindowNotFound
from jupyter_xdisplay.kernel.display import Display
from tests.kernel.probe import probe
from tests.kernel.test_display_api import script
from tests.waiting import wait_until


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
