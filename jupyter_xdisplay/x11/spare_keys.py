"""Keycodes that are lent to keysyms which the keymap lacks, and given back at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Container

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.keymap import Keymap, single_key, write
from jupyter_xdisplay.x11.keysyms import case_pair, companions, is_vendor

MAX_LENT = 248
"""All keycodes that X can have: no limit."""

MAX_ATTEMPTS = 3

REUSE_S = 0.5
"""Time that clients get to read a key event before its keycode means something else.

Toolkits look the keysym up when they handle the event, in the keymap as it is then: a keycode
that was given away meanwhile types the wrong letter (facts 33).
"""

CHANGE_INTERVAL_S = 0.05
"""Time that clients get to read the keymap before it changes again.

Xlib forgets a change that it reads while it waits for the keymap after an earlier one
(`_XkbCheckPendingRefresh` clears what was noted in `_XReply`). So a change is told twice, apart,
before a key is pressed.
"""


class SpareKeys:
    """Lends keycodes: those without any keysym first, then those for media keys only.

    The fewer changes the better: the whole alphabet of a letter is put on the keys at once, as
    far as there are free ones. Every change is written, and so reported, for all keys from the
    first to the last that can be lent: a client that asks late for an earlier change learns of
    the later ones with it.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    keymap
        The keys as they are before any is lent.
    most
        Lend no more keycodes than that.
    clock
        Gives seconds.
    """

    def __init__(
        self,
        connection: X11Connection,
        keymap: Keymap,
        *,
        most: int = MAX_LENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._x = connection
        self._most = most
        self._clock = clock
        self._lent: dict[int, tuple[int, ...]] = {}
        self._original: dict[int, bytes] = {}
        self._used_s: dict[int, float] = {}
        """When an event of each lent keycode was last sent; the least recent one first."""
        self._changed_s = clock() - CHANGE_INTERVAL_S
        self._told_once: set[int] = set()
        self._attempts: list[int] = []
        """What was put on keys since the last key that was ready: the server may refuse it."""
        self.keymap_changed(keymap)

    def __len__(self) -> int:
        return len(self._free) + len(self._lent)

    def keymap_changed(self, keymap: Keymap) -> None:
        """Take note of a keymap: keys that were changed by others are no longer lent."""
        self._keymap = keymap
        for keycode, keysyms in list(self._lent.items()):
            key = keymap.keys.get(keycode)
            if key is None or key.groups != (keysyms,):
                del self._lent[keycode], self._original[keycode], self._used_s[keycode]
        self._free = [
            keycode
            for keycode in sorted(keymap.keys, key=lambda code: bool(keymap.keys[code].keysyms))
            if keycode not in self._lent
            and keycode not in keymap.modifiers
            and all(is_vendor(keysym) for keysym in keymap.keys[keycode].keysyms)
        ][: max(0, self._most - len(self._lent))]

    def lend(self, keysym: int, held: Container[int]) -> float | None:
        """Put a keysym on a keycode, with its other case beside it and its alphabet on others.

        Returns
        -------
        float or None
            The seconds after which to ask again, where the keymap has changed then. None where
            there is no keycode to lend, or the server does not take the change.
        """
        if self._attempts.count(keysym) >= MAX_ATTEMPTS:
            self._attempts.clear()
            return None
        remaining_s = self._rest_s()
        if remaining_s > 0:
            return remaining_s
        free = [keycode for keycode in self._free if keycode not in held]
        if free:
            changes = self._put_alphabet(keysym, free)
        else:
            at_rest = [keycode for keycode in self._used_s if keycode not in held]
            if not at_rest:
                return REUSE_S if self._used_s else None
            remaining_s = self._used_s[at_rest[0]] + REUSE_S - self._clock()
            if remaining_s > 0:
                return remaining_s
            changes = self._put(keysym, at_rest[0])
        self._write(changes)
        self._attempts.append(keysym)
        self._told_once |= set(changes)
        return CHANGE_INTERVAL_S

    def settle(self, keycode: int) -> float:
        """Make sure that clients know what a key means, before it is pressed.

        Returns
        -------
        float
            0.0 when they do; else the seconds after which to ask again.
        """
        self._attempts.clear()
        if keycode not in self._told_once:
            return 0.0
        remaining_s = self._rest_s()
        if remaining_s > 0:
            return remaining_s
        self._write({})
        self._told_once.clear()
        return 0.0

    def _rest_s(self) -> float:
        return self._changed_s + CHANGE_INTERVAL_S - self._clock()

    def _put_alphabet(self, keysym: int, free: list[int]) -> dict[int, bytes]:
        others = [other for other in companions(keysym) if not self._keymap.places(other, 0)]
        changes: dict[int, bytes] = {}
        # what is put last is taken away last
        for one, keycode in reversed(list(zip([keysym, *others], free, strict=False))):
            changes |= self._put(one, keycode)
        return changes

    def _put(self, keysym: int, keycode: int) -> dict[int, bytes]:
        self._original.setdefault(keycode, self._keymap.keys[keycode].raw)
        self._lent[keycode] = case_pair(keysym) or (keysym,)
        self.used(keycode)
        return {keycode: single_key(self._lent[keycode])}

    def used(self, keycode: int) -> None:
        """Take note that an event of that key was sent."""
        if keycode in self._lent:
            self._used_s.pop(keycode, None)
            self._used_s[keycode] = self._clock()

    def give_back(self) -> float:
        """Restore the keys that are still as they were lent.

        Returns
        -------
        float
            0.0 when it is done; else the seconds after which to ask again: clients have not had
            the time to read the last letters.
        """
        if not self._lent:
            return 0.0
        remaining_s = max(self._used_s.values()) + REUSE_S - self._clock()
        if remaining_s > 0:
            return remaining_s
        self._write(self._original)
        for known in (self._lent, self._original, self._used_s, self._told_once):
            known.clear()
        return 0.0

    def _write(self, changes: dict[int, bytes]) -> None:
        concerned = [*self._free, *self._lent]
        first, last = min(concerned), max(concerned)
        keys = self._keymap.keys
        raw = [changes.get(code, keys[code].raw) for code in range(first, last + 1)]
        write(self._x, first, raw)
        self._x.flush()
        self._changed_s = self._clock()
