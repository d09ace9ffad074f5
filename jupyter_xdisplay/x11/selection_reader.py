"""Reading selections of other programs (ICCCM 2.4, "Requesting a Selection"; INCR in 2.7.2)."""

from __future__ import annotations

import dataclasses
import struct
import time
from collections.abc import Callable

import xcffib
import xcffib.xproto

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events

TEXT_TARGETS = ("UTF8_STRING", "text/plain;charset=utf-8", "STRING")
"""Asked for in this order, until the owner gives one."""

ANSWER_S = 3.0
"""Longest wait for an owner's next step."""

WHOLE_S = 30.0
"""Longest wait for a whole text."""

PROPERTIES = 16
"""Each request names another property: what comes too late is not taken for a later answer."""

PROPERTY_REPLY = struct.Struct("=xBxxxxxxIII")
REPLY_HEADER_BYTES = 32

Done = Callable[[str | None], None]


@dataclasses.dataclass
class _Transfer:
    """A text on its way."""

    targets: list[str]
    property: int
    until_s: float
    done: list[Done]
    step_until_s: float = 0.0
    incremental: bool = False
    too_large: bool = False
    parts: list[bytes] = dataclasses.field(default_factory=list)
    size: int = 0


class SelectionReader:
    """Asks owners of selections for their text, without ever waiting for them.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection.
    window
        One of ours that gets the texts; PropertyChange events are selected on it.
    max_bytes
        Longer texts are not taken.
    """

    def __init__(
        self, connection: X11Connection, events: Events, window: int, max_bytes: int
    ) -> None:
        self._x = connection
        self._window = window
        self._max_bytes = max_bytes
        self._transfers: dict[str, _Transfer] = {}
        self._count = 0
        self._offs = [
            events.on(xcffib.xproto.SelectionNotifyEvent, self._answered),
            events.on(xcffib.xproto.PropertyNotifyEvent, self._property_changed),
        ]

    def read(self, selection: str, done: Done) -> None:
        """Ask for a selection's text; `done` is called with it, from a later dispatch or check.

        It is called with None when nobody owns the selection, the owner gives no text or does
        not answer, or the text is longer than `max_bytes`.
        """
        running = self._transfers.get(selection)
        if running is not None:
            running.done.append(done)
            return
        self._count += 1
        name = self._x.atom(f"_XDISPLAY_TEXT_{self._count % PROPERTIES}")
        until_s = time.monotonic() + WHOLE_S
        transfer = _Transfer(list(TEXT_TARGETS), name, until_s, [done])
        self._transfers[selection] = transfer
        self._ask(selection, transfer)

    def check(self) -> float | None:
        """Give up what takes too long.

        Returns
        -------
        float or None
            Seconds after which to check again; None when nothing is on its way.
        """
        now = time.monotonic()
        for selection, transfer in list(self._transfers.items()):
            if min(transfer.until_s, transfer.step_until_s) <= now:
                self._finish(selection, None)
        ends = [min(t.until_s, t.step_until_s) for t in self._transfers.values()]
        return max(0.0, min(ends) - now) if ends else None

    def close(self) -> None:
        """Give up everything. Idempotent."""
        for off in self._offs:
            off()
        for selection in list(self._transfers):
            self._finish(selection, None)

    def _ask(self, selection: str, transfer: _Transfer) -> None:
        transfer.step_until_s = time.monotonic() + ANSWER_S
        # what came too late for an earlier request is not to be taken for the answer
        self._x.core.DeleteProperty(self._window, transfer.property)
        self._x.core.ConvertSelection(
            self._window,
            self._x.atom(selection),
            self._x.atom(transfer.targets[0]),
            transfer.property,
            xcffib.CurrentTime,
        )
        self._x.flush()

    def _answered(self, event: xcffib.xproto.SelectionNotifyEvent) -> None:
        for selection, transfer in list(self._transfers.items()):
            if (
                event.requestor != self._window
                or event.selection != self._x.atom(selection)
                or event.target != self._x.atom(transfer.targets[0])
                or transfer.incremental
            ):
                continue
            if event.property == transfer.property:
                self._take(selection, transfer)
            elif event.property == xcffib.NONE:
                self._refused(selection, transfer)

    def _refused(self, selection: str, transfer: _Transfer) -> None:
        transfer.targets.pop(0)
        if transfer.targets:
            self._ask(selection, transfer)
        else:
            self._finish(selection, None)

    def _take(self, selection: str, transfer: _Transfer) -> None:
        """Take the whole text, or the word that it comes in parts."""
        kind, value, complete = self._get_property(transfer.property)
        if kind == self._x.atom("INCR"):
            transfer.incremental = True
            transfer.step_until_s = time.monotonic() + ANSWER_S
        elif kind == xcffib.NONE or not complete:
            self._finish(selection, None)
        else:
            self._finish(selection, _decode(value, latin=self._is_latin(kind)))

    def _property_changed(self, event: xcffib.xproto.PropertyNotifyEvent) -> None:
        if event.window != self._window or event.state != xcffib.xproto.Property.NewValue:
            return
        for selection, transfer in list(self._transfers.items()):
            if transfer.incremental and event.atom == transfer.property:
                self._take_part(selection, transfer)

    def _take_part(self, selection: str, transfer: _Transfer) -> None:
        """Take a part; one without content is the end. What is too much is taken and dropped."""
        kind, value, complete = self._get_property(transfer.property)
        transfer.step_until_s = time.monotonic() + ANSWER_S
        if not value:
            text = _decode(b"".join(transfer.parts), latin=self._is_latin(kind))
            self._finish(selection, None if transfer.too_large else text)
            return
        transfer.size += len(value)
        if transfer.size > self._max_bytes or not complete:
            transfer.too_large = True
            transfer.parts.clear()
        else:
            transfer.parts.append(value)

    def _get_property(self, name: int) -> tuple[int, bytes, bool]:
        """Return type and value of a property of our window and delete it; whether it is whole."""
        cookie = self._x.core.GetProperty(
            False,
            self._window,
            name,
            xcffib.xproto.GetPropertyType.Any,
            0,
            self._max_bytes // 4 + 1,
        )
        reply = self._x.reply_buffer(cookie)
        bits, kind, left, units = PROPERTY_REPLY.unpack_from(reply)
        # deleting is what asks for the next part; GetProperty deletes only what it gives whole
        self._x.core.DeleteProperty(self._window, name)
        self._x.flush()
        size = units * bits // 8
        value = bytes(reply[REPLY_HEADER_BYTES : REPLY_HEADER_BYTES + size])
        return kind, value, left == 0 and size <= self._max_bytes

    def _is_latin(self, kind: int) -> bool:
        return kind == xcffib.xproto.Atom.STRING

    def _finish(self, selection: str, text: str | None) -> None:
        transfer = self._transfers.pop(selection)
        for done in transfer.done:
            done(text)


def _decode(value: bytes, *, latin: bool) -> str:
    return value.rstrip(b"\0").decode("latin-1" if latin else "utf-8", "replace")
