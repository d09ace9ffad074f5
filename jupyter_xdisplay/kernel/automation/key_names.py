"""Keys as people write them, `ctrl+s`, and texts, as keysyms (X11/keysymdef.h)."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from jupyter_xdisplay.errors import UsageError

MODIFIERS = {
    "shift": 0xFFE1,
    "ctrl": 0xFFE3,
    "control": 0xFFE3,
    "alt": 0xFFE9,
    "altgr": 0xFE03,
    "meta": 0xFFE7,
    "super": 0xFFEB,
}

NAMES = {
    **MODIFIERS,
    "Return": 0xFF0D,
    "Enter": 0xFF0D,
    "Escape": 0xFF1B,
    "Esc": 0xFF1B,
    "Tab": 0xFF09,
    "BackSpace": 0xFF08,
    "Delete": 0xFFFF,
    "Del": 0xFFFF,
    "Insert": 0xFF63,
    "Home": 0xFF50,
    "End": 0xFF57,
    "Left": 0xFF51,
    "Up": 0xFF52,
    "Right": 0xFF53,
    "Down": 0xFF54,
    "Page_Up": 0xFF55,
    "Page_Down": 0xFF56,
    "space": 0x20,
    "plus": 0x2B,
    "minus": 0x2D,
    "Menu": 0xFF67,
    "Print": 0xFF61,
    "Pause": 0xFF13,
    "Caps_Lock": 0xFFE5,
    "Num_Lock": 0xFF7F,
    "Scroll_Lock": 0xFF14,
    "KP_Enter": 0xFF8D,
    "KP_Add": 0xFFAB,
    "KP_Subtract": 0xFFAD,
    "KP_Multiply": 0xFFAA,
    "KP_Divide": 0xFFAF,
    "KP_Decimal": 0xFFAE,
    **{f"KP_{digit}": 0xFFB0 + digit for digit in range(10)},
    **{f"F{number}": 0xFFBD + number for number in range(1, 25)},
}

SHIFTED = dict(
    zip("`1234567890-=[]\\;',./", '~!@#$%^&*()_+{}|:"<>?', strict=True),
)
"""What these keys give with Shift on the keyboard that displays have (US)."""

_UNICODE = 0x01000000
_RETURN, _TAB = NAMES["Return"], NAMES["Tab"]


class Chord(NamedTuple):
    """A key, and the modifiers that are held while it is pressed, as keysyms."""

    modifiers: tuple[int, ...]
    key: int


def read_chord(text: str) -> Chord:
    """Read a key with the modifiers before it, such as `ctrl+shift+s`.

    Raises
    ------
    UsageError
        On names that no key has; the fix names those that are near.
    """
    names = _split(text)
    modifiers = [_modifier(name, text) for name in names[:-1]]
    return Chord(tuple(modifiers), _key(names[-1], text, shift=MODIFIERS["shift"] in modifiers))


def keysyms_of(text: str) -> list[int]:
    """Return the keys that type a text; a newline is Return, a tab is Tab.

    Raises
    ------
    UsageError
        When it holds what cannot be typed.
    """
    return [_typed(char) for char in text.replace("\r\n", "\n").replace("\r", "\n")]


def _typed(char: str) -> int:
    code = ord(char)
    if char in "\n\t":
        return _RETURN if char == "\n" else _TAB
    if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF:
        return code
    if code < 0xA0 or 0xD800 <= code <= 0xDFFF:
        raise UsageError(
            f"{char!r} is no character that can be typed.", fix='press a key: key("Escape")'
        )
    return _UNICODE + code


def _split(text: str) -> list[str]:
    """Split at `+`; after another one it is the key itself."""
    if text == "+" or text.endswith("++"):
        return [*text[:-2].split("+"), "+"] if len(text) > 2 else ["+"]
    return text.split("+")


def _modifier(name: str, text: str) -> int:
    found = MODIFIERS.get(name.strip().lower())
    if found is None:
        raise _unknown(name, text, list(MODIFIERS), "modifier")
    return found


def _key(name: str, text: str, *, shift: bool) -> int:
    if len(name) == 1:
        if shift:
            upper = name.upper()
            name = SHIFTED.get(name, upper if len(upper) == 1 else name)
        return _typed(name)
    found = _BY_PLAIN_NAME.get(_plain(name))
    if found is None:
        raise _unknown(name, text, list(NAMES), "key")
    return found


def _plain(name: str) -> str:
    """Return a name without what people write differently: `PageUp`, `page_up`."""
    return name.strip().lower().replace("_", "")


def _unknown(name: str, text: str, names: list[str], what: str) -> UsageError:
    plain = {_plain(known): known for known in names}
    near = difflib.get_close_matches(_plain(name), plain, 3, 0.5)
    where = f" in {text!r}" if text != name else ""
    if near:
        fix = "perhaps: " + ", ".join(plain[one] for one in near)
    elif names == list(MODIFIERS):
        fix = "before the key stand only " + ", ".join(names)
    else:
        fix = 'write it as "a", "ctrl+s", "Return", "F5", "Page_Up"; type() takes whole texts'
    return UsageError(f"{name!r}{where} is no {what}.", fix=fix)


_BY_PLAIN_NAME = {_plain(name): keysym for name, keysym in NAMES.items()}
