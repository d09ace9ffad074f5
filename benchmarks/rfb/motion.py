"""`python -m benchmarks.rfb.motion [--still] [--window]`: an X client that moves a photograph.

It draws 60 frames a second, over the whole screen or in a window of its own.

Every frame is another part of a large picture, with the frame's number drawn into it, put in one
request through MIT-SHM. A frame that comes late is left out, so that frame `n` belongs to the
time `began + n / RATE`. A line on its standard input asks how far it is (`state`); it ends with
its standard input.
"""

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
import time
from typing import NamedTuple

import xcffib

from benchmarks.rfb import picture
from benchmarks.rfb.window import Canvas, ScreenWindow

RATE = 60
WINDOW = (1280, 720)


class State(NamedTuple):
    """How far the program is: frames drawn, and when frame 0 was due (monotonic, seconds)."""

    drawn: int
    began_s: float

    def age_s(self, number: int, now_s: float) -> float:
        """Return how long ago a frame was drawn whose number is known up to full turns."""
        age = (now_s - self.began_s) * RATE - number
        return age % (1 << picture.COUNTER_BITS) / RATE


def state(program: subprocess.Popen[bytes]) -> State:
    """Ask the program."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(b"?\n")
    program.stdin.flush()
    drawn, began_s = program.stdout.readline().split()
    return State(int(drawn), float(began_s))


class Motion:
    """Draws the frames, over the whole screen or in a window of 1280x720 pixels."""

    def __init__(self, *, window: bool) -> None:
        self._window = ScreenWindow(WINDOW if window else None)
        self._canvas = Canvas(self._window, picture.photograph_to_move(*self._window.size))

    def draw(self, number: int) -> None:
        """Draw one frame and wait until the X server has it."""
        left, top = picture.place_of_frame(number)
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
        began_s = time.monotonic()
        number = drawn = 0
        while True:
            wait_s = max(0.0, began_s + number / RATE - time.monotonic())
            if select.select([0], [], [], wait_s)[0]:
                asked = os.read(0, 4096).count(b"\n")
                if not asked:
                    return
                sys.stdout.write(f"{drawn} {began_s!r}\n" * asked)
                sys.stdout.flush()
                continue
            self.draw(number)
            drawn += 1
            number = max(number + 1, int((time.monotonic() - began_s) * RATE))

    def begin(self) -> None:
        """Draw the first frame and say so."""
        self.draw(0)
        self._window.ready()


def main() -> None:
    """Draw one frame, or many."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--still", action="store_true")
    parser.add_argument("--window", action="store_true")
    options = parser.parse_args()
    try:
        motion = Motion(window=options.window)
        motion.begin()
        if options.still:
            sys.stdin.read()
        else:
            motion.run()
    except xcffib.ConnectionException:
        sys.exit(1)


if __name__ == "__main__":
    main()
