"""`python -m benchmarks.rfb.motion [--still]`: an X client that moves a photograph at 60 a second.

Every frame is another part of a large picture, with the frame's number drawn into it, put in one
request. A frame that comes late is left out. Ends with its standard input.
"""

from __future__ import annotations

import argparse
import select
import sys
import time

import xcffib

from benchmarks.rfb import picture
from benchmarks.rfb.picture import photograph
from benchmarks.rfb.window import Canvas, ScreenWindow

RATE = 60
MARGIN = 512
STEP_X, STEP_Y = 7, 3


def bounce(position: int) -> int:
    """Go from 0 to `MARGIN` and back."""
    return MARGIN - abs(position % (2 * MARGIN) - MARGIN)


class Motion:
    """Draws the frames."""

    def __init__(self) -> None:
        self._window = ScreenWindow()
        width, height = self._window.size
        self._canvas = Canvas(self._window, photograph(width + MARGIN, height + MARGIN, 1))

    def draw(self, number: int) -> None:
        """Draw one frame and wait until the X server has it."""
        left, top = bounce(number * STEP_X), bounce(number * STEP_Y)
        marks = self._canvas.pixels[
            top : top + picture.COUNTER_HEIGHT, left : left + picture.COUNTER_WIDTH
        ]
        kept = marks.copy()
        marks[:] = picture.counter(number)
        self._canvas.put((left, top), (0, 0), self._window.size)
        self._window.sync()
        marks[:] = kept

    def run(self) -> None:
        """Draw until the end of the input."""
        started = time.monotonic()
        number = 0
        while True:
            due = started + number / RATE
            wait_s = max(0.0, due - time.monotonic())
            if select.select([0], [], [], wait_s)[0]:
                return
            self.draw(number)
            number = max(number + 1, int((time.monotonic() - started) * RATE))

    def begin(self) -> None:
        """Draw the first frame and say so."""
        self.draw(0)
        self._window.ready()


def main() -> None:
    """Draw one frame, or many."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--still", action="store_true")
    still = parser.parse_args().still
    try:
        motion = Motion()
        motion.begin()
        if still:
            sys.stdin.read()
        else:
            motion.run()
    except xcffib.ConnectionException:
        sys.exit(1)


if __name__ == "__main__":
    main()
