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
from jupyter_xdisplay.x11.geometry import Rect, common
from jupyter_xdisplay.x11.pixels import Pixels
from jupyter_xdisplay.x11.window_group import Piece


def keep_contents(connection: X11Connection) -> None:
    """Let every window keep what it drew while others cover it, as long as the connection lives.

    Else a window that is looked at for the first time while it is covered, or that is raised for
    input, is empty until its program has drawn it again: a busy one does not.
    """
    composite = connection.extension(xcffib.composite.key, 0, 4)
    composite.RedirectSubwindows(connection.root, xcffib.composite.Redirect.Automatic)
    connection.flush()


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
    piece
        A window that is mapped, and what is drawn of it.

    Raises
    ------
    DrawableChangedError
        When it is not mapped, or gone.
    """

    def __init__(self, connection: X11Connection, events: Events, piece: Piece) -> None:
        self._x = connection
        self.window = window = piece.window
        self._piece = piece
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

    @property
    def part(self) -> Rect:
        """What is drawn of it, in coordinates of the screen."""
        return self._piece.part

    def move(self, piece: Piece) -> None:
        """Take up another place or size; raise DrawableChangedError when it is not mapped."""
        before, self._piece = self._piece, piece
        if piece.rect[2:] != before.rect[2:] or piece.border != before.border:
            self.renew()

    def renew(self) -> None:
        """Take the memory that the window has now; raise DrawableChangedError without any."""
        self._forget()
        self._capture = self._name()

    def fetch_damage(self) -> list[Rect]:
        """Return what was drawn since the last time, in coordinates of the screen."""
        _, (left, top, *_), border, part = self._piece
        moved = (
            rect._replace(x=left + border + rect.x, y=top + border + rect.y)
            for rect in self._damage.fetch()
        )
        return [drawn for rect in moved if (drawn := common(rect, part)) is not None]

    def grab(self, rect: Rect) -> Pixels:
        """Return the pixels of a part, given in coordinates of the screen, until the next grab.

        Raises
        ------
        DrawableChangedError
            When it is not within the window any more.
        """
        if self._capture is None:
            raise DrawableChangedError(f"Window {self.window:#x} is not mapped.")
        left, top, *_ = self._piece.rect
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
