"""Waiting for windows through the Python API."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import UsageError, WaitTimedOut
from jupyter_xdisplay.kernel.display import Display
from tests.kernel.probe import probe


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
