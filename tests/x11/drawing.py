"""An X client in this process that puts exact pixels on the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
from numpy.typing import NDArray

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.geometry import Rect
from tests.waiting import wait_until


class Drawing:
    """A window at a place of its own, which no window manager decorates unless it is `managed`.

    Parameters
    ----------
    x
        A connection that nobody else uses.
    place
        Where on the screen.
    event_mask
        Events to get.
    managed
        Whether the window manager gets it; it then says where it is.
    dialog_of
        A window that it is a dialog of.
    """

    def __init__(
        self,
        x: X11Connection,
        place: Rect,
        event_mask: int = 0,
        *,
        managed: bool = False,
        dialog_of: int = 0,
    ) -> None:
        self._x = x
        self.place = place
        self.window: int = x.raw.generate_id()
        self._gc: int = x.raw.generate_id()
        mask = xcffib.xproto.CW
        x.core.CreateWindow(
            *(xcffib.CopyFromParent, self.window, x.root, *place, 0),
            *(xcffib.xproto.WindowClass.InputOutput, xcffib.CopyFromParent),
            mask.BackPixel | mask.OverrideRedirect | mask.EventMask,
            [0, int(not managed), event_mask],
        )
        x.core.CreateGC(self._gc, self.window, 0, [])
        if dialog_of:
            atoms = xcffib.xproto.Atom
            parent = dialog_of.to_bytes(4, "little")
            x.change_property(self.window, atoms.WM_TRANSIENT_FOR, atoms.WINDOW, 32, parent)
        x.core.MapWindow(self.window)
        self.sync()
        if managed:
            listed = "_NET_CLIENT_LIST"
            wait_until(
                lambda: self.window in x.property_numbers(x.root, listed), "it is not managed"
            )

    def move(self, **changes: int) -> None:
        """Ask for another place or size: x, y, width, height."""
        names = {"x": 1, "y": 2, "width": 4, "height": 8}
        mask = sum(names[name] for name in changes)
        values = [changes[name] for name in names if name in changes]
        self._x.core.ConfigureWindow(self.window, mask, values)
        self.sync()

    def raise_(self) -> None:
        """Put it on top of all others."""
        above = xcffib.xproto.StackMode.Above
        self._x.core.ConfigureWindow(self.window, xcffib.xproto.ConfigWindow.StackMode, [above])
        self.sync()

    def fill(self, rect: Rect, colour: int) -> None:
        """Fill a rectangle of the window with 0xRRGGBB."""
        self._x.core.ChangeGC(self._gc, xcffib.xproto.GC.Foreground, [colour])
        area = xcffib.xproto.RECTANGLE.synthetic(*rect)
        self._x.core.PolyFillRectangle(self.window, self._gc, 1, [area])
        self.sync()

    def put(self, pixels: NDArray[np.uint8]) -> None:
        """Show BGRX pixels at the window's top left."""
        height, width = pixels.shape[:2]
        data: Any = pixels.tobytes()
        self._x.core.PutImage(
            *(xcffib.xproto.ImageFormat.ZPixmap, self.window, self._gc, width, height),
            *(0, 0, 0, self._x.screen.root_depth, len(data), data),
        )
        self.sync()

    def sync(self) -> None:
        """Wait until the server has done it all."""
        self._x.core.GetInputFocus().reply()

    def close(self) -> None:
        """Take the window away."""
        self._x.core.DestroyWindow(self.window)
        self.sync()


def noise(width: int, height: int) -> NDArray[np.uint8]:
    """Return pixels of which no two are alike, nearly."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., 3] = 0
    return pixels
