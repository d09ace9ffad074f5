"""What a viewer looks at: the whole screen here, one window in `window_framebuffer`."""

from __future__ import annotations

from typing import Protocol

import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.capture import Capture
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.damage import Damage
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.pixels import Pixels


class Framebuffer(Protocol):
    """Pixels with the damage done to them. Coordinates in pixels, from its own top left corner."""

    @property
    def size(self) -> Size:
        """Width and height as the events dispatched so far tell."""
        ...

    @property
    def origin(self) -> tuple[int, int]:
        """Where its top left corner is on the screen."""
        ...

    @property
    def parts(self) -> tuple[Rect, ...]:
        """What it consists of: itself first, for a window then its dialogs and pop-ups."""
        ...

    @property
    def path(self) -> str:
        """How it is captured: "MIT-SHM" or "GetImage"."""
        ...

    @property
    def why(self) -> str | None:
        """Why it is not MIT-SHM; None where it is."""
        ...

    @property
    def gone(self) -> bool:
        """Whether it is over: no pixels come any more."""
        ...

    def fetch_damage(self) -> list[Rect]:
        """Return what was drawn since the last time; takes up other sizes, too."""
        ...

    def grab(self, rect: Rect) -> Pixels:
        """Return the pixels of a rectangle as they are now, until the next grab.

        Raises
        ------
        DrawableChangedError
            When the rectangle is not within it any more; `size` is right then.
        """
        ...

    def close(self) -> None:
        """Let go of what the X server keeps for it."""
        ...


class ScreenFramebuffer:
    """The whole screen (`Framebuffer`).

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection.
    """

    origin = (0, 0)
    gone = False

    def __init__(self, connection: X11Connection, events: Events) -> None:
        self._root = connection.root
        events.on(xcffib.xproto.ConfigureNotifyEvent, self._configured)
        mask = xcffib.xproto.EventMask.StructureNotify
        connection.core.ChangeWindowAttributes(self._root, xcffib.xproto.CW.EventMask, [mask])
        # After that: a size that it gets between the two would never be known.
        self._capture = Capture(connection)
        self._damage = Damage(connection, events)
        self.path: str = self._capture.path
        self.why: str | None = self._capture.why

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self._capture.size

    @property
    def parts(self) -> tuple[Rect, ...]:
        """Return the whole screen."""
        return (Rect(0, 0, *self.size),)

    def fetch_damage(self) -> list[Rect]:
        """Return what was drawn since the last time."""
        return self._damage.fetch(self.size)

    def grab(self, rect: Rect) -> Pixels:
        """Return the pixels of a rectangle; raise DrawableChangedError beyond the screen."""
        return self._capture.grab(*rect)

    def close(self) -> None:
        """Give the shared memory back."""
        self._capture.close()

    def _configured(self, event: xcffib.xproto.ConfigureNotifyEvent) -> None:
        if event.window == self._root:
            self._capture.measure()
