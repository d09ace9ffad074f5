"""Giving a text to other programs (ICCCM 2.2, "Responsibilities of the Selection Owner")."""

from __future__ import annotations

import dataclasses
import struct
import time

import xcffib
import xcffib.xfixes
import xcffib.xproto
from xcffib.xproto import Atom, EventMask

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events

PART_BYTES = 128 * 1024
"""Longer texts go in parts of that size (INCR): a request has at least 256 KiB."""

MAX_OUTGOING = 16
"""Texts on their way at one time; further requests are refused."""

MAX_MULTIPLE = 16
STEP_S = 10.0
"""How long a program may take to fetch a part."""

SELECTION_NOTIFY = struct.Struct("=BxxxIIIII8x")
MULTIPLE_BYTES = 8 * MAX_MULTIPLE


@dataclasses.dataclass
class _Outgoing:
    """A text that goes in parts."""

    kind: int
    value: memoryview
    until_s: float


class SelectionOwner:
    """Owns selections and answers who asks for them.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection.
    window
        One of ours that is the owner.
    """

    def __init__(self, connection: X11Connection, events: Events, window: int) -> None:
        self._x = connection
        self._window = window
        self._texts: dict[int, bytes] = {}
        self._since: dict[int, int] = {}
        self._outgoing: dict[tuple[int, int], _Outgoing] = {}
        atom = connection.atom
        self._utf8 = (atom("UTF8_STRING"), atom("text/plain;charset=utf-8"), atom("TEXT"))
        self._latin = (int(Atom.STRING), atom("text/plain"))
        self._offs = [
            events.on(xcffib.xproto.SelectionRequestEvent, self._requested),
            events.on(xcffib.xproto.SelectionClearEvent, self._lost),
            events.on(xcffib.xproto.PropertyNotifyEvent, self._property_changed),
            events.on(xcffib.xfixes.SelectionNotifyEvent, self._owner_changed),
        ]

    def own(self, selection: str, text: str) -> None:
        """Become the owner of a selection with that text."""
        name = self._x.atom(selection)
        self._texts[name] = text.replace("\0", "").encode("utf-8", "replace")
        self._since.pop(name, None)
        self._x.core.SetSelectionOwner(self._window, name, xcffib.CurrentTime)
        self._x.flush()

    def text(self, selection: str) -> str | None:
        """Return the text of a selection that is ours, else None."""
        value = self._texts.get(self._x.atom(selection))
        return None if value is None else value.decode()

    def check(self) -> float | None:
        """Forget who does not fetch; return after how many seconds to check again."""
        now = time.monotonic()
        for key, outgoing in list(self._outgoing.items()):
            if outgoing.until_s <= now:
                self._end(key)
        if not self._outgoing:
            return None
        return max(0.0, min(item.until_s for item in self._outgoing.values()) - now)

    def close(self) -> None:
        """Answer nobody any more. Idempotent."""
        for off in self._offs:
            off()
        self._texts.clear()
        self._outgoing.clear()

    def _owner_changed(self, event: xcffib.xfixes.SelectionNotifyEvent) -> None:
        if event.owner == self._window:
            self._since[event.selection] = event.selection_timestamp

    def _lost(self, event: xcffib.xproto.SelectionClearEvent) -> None:
        if event.owner == self._window:
            self._texts.pop(event.selection, None)

    def _requested(self, event: xcffib.xproto.SelectionRequestEvent) -> None:
        text = self._texts.get(event.selection)
        name = event.property or event.target  # obsolete clients name none (ICCCM 2.2)
        given = False
        if text is not None and event.requestor != self._window:
            if event.target == self._x.atom("MULTIPLE"):
                given = self._give_several(event.requestor, name, event.selection, text)
            else:
                given = self._give(event.requestor, name, event.target, event.selection, text)
        answer = SELECTION_NOTIFY.pack(
            *(31, event.time, event.requestor, event.selection, event.target),
            name if given else xcffib.NONE,
        )
        self._x.core.SendEvent(False, event.requestor, 0, answer)
        self._x.flush()

    def _give(self, requestor: int, name: int, target: int, selection: int, text: bytes) -> bool:
        """Put a selection into a property of the requestor; return whether it has that target."""
        atom = self._x.atom
        if target == atom("TARGETS"):
            known = (atom("TARGETS"), atom("TIMESTAMP"), atom("MULTIPLE"))
            targets = (*known, *self._utf8, *self._latin)
            value = struct.pack(f"={len(targets)}I", *targets)
            self._x.change_property(requestor, name, Atom.ATOM, 32, value)
        elif target == atom("TIMESTAMP"):
            value = struct.pack("=I", self._since.get(selection, 0))
            self._x.change_property(requestor, name, Atom.INTEGER, 32, value)
        elif target in self._utf8:
            kind = atom("UTF8_STRING") if target == atom("TEXT") else target
            return self._send(requestor, name, kind, text)
        elif target in self._latin:
            return self._send(requestor, name, target, text.decode().encode("latin-1", "replace"))
        else:
            return False
        return True

    def _give_several(self, requestor: int, name: int, selection: int, text: bytes) -> bool:
        """Answer MULTIPLE: pairs of target and property, of which the refused become None."""
        try:
            reply = self._x.core.GetProperty(
                *(False, requestor, name, xcffib.xproto.GetPropertyType.Any, 0, MULTIPLE_BYTES // 4)
            ).reply()
        except xcffib.xproto.WindowError:
            return False
        words = list(memoryview(bytes(reply.value.buf())).cast("I")) if reply.format == 32 else []
        for at in range(0, len(words) - 1, 2):
            multiple = words[at] == self._x.atom("MULTIPLE")
            if multiple or not self._give(requestor, words[at + 1], words[at], selection, text):
                words[at + 1] = xcffib.NONE
        value = struct.pack(f"={len(words)}I", *words)
        self._x.change_property(requestor, name, self._x.atom("ATOM_PAIR"), 32, value)
        return bool(words)

    def _send(self, requestor: int, name: int, kind: int, value: bytes) -> bool:
        """Put a text into a property, or begin to send it in parts; False: too many at once."""
        if len(value) <= PART_BYTES:
            self._x.change_property(requestor, name, kind, 8, value)
            return True
        if len(self._outgoing) >= MAX_OUTGOING:
            return False
        self._select(requestor, EventMask.PropertyChange)
        self._outgoing[requestor, name] = _Outgoing(
            kind, memoryview(value), time.monotonic() + STEP_S
        )
        size = struct.pack("=I", len(value))
        self._x.change_property(requestor, name, self._x.atom("INCR"), 32, size)
        return True

    def _property_changed(self, event: xcffib.xproto.PropertyNotifyEvent) -> None:
        """Send the next part when the requestor has deleted the one before."""
        key = (event.window, event.atom)
        outgoing = self._outgoing.get(key)
        if outgoing is None or event.state != xcffib.xproto.Property.Delete:
            return
        part, outgoing.value = outgoing.value[:PART_BYTES], outgoing.value[PART_BYTES:]
        outgoing.until_s = time.monotonic() + STEP_S
        self._x.change_property(*key, outgoing.kind, 8, part)
        if not part:  # the empty part is the end
            self._end(key)
        self._x.flush()

    def _end(self, key: tuple[int, int]) -> None:
        del self._outgoing[key]
        if all(requestor != key[0] for requestor, _ in self._outgoing):
            self._select(key[0], EventMask.NoEvent)

    def _select(self, window: int, mask: int) -> None:
        self._x.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])
