"""Keysyms and characters (X11 protocol, appendix A; X11/keysymdef.h)."""

from __future__ import annotations

NO_SYMBOL = 0
SHIFT_L, SHIFT_R = 0xFFE1, 0xFFE2
ISO_LEVEL3_SHIFT, ISO_LEVEL5_SHIFT = 0xFE03, 0xFE11

UNICODE_BASE = 0x01000000
UNICODE_LAST = 0x0110FFFF
VENDOR_FIRST, VENDOR_LAST = 0x1008FF00, 0x1008FFFF
"""XFree86's keysyms for media keys; those below them make the server itself do something."""

CODECS = {
    0x01: "iso8859-2",
    0x02: "iso8859-3",
    0x03: "iso8859-4",
    0x05: "iso8859-6",
    0x06: "koi8-u",
    0x0C: "iso8859-8",
    0x0D: "iso8859-11",
    0x13: "iso8859-15",
}
"""First byte of a legacy keysym → the codec whose byte the second one is.

A set has no keysym for what an earlier one, or Latin-1, has.
"""

NOT_DEFINED = {0xCFD, 0xCFE, 0xDEE, 0xDEF, 0xDFA, 0xDFB}
"""Places in those codecs that X has no keysym for."""

CYRILLIC = "ђѓёєѕіїјљњћќґўџ№ЂЃЁЄЅІЇЈЉЊЋЌҐЎЏ"
"""Keysyms 0x6a1 to 0x6bf: letters that KOI8-U has elsewhere or not at all."""

KANA = (
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテト"
    "ナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜"
)
"""Keysyms 0x4a1 to 0x4df."""

GREEK = {
    **dict(zip(range(0x7A1, 0x7AC), "ΆΈΉΊΪ\0ΌΎΫ\0Ώ", strict=True)),
    **dict(zip(range(0x7AE, 0x7BC), "΅―\0άέήίϊΐόύϋΰώ", strict=True)),
    **dict(zip(range(0x7C1, 0x7DA), "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣ\0ΤΥΦΧΨΩ", strict=True)),  # noqa: RUF001
    **dict(zip(range(0x7E1, 0x7FA), "αβγδεζηθικλμνξοπρσςτυφχψω", strict=True)),
}

ALPHABETS = (
    "éèêëàâäáãåæçíìîïñóòôöõøœßúùûüýÿ€",
    "ąćęłńóśźżáčďéěíňřšťúůýžőűăâîșțğışđľĺŕāēģīķļņūėįų",
    "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяёєіїґў",
    "абвгдежзијклмнопрстћуфхцчџшђљњѓќѕ",
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆև",
)
"""Letters that are typed together: Latin of the west and of the east, Greek, Cyrillic twice,
Hebrew, Arabic, Georgian, Armenian."""


def _legacy() -> dict[int, str]:
    """Return the characters of all keysyms between Latin-1 and the Unicode ones."""
    table: dict[int, str] = {0x20AC: "€"}
    for high, codec in CODECS.items():
        for low in range(0xA1, 0x100):
            char = bytes([low]).decode(codec, "ignore")
            if char and ord(char) > 0xFF and char not in table.values():
                table[high << 8 | low] = char
    for keysym in NOT_DEFINED:
        table.pop(keysym, None)
    for low in range(0xA1, 0xC0):
        table[0x600 | low] = CYRILLIC[low - 0xA1]
    for low, char in enumerate(KANA, 0xA1):
        table[0x400 | low] = char
    table.update((keysym, char) for keysym, char in GREEK.items() if char != "\0")
    return table


_CHARS = _legacy()
_KEYSYMS = {char: keysym for keysym, char in reversed(_CHARS.items())}


def char_of(keysym: int) -> str | None:
    """Return the character that a keysym stands for; None for those that are no characters.

    Keys of the keypad are none: they are found by their keysym only.
    """
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if UNICODE_BASE + 0x20 <= keysym <= UNICODE_LAST:
        code = keysym - UNICODE_BASE
        return None if 0xD800 <= code <= 0xDFFF or 0x7F <= code <= 0x9F else chr(code)
    return _CHARS.get(keysym)


def keysym_of(char: str) -> int:
    """Return the keysym of a character: that of Latin-1, else the legacy one, else Unicode's."""
    code = ord(char)
    if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF:
        return code
    return _KEYSYMS.get(char, UNICODE_BASE + code)


def case_pair(keysym: int) -> tuple[int, int] | None:
    """Return the keysyms of a letter's lower and upper case, None where it has not both."""
    char = char_of(keysym)
    if char is None:
        return None
    lower, upper = char.lower(), char.upper()
    if lower == upper or len(lower) != 1 or len(upper) != 1:
        return None
    if lower.upper() != upper or upper.lower() != lower:
        return None
    if keysym > UNICODE_BASE:
        return UNICODE_BASE + ord(lower), UNICODE_BASE + ord(upper)
    return keysym_of(lower), keysym_of(upper)


def companions(keysym: int) -> list[int]:
    """Return the keysyms of the other letters of a letter's alphabet, in lower case."""
    char = (char_of(keysym) or "").lower()
    letters = next((letters for letters in ALPHABETS if char and char in letters), "")
    if keysym > UNICODE_BASE:
        return [UNICODE_BASE + ord(letter) for letter in letters if letter != char]
    return [keysym_of(letter) for letter in letters if letter != char]


def has_level(keysym: int) -> bool:
    """Return whether the level of a key matters to get this keysym.

    It does for characters, dead keys (0xfe50 on) and the keypad's digits and signs. It does not
    for the others: Tab with Shift held is ISO_Left_Tab to X, and still Tab to viewers.
    """
    if 0xFF80 <= keysym <= 0xFFBD:
        return keysym == 0xFF80 or keysym >= 0xFFAA
    return keysym < 0xFD00 or 0xFE50 <= keysym <= 0xFEA0 or UNICODE_BASE < keysym <= UNICODE_LAST


def is_vendor(keysym: int) -> bool:
    """Return whether it is one of XFree86's keysyms: keys that hardly a keyboard has."""
    return VENDOR_FIRST <= keysym <= VENDOR_LAST


# fmt: off
_EXTENDED = {
    0x1C: 96, 0x1D: 97, 0x35: 98, 0x37: 99, 0x38: 100, 0x46: 119, 0x47: 102, 0x48: 103, 0x49: 104,
    0x4B: 105, 0x4D: 106, 0x4F: 107, 0x50: 108, 0x51: 109, 0x52: 110, 0x53: 111, 0x5B: 125,
    0x5C: 126, 0x5D: 127, 0x10: 165, 0x19: 163, 0x20: 113, 0x22: 164, 0x24: 166, 0x2E: 114,
    0x30: 115,
}
_PLAIN = {0x54: 99, 0x59: 117, 0x70: 93, 0x73: 89, 0x79: 92, 0x7B: 94, 0x7D: 124, 0x7E: 121}
# fmt: on
_EVDEV_OFFSET = 8


def keycode_of_xt(scancode: int) -> int | None:
    """Return the X keycode of an XT scancode on a server with evdev's keycodes.

    As the QEMU extended key event has it (rfbproto): bit 7 stands for the prefix 0xe0. Linux's
    key codes are the XT scancodes up to 0x58; X adds 8.
    """
    if scancode & 0x80:
        code = _EXTENDED.get(scancode & 0x7F)
    elif 0 < scancode <= 0x53 or 0x56 <= scancode <= 0x58:
        code = scancode
    else:
        code = _PLAIN.get(scancode)
    return None if code is None else code + _EVDEV_OFFSET
