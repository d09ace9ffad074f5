"""Displays in words."""

from __future__ import annotations

from jupyter_xdisplay.kernel.describe import Table, line, overview, status
from jupyter_xdisplay.spec import DisplayInfo, Size, WindowInfo

INFO = DisplayInfo(
    id="0123456789ab",
    name="main",
    state="running",
    display=":3",
    xauthority="/x/auth",
    socket="/x/sock",
    size=Size(800, 600),
    max_size=Size(1600, 1200),
    dpi=96,
    depth=24,
    windows=(WindowInfo(1, "<b>", "XEyes", 42, 1, 2, 30, 40, responding=False),),
    chosen={"xserver": "Xvfb: a screen in memory", "stream": "x11vnc: attaches to any"},
)


def test_line() -> None:
    """One line says which, where, how large, what runs, and who keeps it."""
    assert line(INFO, via_server=True) == (
        "Display 'main' on :3 · 800x600 · Xvfb + x11vnc · kept by the Jupyter server"
    )


def test_table_as_text() -> None:
    """Columns are aligned; a cell of several lines keeps its column."""
    assert repr(Table([("a", "one\ntwo"), ("long", "x")], ("k", "v"))) == (
        "k     v\na     one\n      two\nlong  x"
    )


def test_table_as_html() -> None:
    """Titles of windows cannot bring markup into the notebook."""
    text = status(INFO, [])._repr_html_()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_status_says_everything() -> None:
    """What was chosen and why, windows with their state, and what is added."""
    text = repr(status(INFO, [("programs", "xeyes"), ("empty", "")]))
    assert "Xvfb: a screen in memory" in text
    assert "<b> [XEyes] 30x40+1+2, pid 42, not responding" in text
    assert "programs" in text
    assert "empty" not in text


def test_overview_marks_the_current_display() -> None:
    """The display that DISPLAY points to has a star."""
    assert "* main  :3" in repr(overview([INFO], INFO.id))
    assert "  main  :3" in repr(overview([INFO], None))
