"""`python -m benchmarks.rfb.plot`: a figure in Tk, zoomed by a pointer that drags all the time.

The pointer is moved by XTEST 60 times a second, from another process than the figure's: so it
moves the same whatever viewer looks. Ends with its standard input.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.xtest import XTest

RATE = 60
WIDTH, HEIGHT, LEFT, TOP = 900, 640, 100, 40
START = LEFT + 200, TOP + 160
FROM_X, TO_X, DRAG_Y = LEFT + 400, LEFT + 700, TOP + 410
STEP = 6
PROBE = FROM_X - 30, TOP + 260, TO_X - FROM_X + 60, 4
"""A band that the rectangle's right edge crosses wherever it is: x, y, width, height."""


def drag() -> None:
    """Hold the button and move to and fro until the end of the input; then put the pointer back.

    TigerVNC draws a pointer into the picture that is not where the viewer has it.
    """
    connection = X11Connection(os.environ["DISPLAY"], Path(os.environ["XAUTHORITY"]))
    before = connection.core.QueryPointer(connection.root).reply()
    pointer = XTest(connection)
    pointer.move(*START)
    pointer.flush()
    time.sleep(0.2)
    pointer.button(1, True)
    x, step, due = FROM_X, STEP, time.monotonic()
    while not select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
        if not FROM_X <= x + step <= TO_X:
            step = -step
        x += step
        pointer.move(x, DRAG_Y)
        pointer.flush()
        due += 1 / RATE
    pointer.button(1, False)
    pointer.move(before.root_x, before.root_y)
    pointer.flush()


def show() -> None:
    """Show the figure, and have it dragged once it is there."""
    import matplotlib as mpl

    mpl.use("TkAgg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    values = np.linspace(0, 20, 2000)
    for number in range(5):
        axes.plot(values, np.sin(values + number) * np.exp(-values / 12))
    axes.grid(True)
    manager = plt.get_current_fig_manager()
    assert manager is not None
    manager.window.wm_geometry(f"{WIDTH}x{HEIGHT}+{LEFT}+{TOP}")  # type: ignore[attr-defined]
    assert manager.toolbar is not None
    manager.toolbar.zoom()  # type: ignore[union-attr]
    figure.canvas.draw()
    plt.pause(0.5)
    dragging = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rfb.plot", "drag"], stdin=subprocess.PIPE
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        plt.show()
    finally:
        dragging.terminate()


if __name__ == "__main__":
    if sys.argv[1:] == ["drag"]:
        drag()
    else:
        show()
