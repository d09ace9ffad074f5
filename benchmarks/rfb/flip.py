"""`python -m benchmarks.rfb.flip`: an X client that changes when it is clicked, or told to.

Button 1 changes the whole screen to another photograph, with a black or white mark in each
corner; button 3 changes only the square in the middle. A line `photo|flat x y width height
rrggbb` changes that part: photographs have a square of that colour in their middle. Ends with
its standard input.
"""

from __future__ import annotations

import os
import select
import sys

import xcffib
import xcffib.xproto as x

from benchmarks.rfb.picture import BLOCK, Pixels, photograph
from benchmarks.rfb.window import Canvas, ScreenWindow

WHOLE, SQUARE = 1, 3
"""Buttons."""

SQUARE_SIDE = 128
MARK = 16
"""Pixels of a side of the square that a change is known by."""


def corners(width: int, height: int) -> list[tuple[int, int]]:
    """Return where the marks in the corners begin, on multiples of 16 pixels."""
    right, bottom = (width - BLOCK) // 16 * 16, (height - BLOCK) // 16 * 16
    return [(0, 0), (right, 0), (0, bottom), (right, bottom)]


def square(width: int, height: int) -> tuple[int, int]:
    """Return where the square in the middle begins."""
    return (width - SQUARE_SIDE) // 32 * 16, (height - SQUARE_SIDE) // 32 * 16


class Flip:
    """Draws the changes."""

    def __init__(self) -> None:
        self._window = ScreenWindow()
        self._shown = 0
        self._square = False
        self._canvases = [
            Canvas(self._window, self._picture(seed, colour)) for seed, colour in ((2, 0), (3, 255))
        ]

    def _picture(self, seed: int, colour: int) -> Pixels:
        width, height = self._window.size
        made = photograph(width, height, seed)
        for left, top in corners(width, height):
            made[top : top + BLOCK, left : left + BLOCK] = colour
        left, top = square(width, height)
        made[top : top + SQUARE_SIDE, left : left + SQUARE_SIDE] = 0
        return made

    def whole(self) -> None:
        """Show the other photograph."""
        self._shown = 1 - self._shown
        self._canvases[self._shown].put((0, 0), (0, 0), self._window.size)
        self._window.x.flush()

    def middle(self) -> None:
        """Change the square."""
        self._square = not self._square
        left, top = square(*self._window.size)
        self._window.fill((left, top), (SQUARE_SIDE,) * 2, 0xFFFFFF if self._square else 0)
        self._window.x.flush()

    def change(self, line: str) -> None:
        """Change a part as a line says."""
        kind, *numbers, colour = line.split()
        left, top, width, height = map(int, numbers)
        mark = (left, top), (width, height)
        if kind == "photo":
            self._shown = 1 - self._shown
            self._canvases[self._shown].put((left, top), *mark)
            mark = (left + width // 2 - MARK // 2, top + height // 2 - MARK // 2), (MARK, MARK)
        self._window.fill(*mark, int(colour, 16))
        self._window.x.flush()

    def run(self) -> None:
        """Change until the end of the input."""
        self.whole()
        self._window.ready()
        display = self._window.x.raw.get_file_descriptor()
        text = b""
        while True:
            ready = select.select([0, display], [], [])[0]
            while (event := self._window.x.raw.poll_for_event()) is not None:
                if isinstance(event, x.ButtonPressEvent):
                    {WHOLE: self.whole, SQUARE: self.middle}[event.detail]()
            if 0 in ready:
                data = os.read(0, 4096)
                if not data:
                    return
                *lines, text = (text + data).split(b"\n")
                for line in lines:
                    self.change(line.decode())


def main() -> None:
    """Run until the end of the input."""
    try:
        Flip().run()
    except xcffib.ConnectionException:
        sys.exit(1)


if __name__ == "__main__":
    main()
