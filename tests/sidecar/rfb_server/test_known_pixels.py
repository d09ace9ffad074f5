"""What a viewer has exactly is not sent again, and what moved up or down is copied."""

from __future__ import annotations

import subprocess

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_xdisplay.rfb import BGRX32, ClientConnection, Encoding, Pixels, ServerConnection
from jupyter_xdisplay.sidecar.rfb_server.encoder import Encoder, Wishes
from jupyter_xdisplay.sidecar.rfb_server.known_pixels import KnownPixels, words
from jupyter_xdisplay.sidecar.rfb_server.scrolling import find_shift
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect
from tests.rfb.pictures import text
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.viewing import SidecarViewer, screen_of, shows
from tests.xclient import environment

SIZE = Size(320, 240)
WHOLE = Rect(0, 0, *SIZE)
LINE = 14
"""Rows from one line of `text` to the next."""


class Screen:
    """A screen, its encoder, and a viewer that has decoded everything."""

    def __init__(self, quality: int | None = None, *, copies: bool = True) -> None:
        self.pixels: Pixels = text(*SIZE)
        self._wishes = Wishes(BGRX32, Encoding.TIGHT, quality, 1, cursor=False, copies=copies)
        self._encoder = Encoder()
        self._server, self.client = ServerConnection("desktop", (320, 240)), ClientConnection()
        self._talk()

    def cut(self, rect: Rect) -> Pixels:
        """Return a part, to be changed."""
        return self.pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]

    def send(self, rect: Rect) -> tuple[int, list[Rect]]:
        """Send what changed in a rectangle; return the bytes, and the inexact parts."""
        made: list[bytes] = []
        self._encoder.begin(self._wishes, SIZE)
        inexact = self._encoder.add(self.cut(rect), rect, made)
        if made:
            self._server.send_update(made)
            self._talk()
        return sum(map(len, made)), inexact

    def wrong(self) -> np.ndarray:
        """Return which pixels the viewer has otherwise."""
        return (self.client.framebuffer[..., :3] != self.pixels[..., :3]).any(axis=-1)

    def _talk(self) -> None:
        for _ in range(6):
            self.client.receive_data(self._server.data_to_send())
            self._server.receive_data(self.client.data_to_send())
            self.client.events()
            self._server.events()
        assert self.client.error is None


def _between(x1: int, y1: int, x2: int, y2: int) -> Rect:
    return Rect(min(x1, x2), min(y1, y2), abs(x1 - x2) + 1, abs(y1 - y2) + 1)


RECTS = st.builds(_between, *(st.integers(0, side - 1) for side in (*SIZE, *SIZE)))
KINDS = st.sampled_from(["again", "paint", "scroll", "noise"])
STEPS = st.lists(st.tuples(KINDS, RECTS, st.integers(-60, 60)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, quality=st.sampled_from([None, 6]), copies=st.booleans())
def test_the_viewer_has_what_the_screen_shows(
    steps: list[tuple[str, Rect, int]], quality: int | None, copies: bool
) -> None:
    """Whatever is painted, painted again, scrolled or in motion, but for what is told inexact."""
    screen, random = Screen(quality, copies=copies), np.random.default_rng(1)
    exact = np.ones((240, 320), np.bool_)
    for kind, rect, number in [("again", WHOLE, 0), *steps, ("again", WHOLE, 0)]:
        area = screen.cut(rect)
        if kind == "paint":
            area[...] = number & 0xFF
        elif kind == "noise":
            area[..., :3] = random.integers(0, 256, (rect.height, rect.width, 3))
        elif kind == "scroll":
            area[...] = np.roll(area, number, axis=0)
        _, inexact = screen.send(rect)
        for part in inexact:
            exact[part.y : part.y + part.height, part.x : part.x + part.width] = False
        assert not (screen.wrong() & exact).any()


def test_what_did_not_change_is_not_sent() -> None:
    """As when matplotlib draws its figure anew for a small rectangle."""
    screen = Screen()
    whole, _ = screen.send(WHOLE)
    assert screen.send(WHOLE) == (0, [])
    screen.cut(Rect(100, 50, 30, 8))[...] = 0
    some, _ = screen.send(WHOLE)
    assert 0 < some < whole / 20
    assert not screen.wrong().any()


def test_text_that_scrolls_is_copied() -> None:
    """Up and down, in a part of the screen; a viewer without CopyRect gets its pixels."""
    for copies in (True, False):
        screen = Screen(copies=copies)
        screen.send(WHOLE)
        part = Rect(4, 10, 300, 220)
        for rows in (-LINE, 2 * LINE):
            area = screen.cut(part)
            area[...] = np.roll(area, rows, axis=0)
            sent, _ = screen.send(part)
            alone, _ = Screen(copies=copies).send(part)
            assert (sent < alone / 2) == copies
            assert not screen.wrong().any()


def test_shifts_are_found() -> None:
    """In both directions; empty rows tell nothing, other pictures neither."""
    before = words(text(320, 240))
    assert find_shift(before, np.roll(before, -3 * LINE, axis=0)) == 3 * LINE
    assert find_shift(before, np.roll(before, LINE + 1, axis=0)) == -LINE - 1
    assert find_shift(before, before) == 0
    empty = np.zeros_like(before)
    assert find_shift(empty, empty) == 0
    assert find_shift(before, empty) == 0


def test_what_was_sent_inexactly_is_not_known() -> None:
    """Nor is what another size of the framebuffer has."""
    known, pixels = KnownPixels(), text(*SIZE)
    known.begin(SIZE)
    assert known.differing(pixels, WHOLE) == [WHOLE]
    known.learn(pixels, WHOLE)
    assert known.differing(pixels, WHOLE) == []
    moved = Rect(40, 60, 50, 20)
    known.forget(moved)
    assert known.differing(pixels, WHOLE) == [moved]
    known.begin(Size(320, 241))
    assert known.differing(pixels, WHOLE) == [WHOLE]


def test_xterm_scrolls_by_copyrect(sidecar: SidecarProcess, viewer: SidecarViewer) -> None:
    """A real terminal: lines move by CopyRect, and the viewer has the very screen at the end."""
    script = (
        "i=0; while [ $i -lt 150 ]; do i=$((i+1)); echo line $i $((i*i)); sleep 0.01; done; cat"
    )
    argv = ["xterm", "-geometry", "70x24+10+10", "-e", "sh", "-c", script]
    with subprocess.Popen(argv, env=environment(sidecar.info)) as xterm:
        try:
            viewer.until_shows(lambda _: Encoding.COPY_RECT in viewer.encodings())
            viewer.until_shows(lambda _: shows(viewer, screen_of(sidecar.client)))
        finally:
            xterm.terminate()
