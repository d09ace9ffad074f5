"""The clipboard of a display: the selections CLIPBOARD and PRIMARY, as text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import xcffib
import xcffib.xfixes
import xcffib.xproto

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.selection_owner import SelectionOwner
from jupyter_xdisplay.x11.selection_reader import Done, SelectionReader

SELECTIONS = ("CLIPBOARD", "PRIMARY")
MAX_TEXT_BYTES = 16 * 1024 * 1024


class Clipboard:
    """Reads and owns selections. Nothing waits: the connection's events carry it on.

    Call `check` now and then while something is on its way.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection.
    changed
        Called with the selection's name when another program takes it or gives it up.
    max_bytes
        Longest text, as UTF-8, that is taken or given.
    """

    def __init__(
        self,
        connection: X11Connection,
        events: Events,
        changed: Callable[[str], None],
        *,
        max_bytes: int = MAX_TEXT_BYTES,
    ) -> None:
        self._x = connection
        self._changed = changed
        self._max_bytes = max_bytes
        self._window = self._make_window()
        self._names = {connection.atom(name): name for name in SELECTIONS}
        self._reader = SelectionReader(connection, events, self._window, max_bytes)
        self._owner = SelectionOwner(connection, events, self._window)
        self._off = events.on(xcffib.xfixes.SelectionNotifyEvent, self._owner_changed)
        self._watch()

    def set_text(self, text: str, selections: Sequence[str] = SELECTIONS) -> None:
        """Own selections with a text.

        Raises
        ------
        UsageError
            When it is longer than `max_bytes`.
        """
        if len(text) > self._max_bytes or len(text.encode("utf-8", "replace")) > self._max_bytes:
            raise UsageError(
                "This text is too long for the clipboard.",
                fix=f"copy less than {self._max_bytes // 1024} KiB",
            )
        for selection in selections:
            self._owner.own(selection, text)

    def read(self, selection: str, done: Done) -> None:
        """Ask for the text of a selection; `done` is called with it, or with None.

        At once where the text is ours, else from a later `Events.dispatch` or `check`: None when
        there is no owner or no text, the text is longer than `max_bytes`, or the owner does not
        answer.
        """
        own = self._owner.text(selection)
        if own is None:
            self._reader.read(selection, done)
        else:
            done(own)

    def check(self) -> float | None:
        """Give up who takes too long.

        Returns
        -------
        float or None
            Seconds after which to check again; None when nothing is on its way.
        """
        waits = [wait for wait in (self._reader.check(), self._owner.check()) if wait is not None]
        return min(waits, default=None)

    def close(self) -> None:
        """Give the selections up. Idempotent."""
        self._off()
        self._reader.close()
        self._owner.close()
        if self._window:
            with contextlib.suppress(xcffib.ConnectionException):
                self._x.core.DestroyWindow(self._window)
                self._x.flush()
            self._window = 0

    def _make_window(self) -> int:
        """Make a window that is never shown: selections are owned by one, and given to one."""
        window: int = self._x.raw.generate_id()
        self._x.core.CreateWindow(
            *(0, window, self._x.root, -1, -1, 1, 1, 0),
            *(xcffib.xproto.WindowClass.InputOnly, xcffib.CopyFromParent),
            xcffib.xproto.CW.EventMask,
            [xcffib.xproto.EventMask.PropertyChange],
        )
        return window

    def _watch(self) -> None:
        xfixes = self._x.extension(xcffib.xfixes.key, 5, 0)
        mask = xcffib.xfixes.SelectionEventMask
        every = mask.SetSelectionOwner | mask.SelectionWindowDestroy | mask.SelectionClientClose
        for name in self._names:
            xfixes.SelectSelectionInput(self._window, name, every)
        self._x.flush()

    def _owner_changed(self, event: xcffib.xfixes.SelectionNotifyEvent) -> None:
        name = self._names.get(event.selection)
        if name is not None and event.owner != self._window:
            self._changed(name)
