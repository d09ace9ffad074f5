"""What is typed arrives: any script, in order, with nothing left behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_xdisplay.x11.key_mapper import KeyMapper
from jupyter_xdisplay.x11.keyboard import MAX_PRESSED, Keyboard
from jupyter_xdisplay.x11.keymap import Keymap
from jupyter_xdisplay.x11.keysyms import keysym_of
from jupyter_xdisplay.x11.spare_keys import SpareKeys
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.typing_into import Entry, press, tk_entry, type_keysyms, unicode_keysym, xterm
from tests.xclient import environment

GREEK_AND_CYRILLIC = "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖабвгдежзийклмнопрстуфхцчшщъыьэ"
OTHERS = "héllo € ñ ß ő"
SHIFT_L, CONTROL_L, LEVEL3, TAB = 0xFFE1, 0xFFE3, 0xFE03, 0xFF09


@pytest.fixture
def mapper(sit: Callable[[], Seat]) -> Iterator[KeyMapper]:
    """Give the display's mapper."""
    seat = sit()
    mapper = KeyMapper(seat.x, seat.events)
    yield mapper
    mapper.close()


@pytest.fixture
def keyboard(mapper: KeyMapper) -> Keyboard:
    """Give a viewer's keyboard."""
    return Keyboard(mapper)


@pytest.fixture
def entry(seat: Seat) -> Iterator[Entry]:
    """Give a Tk entry with the focus."""
    with tk_entry(seat.info) as running:
        yield running


@pytest.fixture
def german(seat: Seat) -> Iterator[None]:
    """Give the display a German keymap for this test."""
    environ = environment(seat.info)
    subprocess.run(["setxkbmap", "de"], env=environ, check=True)
    yield
    subprocess.run(["setxkbmap", "us"], env=environ, check=True)


def _keys_down(seat: Seat) -> bytes:
    return bytes(seat.x.core.QueryKeymap().reply().keys).strip(b"\0")


def _modifiers(seat: Seat) -> int:
    return int(seat.x.core.QueryPointer(seat.x.root).reply().mask) & 0xFF


def _core_mapping(seat: Seat) -> list[int]:
    reply = seat.x.core.GetKeyboardMapping(8, 248).reply()
    return [reply.keysyms_per_keycode, *reply.keysyms]


@pytest.mark.parametrize("form", [keysym_of, unicode_keysym])
def test_greek_and_cyrillic_into_tk(
    keyboard: Keyboard, entry: Entry, form: Callable[[str], int]
) -> None:
    """A text of 60 letters arrives whole and in order, and again, in both forms of keysyms."""
    assert len(GREEK_AND_CYRILLIC) == 60
    start = time.perf_counter()
    for _ in range(2):
        type_keysyms(keyboard, map(form, GREEK_AND_CYRILLIC + OTHERS))
        assert entry.told(keyboard)[0] == GREEK_AND_CYRILLIC + OTHERS
    print(f"typed in {time.perf_counter() - start:.2f} s")


def test_greek_and_cyrillic_into_xterm(seat: Seat, keyboard: Keyboard, tmp_path: Path) -> None:
    """The same text arrives in a terminal."""
    text = GREEK_AND_CYRILLIC + OTHERS
    file = tmp_path / "typed"
    with xterm(seat, file):
        type_keysyms(keyboard, [*map(keysym_of, text), 0xFF0D])
        wait_until(lambda: file.read_text("utf-8").endswith("\n"), "no line arrived")
    assert file.read_text("utf-8") == text + "\n"


def test_few_spare_keys_are_used_again(mapper: KeyMapper, keyboard: Keyboard, entry: Entry) -> None:
    """With 4 keycodes to lend, a text of 10 new letters takes longer, and arrives."""
    mapper._spare = SpareKeys(mapper._x, mapper.keymap, most=4)
    assert mapper.spare_keys == 4
    type_keysyms(keyboard, map(keysym_of, "жяλπ€ωőßшй"))
    assert entry.told(keyboard)[0] == "жяλπ€ωőßшй"


def test_the_keymap_is_restored(sit: Callable[[], Seat]) -> None:
    """Keys, their types, modifiers and the server's key repeat are as before."""
    seat = sit()
    before_core = _core_mapping(seat)
    repeat = seat.x.core.GetKeyboardControl().reply().global_auto_repeat
    other = sit()
    mapper = KeyMapper(other.x, other.events)
    before = Keymap.read(other.x)
    keyboard = Keyboard(mapper)
    type_keysyms(keyboard, map(keysym_of, "жλ€日本"))
    keyboard.key(ord("x"), True)
    assert _core_mapping(seat) != before_core
    assert seat.x.core.GetKeyboardControl().reply().global_auto_repeat == 0
    mapper.close()
    mapper.close()
    after = Keymap.read(other.x)
    assert after.keys == before.keys
    assert after.modifiers == before.modifiers
    assert _core_mapping(seat) == before_core
    assert seat.x.core.GetKeyboardControl().reply().global_auto_repeat == repeat
    assert not _keys_down(seat)


def test_nothing_stays_pressed(seat: Seat, mapper: KeyMapper) -> None:
    """What a viewer held is released when it goes; what another one holds too is not."""
    one, other = Keyboard(mapper), Keyboard(mapper)
    for keysym in (SHIFT_L, CONTROL_L, ord("a"), keysym_of("ж")):
        press(one, keysym)
    press(other, SHIFT_L)
    assert len(one.pressed) == 4
    one.release_all()
    assert one.pressed == ()
    wait_until(lambda: _modifiers(seat) == 1, "Shift is not held")
    other.release_all()
    wait_until(lambda: not _keys_down(seat), "a key is held")
    assert _modifiers(seat) == 0


def test_a_viewer_cannot_hold_all_keys(seat: Seat, keyboard: Keyboard) -> None:
    """Beyond a number of held keys the first one is released."""
    for scancode in range(1, 0x54):
        press(keyboard, 0, scancode)
    assert len(keyboard.pressed) == MAX_PRESSED
    keyboard.release_all()
    type_keysyms(keyboard, [0xFF7F, 0xFFE5])  # Num_Lock and Caps_Lock once more
    wait_until(lambda: not _keys_down(seat), "a key is held")
    assert _modifiers(seat) == 0


def test_modifiers_come_for_the_moment(keyboard: Keyboard, entry: Entry) -> None:
    """Capitals without Shift, and signs that are on other levels than at the viewer's place."""
    type_keysyms(keyboard, map(ord, "aA!?"))
    press(keyboard, SHIFT_L)
    type_keysyms(keyboard, map(ord, "bB/7&"))
    keyboard.key(SHIFT_L, False)
    type_keysyms(keyboard, map(ord, "c"))
    assert entry.told(keyboard)[0] == "aA!?bB/7&c"


def test_caps_lock(keyboard: Keyboard, entry: Entry) -> None:
    """With Caps Lock on, letters come as the viewer says."""
    type_keysyms(keyboard, [0xFFE5])
    type_keysyms(keyboard, map(keysym_of, "aBжЖ1!"))
    type_keysyms(keyboard, [0xFFE5])
    assert entry.told(keyboard)[0] == "aBжЖ1!"


@pytest.mark.usefixtures("german")
def test_alt_gr(keyboard: Keyboard, entry: Entry) -> None:
    """On a German keymap the third level is pressed for what is there."""
    type_keysyms(keyboard, map(keysym_of, "@{[]}\\~|€äÖß"))
    text, keys = entry.told(keyboard)
    assert text == "@{[]}\\~|€äÖß"
    assert "PISO_Level3_Shift" in keys
    press(keyboard, LEVEL3)
    type_keysyms(keyboard, map(ord, "@x/"))
    keyboard.key(LEVEL3, False)
    assert entry.told(keyboard)[0] == "@x/"


def test_another_keymap_while_it_runs(seat: Seat, keyboard: Keyboard, entry: Entry) -> None:
    """Who changes the keymap gets no letters of ours in it, and typing goes on."""
    type_keysyms(keyboard, map(keysym_of, "жzy"))
    assert entry.told(keyboard)[0] == "жzy"
    environ = environment(seat.info)
    try:
        subprocess.run(["setxkbmap", "de"], env=environ, check=True)
        type_keysyms(keyboard, map(keysym_of, "жzyä"))
        assert entry.told(keyboard)[0] == "жzyä"
    finally:
        subprocess.run(["setxkbmap", "us"], env=environ, check=True)


def test_shift_and_tab(keyboard: Keyboard, entry: Entry) -> None:
    """Keys that are no characters leave the modifiers alone."""
    type_keysyms(keyboard, map(ord, "abc"))
    press(keyboard, SHIFT_L)
    type_keysyms(keyboard, [TAB])
    keyboard.key(SHIFT_L, False)
    keys = entry.told(keyboard)[1]
    assert "PISO_Left_Tab" in keys
    assert keys.count("RShift_L") == 1


def test_shortcuts_in_another_script(keyboard: Keyboard, entry: Entry) -> None:
    """Control with a Greek letter is the key at that place: Ctrl+C stays Ctrl+C."""
    press(keyboard, CONTROL_L, 0x1D)
    press(keyboard, keysym_of("ψ"), 0x2E)
    keyboard.key(keysym_of("ψ"), False, 0x2E)
    keyboard.key(CONTROL_L, False, 0x1D)
    assert "Pc" in entry.told(keyboard)[1]


def test_a_key_by_its_place(keyboard: Keyboard, entry: Entry) -> None:
    """A scancode chooses among keys of the same keysym, and stands in where there is none."""
    press(keyboard, 0xFFE2, 0x36)  # Shift_R
    press(keyboard, ord("Q"), 0x10)
    keyboard.key(ord("q"), False, 0x10)
    keyboard.key(0xFFE2, False, 0x36)
    press(keyboard, 0, 0x1E)
    keyboard.key(0, False, 0x1E)
    text, keys = entry.told(keyboard)
    assert text == "Qa"
    assert "PShift_R" in keys


def test_keys_repeat_when_the_viewer_says_so(keyboard: Keyboard, entry: Entry) -> None:
    """Each further press of a held key is one more; the server adds none; Shift is held once."""
    press(keyboard, SHIFT_L)
    press(keyboard, SHIFT_L)
    for _ in range(3):
        press(keyboard, ord("X"))
    time.sleep(0.8)  # longer than the server's delay before it repeats
    keyboard.key(SHIFT_L, False)
    keyboard.key(ord("x"), False)
    assert keyboard.pressed == ()
    text, keys = entry.told(keyboard)
    assert text == "XXX"
    assert keys.count("PShift_L") == 1


def test_a_server_that_takes_no_change(sit: Callable[[], Seat], mapper: KeyMapper) -> None:
    """A letter for which there is no key is dropped after a few attempts."""
    stranger = sit()  # has not told XKB its version: each SetMap of it is refused
    mapper._spare = SpareKeys(stranger.x, mapper.keymap)
    keyboard = Keyboard(mapper)
    press(keyboard, keysym_of("ж"))
    assert keyboard.pressed == ()


@pytest.mark.parametrize("keysym", [0, -1, 0xFFFFFF, 1 << 31, 1 << 40])
def test_what_is_no_keysym(seat: Seat, keyboard: Keyboard, keysym: int) -> None:
    """It is dropped; so are releases of keys that nobody pressed, and unknown places."""
    assert keyboard.key(keysym, True) == 0.0
    assert keyboard.key(keysym, False) == 0.0
    assert keyboard.key(ord("a"), False) == 0.0
    assert keyboard.key(0, True, 0xFF) == 0.0
    assert keyboard.pressed == ()
    assert not _keys_down(seat)
