"""Finds the keys and modifiers that give a keysym on a display's keymap, and presses them."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import Any, NamedTuple

import xcffib
import xcffib.xkb
import xcffib.xproto

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.keymap import CORE_KEYBOARD, SHIFT, XKB_VERSION, Keymap, Place
from jupyter_xdisplay.x11.keysyms import (
    ISO_LEVEL3_SHIFT,
    ISO_LEVEL5_SHIFT,
    NO_SYMBOL,
    SHIFT_L,
    SHIFT_R,
    UNICODE_BASE,
    char_of,
    has_level,
    keysym_of,
)
from jupyter_xdisplay.x11.spare_keys import SpareKeys
from jupyter_xdisplay.x11.xtest import XTest

COMMAND_MODIFIERS = 0b1001100
"""Control, Mod1 (Alt) and Mod4 (Super): with them held a key is a command, no letter."""

LEVEL_KEYSYMS = (SHIFT_L, SHIFT_R, ISO_LEVEL3_SHIFT, ISO_LEVEL5_SHIFT)
MAX_KEYSYM = 0x1FFFFFFF
VOID_SYMBOL = 0xFFFFFF


class State(NamedTuple):
    """The keyboard now: effective modifiers, those of them held by keys, the group."""

    modifiers: int
    held: int
    group: int


class Stroke(NamedTuple):
    """A key to press, with modifiers to press or release for that moment."""

    keycode: int
    add: int = 0
    remove: int = 0


class KeyMapper:
    """The one mapper of a display, shared by the keyboards of all its viewers.

    While it is there the server repeats no keys: viewers do, and over a slow network the server
    would repeat a key that was released long ago.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    events
        Those of the connection: they tell when the keymap changes. They are dispatched before
        every key.
    """

    def __init__(self, connection: X11Connection, events: Events) -> None:
        self._x = connection
        self._events = events
        self._xkb: Any = connection.raw(xcffib.xkb.key)
        self._xkb.UseExtension(*XKB_VERSION).reply()
        self._xtest = XTest(connection)
        self._held: Counter[int] = Counter()
        self._repeat: int = connection.core.GetKeyboardControl().reply().global_auto_repeat
        self._set_repeat(0)
        self._changed = False
        self._off = self._watch_keymap()
        self._use(Keymap.read(connection))
        self._spare = SpareKeys(connection, self.keymap)

    @property
    def spare_keys(self) -> int:
        """How many keycodes can be lent to keysyms that the keymap lacks."""
        return len(self._spare)

    def find(self, keysym: int, keycode: int | None) -> Stroke | float | None:
        """Return how to get a keysym.

        Parameters
        ----------
        keysym
            0 where the viewer knows none.
        keycode
            The key where it is on the viewer's keyboard: taken where it gives that keysym, where
            there is none, and for commands in a script that the keymap does not have (Ctrl+C on
            a Greek keyboard).

        Returns
        -------
        Stroke, float or None
            The seconds after which to ask again, where clients need time for a changed keymap.
            None when there is no way.
        """
        self._refresh()
        keysym = _plain(keysym)
        hint = keycode if keycode is not None and self._is_key(keycode) else None
        if keysym == NO_SYMBOL:
            return None if hint is None else Stroke(hint)
        state = self._state()
        stroke = self._on_keymap(keysym, hint, state)
        if stroke is not None:
            return self._spare.settle(stroke.keycode) or stroke
        if hint is not None and state.modifiers & COMMAND_MODIFIERS:
            return Stroke(hint)
        return self._spare.lend(keysym, self._held)

    def press(self, stroke: Stroke) -> None:
        """Press a key, with its modifiers for that moment."""
        keycode = stroke.keycode
        already = self._held[keycode] > 0
        self._held[keycode] += 1
        if already and keycode in self.keymap.modifiers:
            return
        if already:
            self._send(keycode, down=False)
        keys_down = self._keys_with(stroke.remove) if stroke.remove else []
        keys_up = [self._level_keys[bit] for bit in _bits(stroke.add)]
        for key in keys_down:
            self._send(key, down=False)
        for key in keys_up:
            self._send(key, down=True)
        self._send(keycode, down=True)
        for key in reversed(keys_up):
            self._send(key, down=False)
        for key in reversed(keys_down):
            self._send(key, down=True)
        self._xtest.flush()

    def release(self, keycode: int) -> None:
        """Release a key, unless another viewer holds it too."""
        self._held[keycode] -= 1
        if self._held[keycode] <= 0:
            del self._held[keycode]
            self._send(keycode, down=False)
            self._xtest.flush()

    def is_modifier(self, keycode: int) -> bool:
        """Return whether a key is a modifier."""
        return keycode in self.keymap.modifiers

    def close(self) -> None:
        """Release all keys and restore the keymap. Waits up to `REUSE_S`. Idempotent."""
        self._off()
        with contextlib.suppress(xcffib.ConnectionException):
            for keycode in list(self._held):
                self._send(keycode, down=False)
            self._held.clear()
            self._xtest.flush()
            self._refresh()
            while wait_s := self._spare.give_back():
                time.sleep(wait_s)
            self._set_repeat(self._repeat)
            self._x.core.GetInputFocus().reply()  # all of it is done

    def _watch_keymap(self) -> Any:
        kinds = xcffib.xkb.EventType
        both = kinds.NewKeyboardNotify | kinds.MapNotify
        part = xcffib.xkb.MapPart
        what = part.KeyTypes | part.KeySyms | part.ModifierMap
        new = kinds.NewKeyboardNotify
        self._xkb.SelectEvents(CORE_KEYBOARD, both, 0, new, what, what, [])
        # all events of XKB have one number; xcffib takes them for its first kind
        return self._events.on(xcffib.xkb.NewKeyboardNotifyEvent, self._notified)

    def _notified(self, event: xcffib.xkb.NewKeyboardNotifyEvent) -> None:  # noqa: ARG002
        self._changed = True

    def _refresh(self) -> None:
        """Read the keymap if it has changed since the last time."""
        self._events.dispatch()
        if self._changed:
            self._changed = False
            self._use(Keymap.read(self._x))
            self._spare.keymap_changed(self.keymap)

    def _use(self, keymap: Keymap) -> None:
        self.keymap = keymap
        self._level_keys: dict[int, int] = {}
        for keysym in LEVEL_KEYSYMS:
            for place in keymap.places(keysym, 0):
                bits = keymap.modifiers.get(place.keycode, 0)
                if place.level == 0 and bits.bit_count() == 1:
                    self._level_keys.setdefault(bits, place.keycode)

    def _state(self) -> State:
        reply = self._xkb.GetState(CORE_KEYBOARD).reply()
        return State(reply.mods, reply.baseMods & ~reply.lockedMods, reply.group)

    def _is_key(self, keycode: int) -> bool:
        key = self.keymap.keys.get(keycode)
        return key is not None and bool(key.keysyms)

    def _on_keymap(self, keysym: int, hint: int | None, state: State) -> Stroke | None:
        """Return the stroke with the fewest modifiers to change; `hint`'s first."""
        found = []
        for place in self.keymap.places(keysym, state.group):
            change = self._change(place, state) if has_level(keysym) else (0, 0)
            if change is not None:
                cost = (change[0] | change[1]).bit_count()
                order = (place.keycode != hint, cost, place.level, place.keycode)
                found.append((order, Stroke(place.keycode, *change)))
        return min(found)[1] if found else None

    def _change(self, place: Place, state: State) -> tuple[int, int] | None:
        """Return the modifiers to add and to remove to get a level; None where that cannot be.

        Shift and the keys for further levels are pressed and released at will. Locks stay as
        they are: with them on Shift does the opposite.
        """
        own = 0
        for bit in self._level_keys:
            own |= bit
        mask, found = place.type.mask, []
        for way in place.type.ways(place.level):
            add = way & ~state.modifiers
            remove = state.modifiers & mask & ~way
            if not add & ~own and not remove & ~(own & state.held):
                found.append(((add | remove).bit_count(), (add, remove)))
        return min(found)[1] if found else None

    def _keys_with(self, modifiers: int) -> list[int]:
        """Return the keys held down now that have any of these modifiers (QueryKeymap)."""
        down = bytes(self._x.core.QueryKeymap().reply().keys)
        return [
            keycode
            for keycode, bits in self.keymap.modifiers.items()
            if bits & modifiers and down[keycode >> 3] >> (keycode & 7) & 1
        ]

    def _send(self, keycode: int, *, down: bool) -> None:
        self._xtest.key(keycode, down)
        self._spare.used(keycode)

    def _set_repeat(self, mode: int) -> None:
        self._x.core.ChangeKeyboardControl(xcffib.xproto.KB.AutoRepeatMode, [mode])


def _plain(keysym: int) -> int:
    """Return a keysym as keymaps have it, 0 for what is none."""
    if not 0 < keysym <= MAX_KEYSYM or keysym == VOID_SYMBOL:
        return NO_SYMBOL
    char = char_of(keysym)
    if char is not None and UNICODE_BASE < keysym <= UNICODE_BASE + 0xFF:
        return keysym_of(char)
    return keysym


def _bits(mask: int) -> list[int]:
    return [1 << n for n in range(8) if mask >> n & SHIFT]
