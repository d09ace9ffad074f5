"""A window over the whole screen, or a managed one, drawn into through MIT-SHM."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import xcffib
import xcffib.shm
import xcffib.xproto as x

from benchmarks.rfb.picture import Pixels
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.shm import SharedMemory


class Canvas:
    """Pixels that the X server can read, on a connection."""

    def __init__(self, window: ScreenWindow, pixels: Pixels) -> None:
        self._window = window
        memory = SharedMemory(pixels.nbytes)
        self.pixels: Pixels = memory.view.reshape(pixels.shape)
        self.pixels[:] = pixels
        self._segment = window.x.raw.generate_id()
        window.shm.Attach(self._segment, memory.id, True, is_checked=True).check()

    def put(self, source: tuple[int, int], place: tuple[int, int], size: tuple[int, int]) -> None:
        """Put a part of it at a place of the window; nothing waits for the X server."""
        height, width = self.pixels.shape[:2]
        window = self._window
        window.shm.PutImage(
            *(window.id, window.gc, width, height, *source, *size, *place),
            *(24, x.ImageFormat.ZPixmap, False, self._segment, 0),
        )


class ScreenWindow:
    """The window: unmanaged, as large as the screen. It takes button presses.

    Parameters
    ----------
    managed
        Its size in pixels where it shall be one like any program's.
    """

    def __init__(self, managed: tuple[int, int] | None = None) -> None:
        self.x = X11Connection(os.environ["DISPLAY"], Path(os.environ["XAUTHORITY"]))
        self.shm = self.x.extension(xcffib.shm.key)
        geometry = self.x.core.GetGeometry(self.x.root).reply()
        self.size = managed or (geometry.width, geometry.height)
        self.id: int = self.x.raw.generate_id()
        self.gc: int = self.x.raw.generate_id()
        self.x.core.CreateWindow(
            *(xcffib.CopyFromParent, self.id, self.x.root, 0, 0, *self.size, 0),
            *(x.WindowClass.InputOutput, xcffib.CopyFromParent),
            x.CW.OverrideRedirect | x.CW.EventMask,
            [managed is None, x.EventMask.ButtonPress],
        )
        self.x.core.MapWindow(self.id)
        self.x.core.CreateGC(self.gc, self.id, 0, [])

    def sync(self) -> None:
        """Wait until the X server has done everything."""
        self.x.core.GetInputFocus().reply()

    def fill(self, place: tuple[int, int], size: tuple[int, int], colour: int) -> None:
        """Fill a rectangle with 0xRRGGBB."""
        self.x.core.ChangeGC(self.gc, x.GC.Foreground, [colour])
        rectangle = x.RECTANGLE.synthetic(*place, *size)
        self.x.core.PolyFillRectangle(self.id, self.gc, 1, [rectangle])

    def ready(self) -> None:
        """Say that everything is drawn."""
        self.sync()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
