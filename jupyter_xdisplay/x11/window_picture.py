"""A picture of one window."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from jupyter_xdisplay.errors import WindowNotFound
from jupyter_xdisplay.x11.capture import DrawableChangedError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.png import to_png
from jupyter_xdisplay.x11.window_framebuffer import WindowFramebuffer

TRIES = 3


def window_png(display: str, xauthority: Path, window: int) -> bytes:
    """Return a top-level window with its dialogs and pop-ups as PNG.

    Raises
    ------
    WindowNotFound
        When it is not to be seen, or keeps changing.
    """
    with closing(X11Connection(display, xauthority)) as connection:
        for _ in range(TRIES):
            try:
                framebuffer = WindowFramebuffer(connection, Events(connection), window)
                pixels = framebuffer.grab(Rect(0, 0, *framebuffer.size))
            except DrawableChangedError:
                continue
            picture = to_png(pixels)
            framebuffer.close()
            return picture
    raise WindowNotFound(f"Window {window:#x} is not to be seen.")
