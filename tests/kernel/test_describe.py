"""Displays in words."""

from __future__ import annotations

import dataclasses

import pytest

from jupyter_xdisplay.kernel.describe import Table, line, overview, status, viewer_line
from jupyter_xdisplay.spec import DisplayInfo, Size, ViewerInfo, VncPort, WindowInfo

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
    chosen={
        "xserver": "Xvfb: a screen in memory",
        "renderer": "software GL: no GPU",
        "stream": "x11vnc: attaches to any",
    },
)


def test_line() -> None:
    """One line says which, where, how large, what runs, and who keeps it."""
    assert line(INFO, keeper="the Jupyter server") == (
        "Display 'main' on :3 · 800x600 · Xvfb + software GL + x11vnc · kept by the Jupyter server"
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


@pytest.mark.parametrize(
    ("viewer", "told"),
    [
        (
            ViewerInfo(24, 1_234_000, 0.0031, 1, "Tight JPEG", "XDamage + MIT-SHM"),
            "24.0 frames/s, 1.2 MB/s, round trip 3 ms, Tight JPEG, captured by XDamage + MIT-SHM",
        ),
        (
            ViewerInfo(0.34, 999, encoder="Raw", view_only=True, origin="10.0.0.7"),
            "10.0.0.7: 0.3 frames/s, 999 B/s, Raw, view only",
        ),
        (ViewerInfo(0, 0), "0.0 frames/s, 0 B/s"),
        (
            ViewerInfo(1, 56_700, pixel_format="16 bit, rgb565", encoder="ZRLE"),
            "1.0 frames/s, 57 kB/s, ZRLE, 16 bit, rgb565",
        ),
    ],
)
def test_a_viewer_is_one_line(viewer: ViewerInfo, told: str) -> None:
    """Rates, round trip, encodings and capture, in units that people read; only what is known."""
    assert viewer_line(viewer) == told


def test_status_has_a_line_for_each_viewer() -> None:
    """What is known of viewers, and for whom nothing is: those that x11vnc serves."""
    known = ViewerInfo(5, 2000, origin="127.0.0.1")
    text = repr(status(dataclasses.replace(INFO, viewers=2), [], [known]))
    assert "viewers" in text
    assert "127.0.0.1: 5.0 frames/s, 2 kB/s" in text
    assert "x11vnc tells nothing of its viewers" in text
    alone = repr(status(dataclasses.replace(INFO, viewers=1), [], [known]))
    assert "x11vnc tells nothing" not in alone
    assert "x11vnc tells nothing" not in repr(status(INFO, []))


def test_status_says_that_a_vnc_port_is_open() -> None:
    """Its address, in the form that viewers take, and whether they may only look."""
    opened = dataclasses.replace(INFO, vnc=VncPort("::1", 5903, view_only=True))
    assert "[::1]:5903, view only" in repr(status(opened, []))
    assert "VNC port" not in repr(status(INFO, []))


def test_overview_marks_the_current_display() -> None:
    """The display that DISPLAY points to has a star."""
    assert "* main  :3" in repr(overview([INFO], INFO.id))
    assert "  main  :3" in repr(overview([INFO], None))
