"""A server's keymap: which keysyms its keys give, with which modifiers (XKB, xkbproto)."""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

import xcffib.xkb

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.keysyms import NO_SYMBOL, char_of

CORE_KEYBOARD = xcffib.xkb.ID.UseCoreKbd
XKB_VERSION = (1, 0)
SHIFT = 1
"""Modifier bits are those of the core protocol: Shift, Lock, Control, Mod1 to Mod5."""

HEADER = struct.Struct("=8xxxBBHBBBBHBBHBBBBBBBBBBBBBxH")
KEY_TYPE = struct.Struct("=BBHBBBx")
TYPE_ENTRY = struct.Struct("=BBBBHxx")
KEY_SYMS = struct.Struct("=4BBBH")
SET_MAP = struct.Struct("=xxxxHHHBBBBBBH18x")
SET_MAP_OPCODE = 9
ONE_LEVEL, ALPHABETIC = 0, 2
"""Indices of types that every keymap has (xkbproto, "The Canonical Key Types")."""


@dataclasses.dataclass(frozen=True)
class KeyType:
    """How modifiers select a level: those of `mask` count, `levels` maps them to one."""

    mask: int
    levels: dict[int, int]

    def level(self, modifiers: int) -> int:
        """Return the level that these modifiers give."""
        return self.levels.get(modifiers & self.mask, 0)

    def ways(self, level: int) -> Iterator[int]:
        """Yield the combinations of the mask's modifiers that give a level."""
        combination = self.mask
        while True:
            if self.level(combination) == level:
                yield combination
            if not combination:
                return
            combination = (combination - 1) & self.mask


class Key(NamedTuple):
    """A key: for each of its groups the keysyms by level, and the type; `raw` as on the wire."""

    groups: tuple[tuple[int, ...], ...]
    types: tuple[KeyType, ...]
    raw: bytes

    @property
    def keysyms(self) -> set[int]:
        """All keysyms that it can give."""
        return {keysym for group in self.groups for keysym in group} - {NO_SYMBOL}


class Place(NamedTuple):
    """Where a keysym is: the key, the level in its group, the group's type."""

    keycode: int
    level: int
    type: KeyType


class Keymap:
    """The keys of a keyboard as they are at one moment.

    Parameters
    ----------
    keys
        By keycode; every keycode that the server knows is there.
    modifiers
        The modifier bits of the keys that have any.
    """

    def __init__(self, keys: dict[int, Key], modifiers: dict[int, int]) -> None:
        self.keys = keys
        self.modifiers = modifiers
        self._by_keysym: dict[int, list[tuple[int, int, int]]] = {}
        self._by_char: dict[str, set[int]] = {}
        for keycode, key in keys.items():
            for group, keysyms in enumerate(key.groups):
                for level, keysym in enumerate(keysyms):
                    if keysym != NO_SYMBOL:
                        self._by_keysym.setdefault(keysym, []).append((keycode, group, level))
        for keysym in self._by_keysym:
            char = char_of(keysym)
            if char is not None:
                self._by_char.setdefault(char, set()).add(keysym)

    @classmethod
    def read(cls, connection: X11Connection) -> Keymap:
        """Ask the server (GetMap; UseExtension must have been told before)."""
        part = xcffib.xkb.MapPart
        wanted = part.KeyTypes | part.KeySyms | part.ModifierMap
        cookie = connection.raw(xcffib.xkb.key).GetMap(CORE_KEYBOARD, wanted, *[0] * 16)
        return cls(*parse(connection.reply_buffer(cookie)))

    def places(self, keysym: int, group: int) -> list[Place]:
        """Return where a keysym, or another one for the same character, is in a group.

        A group that a key does not have wraps into those that it has (xkbproto, "Computing
        Effective Modifier and Group").
        """
        char = char_of(keysym)
        same = {keysym} if char is None else {keysym} | self._by_char.get(char, set())
        found = []
        for one in sorted(same, key=lambda other: other != keysym):
            for keycode, at, level in self._by_keysym.get(one, ()):
                key = self.keys[keycode]
                if group % len(key.groups) == at:
                    found.append(Place(keycode, level, key.types[at]))
        return found

    def keycodes(self, keysym: int) -> set[int]:
        """Return the keys that give a keysym at any level, in any group."""
        return {keycode for keycode, _, _ in self._by_keysym.get(keysym, ())}


def parse(reply: memoryview) -> tuple[dict[int, Key], dict[int, int]]:
    """Read GetMap's reply: types, keysyms and the modifier map (xkbproto, appendix D)."""
    header = HEADER.unpack_from(reply)
    n_types, first_keycode, n_keys, n_modifiers = header[4], header[6], header[8], header[20]
    at = HEADER.size
    types = []
    for _ in range(n_types):
        key_type, at = _key_type(reply, at)
        types.append(key_type)
    keys = {}
    for keycode in range(first_keycode, first_keycode + n_keys):
        start = at
        *indices, info, width, n_keysyms = KEY_SYMS.unpack_from(reply, at)
        at += KEY_SYMS.size
        keysyms = struct.unpack_from(f"={n_keysyms}I", reply, at)
        at += 4 * n_keysyms
        n_groups = info & 0x0F
        groups = tuple(keysyms[n * width : (n + 1) * width] for n in range(n_groups))
        key_types = tuple(types[index] for index in indices[:n_groups])
        keys[keycode] = Key(groups, key_types, bytes(reply[start:at]))
    modifiers = dict(struct.unpack_from("=BB", reply, at + 2 * n) for n in range(n_modifiers))
    return keys, modifiers


def write(connection: X11Connection, first_keycode: int, keys: list[bytes]) -> None:
    """Set the keysyms of neighbouring keys (SetMap, xkbproto).

    Unlike the core protocol's ChangeKeyboardMapping this leaves types and groups as they are.
    """
    n_keysyms = sum(KEY_SYMS.unpack_from(key)[-1] for key in keys)
    header = SET_MAP.pack(
        *(CORE_KEYBOARD, xcffib.xkb.MapPart.KeySyms, 0, first_keycode),
        *(first_keycode + len(keys) - 1, 0, 0, first_keycode, len(keys), n_keysyms),
    )
    request = io.BytesIO(header + b"".join(keys))
    connection.raw(xcffib.xkb.key).send_request(SET_MAP_OPCODE, request)


def single_key(keysyms: tuple[int, ...]) -> bytes:
    """Return a key of one group for `write`: with one keysym, or a letter's two cases."""
    index = ALPHABETIC if len(keysyms) == 2 else ONE_LEVEL
    header = KEY_SYMS.pack(index, 0, 0, 0, 1, len(keysyms), len(keysyms))
    return header + struct.pack(f"={len(keysyms)}I", *keysyms)


def _key_type(reply: memoryview, at: int) -> tuple[KeyType, int]:
    """Read one type; return it and where the next one begins."""
    mask, _, _, _, n_entries, preserve = KEY_TYPE.unpack_from(reply, at)
    at += KEY_TYPE.size
    levels = {}
    for _ in range(n_entries):
        active, modifiers, level, _, _ = TYPE_ENTRY.unpack_from(reply, at)
        at += TYPE_ENTRY.size
        if active:
            levels[modifiers] = level
    return KeyType(mask, levels), at + (4 * n_entries if preserve else 0)
