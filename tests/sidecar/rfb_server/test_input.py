"""What viewers type and point arrives in real X clients, whole, and nothing stays pressed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import xcffib
import xcffib.xproto
from xcffib.xproto import EventMask

from jupyter_xdisplay.x11.keysyms import keysym_of
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import SIZE, Open, Sit, no_viewers
from tests.sidecar.rfb_server.viewing import SidecarViewer
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.drawing import Drawing, Rect
from tests.x11.typing_into import Entry, tk_entry, type_keysyms, unicode_keysym
from tests.xclient import REPOSITORY, environment

GREEK_AND_CYRILLIC = "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖабвгдежзийклмнопрстуфхцчшщъыьэ"
COMPOSED = "é è ê ñ õ ü ő š ç € ß @ { [ ] } \\ ~ |"
SHIFT_L, CONTROL_L, LEVEL3 = 0xFFE1, 0xFFE3, 0xFE03
HOLDER = """
import sys
from tests.sidecar.rfb_server.viewing import SidecarViewer
viewer = SidecarViewer(sys.argv[1])
viewer.until_ready()
for keysym in (0xFFE1, 0xFFE3, 0x61, 0x6D6):
    viewer.key(keysym, True)
viewer.point(100, 100, 0b101)
viewer.meet()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def entry(sidecar: SidecarProcess) -> Iterator[Entry]:
    """Give a Tk entry with the focus."""
    with tk_entry(sidecar.info) as running:
        yield running


def keys_down(seat: Seat) -> bytes:
    """Return the keys that are down (QueryKeymap), empty for none."""
    return bytes(seat.x.core.QueryKeymap().reply().keys).strip(b"\0")


def pressed(seat: Seat) -> int:
    """Return the modifiers and buttons that are down (QueryPointer)."""
    return int(seat.x.core.QueryPointer(seat.x.root).reply().mask)


def mapping(seat: Seat) -> list[int]:
    """Return the keymap (GetKeyboardMapping)."""
    reply = seat.x.core.GetKeyboardMapping(8, 248).reply()
    return [reply.keysyms_per_keycode, *reply.keysyms]


@pytest.mark.parametrize("form", [keysym_of, unicode_keysym])
def test_every_script_arrives_whole(viewer: SidecarViewer, entry: Entry, form: type) -> None:
    """60 Greek and Cyrillic letters, composed ones, € and what is on AltGr elsewhere."""
    assert len(GREEK_AND_CYRILLIC) == 60
    text = GREEK_AND_CYRILLIC + COMPOSED
    type_keysyms(viewer, map(form, text))
    assert entry.told(viewer)[0] == text


def test_alt_gr_is_held_as_viewers_do(
    sidecar: SidecarProcess, viewer: SidecarViewer, entry: Entry
) -> None:
    """A German keyboard at both ends: AltGr is down around the key, with scancodes."""
    environ = environment(sidecar.info)
    subprocess.run(["setxkbmap", "de"], env=environ, check=True)
    try:
        viewer.key(LEVEL3, True, 0xB8)
        for char, scancode in (("@", 0x10), ("€", 0x12), ("{", 0x08), ("}", 0x0B), ("\\", 0x0C)):
            viewer.key(keysym_of(char), True, scancode)
            viewer.key(keysym_of(char), False, scancode)
        viewer.key(LEVEL3, False, 0xB8)
        type_keysyms(viewer, map(keysym_of, "öä"))
        assert entry.told(viewer)[0] == "@€{}\\öä"
    finally:
        subprocess.run(["setxkbmap", "us"], env=environ, check=True)


def test_a_key_without_a_keysym_by_its_scancode(viewer: SidecarViewer, entry: Entry) -> None:
    """QEMU extended key events: the place on the keyboard is enough."""
    for scancode in (0x1E, 0x30, 0x2E):
        viewer.key(0, True, scancode)
        viewer.key(0, False, scancode)
    assert entry.told(viewer)[0] == "abc"


def test_two_viewers_type_at_once(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, entry: Entry
) -> None:
    """The letters of each arrive whole and in its order, in between those of the other."""
    other = open_viewer(sidecar)
    other.until_ready()
    typed = {viewer: "αβγδεζηθικλμνξοπρστυφχψω" * 2, other: "абвгдежзийклмнопрстуфхцч" * 2}
    threads = [
        threading.Thread(target=type_keysyms, args=(one, [keysym_of(char) for char in text]))
        for one, text in typed.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    viewer.meet()
    other.meet()
    text = entry.told(viewer)[0]
    for own in typed.values():
        assert "".join(char for char in text if char in own) == own
    assert len(text) == sum(map(len, typed.values()))


def test_a_killed_viewer_leaves_nothing_pressed(sidecar: SidecarProcess, seat: Seat) -> None:
    """Modifiers, a letter of another script and two buttons were down; a second later none is."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, sidecar.info.socket],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            wait_until(lambda: pressed(seat) == 0x505, "not pressed: Shift, Control, two buttons")
            wait_until(lambda: len(keys_down(seat).replace(b"\0", b"")) >= 2)
        finally:
            process.kill()
    wait_until(lambda: not pressed(seat) and not keys_down(seat), "something stays pressed")


def test_what_another_viewer_holds_stays_pressed(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, seat: Seat
) -> None:
    """Only what a viewer held itself is released when it goes."""
    other = open_viewer(sidecar)
    for one in (viewer, other):
        one.key(SHIFT_L, True)
    other.key(CONTROL_L, True)
    wait_until(lambda: pressed(seat) == 0b101)
    other.stream.close()
    wait_until(lambda: pressed(seat) == 0b001, "Shift is not held any more, or Control is")
    viewer.key(SHIFT_L, False)
    wait_until(lambda: not pressed(seat))


def test_the_keymap_is_restored_when_the_stream_ends(
    sidecar: SidecarProcess, open_viewer: Open, seat: Seat
) -> None:
    """Park and unpark: what had been put on spare keys is gone, and key repeat is back."""
    sidecar.client.park([*sidecar.client.info().clients])
    before = mapping(seat)
    assert seat.x.core.GetKeyboardControl().reply().global_auto_repeat == 1
    sidecar.client.unpark()
    viewer = open_viewer(sidecar)
    viewer.until_ready()
    type_keysyms(viewer, map(keysym_of, "жλ日本"))
    viewer.key(CONTROL_L, True)
    wait_until(lambda: mapping(seat) != before and pressed(seat) == 0b100)
    sidecar.client.park([*sidecar.client.info().clients])
    assert mapping(seat) == before
    assert seat.x.core.GetKeyboardControl().reply().global_auto_repeat == 1
    assert not pressed(seat)
    assert not keys_down(seat)
    sidecar.client.unpark()


def test_all_buttons_arrive(viewer: SidecarViewer, seat: Seat) -> None:
    """Left, middle, right, four ways of the wheel, back (8) and forward (9), in their places."""
    window = Drawing(
        seat.x, Rect(40, 40, 200, 200), EventMask.ButtonPress | EventMask.PointerMotion
    )
    events: list[xcffib.xproto.ButtonPressEvent] = []
    seat.events.on(xcffib.xproto.ButtonPressEvent, events.append)
    for bit in range(9):
        place = (50 + bit, 60 + bit)
        viewer.point(*place)
        viewer.point(*place, 1 << bit)
        viewer.point(*place)
    wait_until(lambda: seat.after_events(lambda: len(events) >= 9))
    assert [event.detail for event in events] == list(range(1, 10))
    assert [event.root_x for event in events] == [50 + bit for bit in range(9)]
    window.close()
    wait_until(lambda: not pressed(seat))


def test_a_drag_begins_where_it_began(viewer: SidecarViewer, seat: Seat) -> None:
    """Moves are left out where many wait, but no press or release changes its place."""
    window = Drawing(seat.x, Rect(0, 0, *SIZE), EventMask.ButtonPress | EventMask.ButtonRelease)
    events: list[xcffib.xproto.ButtonPressEvent] = []
    seat.events.on(xcffib.xproto.ButtonPressEvent, events.append)
    seat.events.on(xcffib.xproto.ButtonReleaseEvent, events.append)
    for x in range(0, 400, 40):
        for step in range(20):
            viewer.client.pointer(x + step, 100)
        for step in range(20):
            viewer.client.pointer(x + 20 + step, 200, 1)
        viewer.client.pointer(x + 39, 300)
    viewer.flush()
    wait_until(lambda: seat.after_events(lambda: len(events) >= 20))
    places = [(event.root_x, event.root_y) for event in events]
    assert places == [place for x in range(0, 400, 40) for place in ((x + 20, 200), (x + 39, 300))]
    window.close()


def test_a_view_only_viewer_only_looks(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, entry: Entry, seat: Seat
) -> None:
    """It can neither type nor point; the same keys of another one arrive."""
    looker = open_viewer(sidecar, view_only=True)
    looker.until_ready()
    place = seat.x.core.QueryPointer(seat.x.root).reply()
    type_keysyms(looker, map(ord, "nothing"))
    looker.point(place.root_x + 7, place.root_y + 7, 1)
    looker.meet()
    type_keysyms(viewer, map(ord, "something"))
    assert entry.told(viewer)[0] == "something"
    after = seat.x.core.QueryPointer(seat.x.root).reply()
    assert (after.root_x, after.root_y, after.mask) == (place.root_x, place.root_y, 0)
    looker.stream.close()
    viewer.stream.close()
    no_viewers(sidecar)


def test_input_arrives_while_a_program_has_grabbed_the_server(
    viewer: SidecarViewer, sidecar: SidecarProcess, sit: Sit
) -> None:
    """As when an old menu is open: the click that ends its grab is let through."""
    from jupyter_xdisplay.x11.xtest import XTest
    from tests.xclient import running

    seat = sit(sidecar.info)
    XTest(seat.x)  # this connection is impervious to the grab, too
    with running(sidecar.info, "grab"):
        viewer.point(123, 234)
        wait_until(lambda: seat.x.core.QueryPointer(seat.x.root).reply().root_x == 123)
