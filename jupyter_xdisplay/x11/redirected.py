"""One window's own pixels, also while others cover it: the Composite extension (compositeproto)."""

from __future__ import annotations

import contextlib

import xcffib
import xcffib.composite
import xcffib.xproto

from jupyter_xdisplay.x11.capture import Capture, DrawableChangedError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.damage import Damage
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.pixels import Pixels


class Redirected:
    """A window that draws into memory of its own, from which it is captured.

    The server goes on showing it on the screen (CompositeRedirectAutomatic). Such memory belongs
    to a window of one size while it is mapped: after either changes, `renew`.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection: they tell when there is damage.
    window
        A window that is mapped.
    rect
        Its place on the screen, border included, in pixels.
    border
        Width of its border in pixels.

    Raises
    ------
    DrawableChangedError
        When it is not mapped, or gone.
    """

    def __init__(
        self, connection: X11Connection, events: Events, window: int, rect: Rect, border: int
    ) -> None:
        self._x = connection
        self.window = window
        self.rect = rect
        self._border = border
        self._composite = connection.extension(xcffib.composite.key, 0, 4)
        self._pixmap = 0
        self._capture: Capture | None = None
        try:
            self._composite.RedirectWindow(
                window, xcffib.composite.Redirect.Automatic, is_checked=True
            ).check()
        except xcffib.Error as error:
            raise DrawableChangedError(f"There is no window {window:#x}.") from error
        self._damage = Damage(connection, events, window)
        try:
            self._capture = self._name()
        except DrawableChangedError:
            self.close()
            raise

    @property
    def path(self) -> str:
        """How it is captured: "MIT-SHM" or "GetImage"."""
        return self._capture.path if self._capture else ""

    @property
    def why(self) -> str | None:
        """Why it is not MIT-SHM; None where it is."""
        return self._capture.why if self._capture else None

    def move(self, rect: Rect, border: int) -> None:
        """Take up another place or size; raise DrawableChangedError when it is not mapped."""
        if rect[2:] != self.rect[2:] or border != self._border:
            self._border = border
            self.rect = rect
            self.renew()
        self.rect = rect

    def renew(self) -> None:
        """Take the memory that the window has now; raise DrawableChangedError without any."""
        self._forget()
        self._capture = self._name()

    def fetch_damage(self) -> list[Rect]:
        """Return what was drawn since the last time, in coordinates of the screen."""
        border, (left, top, *_) = self._border, self.rect
        return [
            rect._replace(x=left + border + rect.x, y=top + border + rect.y)
            for rect in self._damage.fetch()
        ]

    def grab(self, rect: Rect) -> Pixels:
        """Return the pixels of a part, given in coordinates of the screen, until the next grab.

        Raises
        ------
        DrawableChangedError
            When it is not within the window any more.
        """
        if self._capture is None:
            raise DrawableChangedError(f"Window {self.window:#x} is not mapped.")
        left, top, *_ = self.rect
        return self._capture.grab(rect.x - left, rect.y - top, rect.width, rect.height)

    def close(self) -> None:
        """Let the window draw as before. Idempotent."""
        self._forget()
        self._damage.close()
        with contextlib.suppress(xcffib.ConnectionException):
            self._composite.UnredirectWindow(self.window, xcffib.composite.Redirect.Automatic)
            self._x.flush()

    def _name(self) -> Capture:
        pixmap = self._x.raw.generate_id()
        try:
            self._composite.NameWindowPixmap(self.window, pixmap, is_checked=True).check()
        except xcffib.Error as error:  # BadMatch while it is not mapped, BadWindow without it
            raise DrawableChangedError(f"Window {self.window:#x} is not mapped.") from error
        self._pixmap = pixmap
        try:
            return Capture(self._x, pixmap)
        except DrawableChangedError:
            self._forget()
            raise

    def _forget(self) -> None:
        if self._capture is not None:
            self._capture.close()
            self._capture = None
        if self._pixmap:
            with contextlib.suppress(xcffib.ConnectionException):
                self._x.core.FreePixmap(self._pixmap)
            self._pixmap = 0
