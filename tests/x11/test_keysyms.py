"""Keysyms, characters and places on the keyboard."""

from __future__ import annotations

import ctypes
import ctypes.util

import pytest

from jupyter_xdisplay.x11.keymap import KeyType
from jupyter_xdisplay.x11.keysyms import (
    ALPHABETS,
    case_pair,
    char_of,
    companions,
    has_level,
    keycode_of_xt,
    keysym_of,
)


def test_characters_are_those_of_xkbcommon() -> None:
    """Every keysym that we take for a character is that character to the toolkits."""
    name = ctypes.util.find_library("xkbcommon")
    if name is None:
        pytest.skip("needs libxkbcommon")
    library = ctypes.CDLL(name)
    known = 0
    for keysym in [*range(0x20, 0x2100), *range(0x1000100, 0x1003000), 0x1F600 + 0x1000000]:
        char = char_of(keysym)
        if char is not None:
            known += 1
            assert library.xkb_keysym_to_utf32(keysym) == ord(char), hex(keysym)
    assert known > 8000


@pytest.mark.parametrize("text", ["azAZ09 ~", "éÿß€", "őĄğ", "αΩς", "жЯіў", "את", "ابت", "ー日😀"])
def test_there_and_back(text: str) -> None:
    """Each character has a keysym that gives it."""
    assert [char_of(keysym_of(char)) for char in text] == list(text)


def test_no_characters() -> None:
    """Function keys, the keypad, surrogates and control characters are none."""
    for keysym in (0, 0x1F, 0x7F, 0xFF0D, 0xFFB1, 0xFE51, 0x100D800, 0x1000080, 0x1110000):
        assert char_of(keysym) is None


def test_cases() -> None:
    """Letters have two, in the form in which they were asked for; others have none."""
    assert case_pair(ord("Q")) == (ord("q"), ord("Q"))
    assert case_pair(0x06C1) == (0x06C1, 0x06E1)
    assert case_pair(0x1000430) == (0x1000430, 0x1000410)
    assert case_pair(0xFF) == (0xFF, 0x13BE)  # ÿ, which has its capital elsewhere
    for char in "ß€1ς日":
        assert case_pair(keysym_of(char)) is None
    assert case_pair(0xFF0D) is None


def test_alphabets() -> None:
    """The letters that come along are the others of the alphabet, in the same form."""
    others = companions(keysym_of("Ж"))
    assert keysym_of("ж") not in others
    assert {keysym_of("а"), keysym_of("я")} <= set(others)  # noqa: RUF001
    assert min(companions(0x1000416)) > 0x1000000
    assert companions(ord("日")) == companions(0xFF0D) == []
    for letters in ALPHABETS:
        assert len(set(letters)) == len(letters), "a letter is there twice"
        assert letters == letters.lower()


def test_levels() -> None:
    """They matter for what is written, and not for Tab, arrows and Shift."""
    assert all(map(has_level, (ord("a"), 0x20AC, 0xFE51, 0xFFB1, 0x8A1, 0x1000416)))
    assert not any(map(has_level, (0xFF09, 0xFE20, 0xFF51, 0xFFE1, 0xFE03, 0xFFBE, 0x1008FF11)))


@pytest.mark.parametrize(
    ("scancode", "keycode"),
    [(0x01, 9), (0x1E, 38), (0x56, 94), (0x57, 95), (0x9D, 105), (0xC8, 111), (0xFF, None)],
)
def test_scancodes(scancode: int, keycode: int | None) -> None:
    """Escape, A, the key beside the left Shift, F11, right Control, Up."""
    assert keycode_of_xt(scancode) == keycode


def test_ways_to_a_level() -> None:
    """An alphabetic key: Shift or Lock, but not both, give the capital."""
    alphabetic = KeyType(mask=3, levels={1: 1, 2: 1})
    assert alphabetic.level(1) == alphabetic.level(2 | 64) == 1
    assert set(alphabetic.ways(0)) == {0, 3}
    assert set(alphabetic.ways(1)) == {1, 2}
    assert list(alphabetic.ways(4)) == []
