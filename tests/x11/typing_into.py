"""Programs to type into, and a viewer's typing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_xdisplay.spec import DisplayInfo
from jupyter_xdisplay.x11.keyboard import Keyboard
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.xclient import environment

RETURN = 0xFF0D
TK_ENTRY = """
import tkinter
root = tkinter.Tk()
entry = tkinter.Entry(root, width=60)
entry.pack()
keys = []
for event in ("<KeyPress>", "<KeyRelease>"):
    entry.bind(event, lambda e, sign=event[4]: keys.append(f"{sign}{e.keysym}"))
def told(event):
    print(entry.get(), flush=True)
    print(*keys, flush=True)
    entry.delete(0, "end")
    keys.clear()
entry.bind("<Return>", told)
entry.bind("<FocusIn>", lambda event: root.after(100, lambda: print("ready", flush=True)))
entry.focus_force()
root.mainloop()
"""


class Entry:
    """A Tk entry with the focus.

    Parameters
    ----------
    process
        Prints the entry's text and the keys of it at every Return.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def told(self, keyboard: Keyboard) -> tuple[str, list[str]]:
        """Press Return; give the text until then and the keys: `P` or `R` and a keysym's name."""
        type_keysyms(keyboard, [RETURN])
        assert self._process.stdout is not None
        text = self._process.stdout.readline().removesuffix("\n")
        return text, self._process.stdout.readline().split()


@contextmanager
def tk_entry(info: DisplayInfo) -> Iterator[Entry]:
    """Run a Tk entry until it has the focus; end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", TK_ENTRY],
        env=environment(info) | {"LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Entry(process)
        finally:
            process.kill()


@contextmanager
def xterm(seat: Seat, text_file: Path) -> Iterator[None]:
    """Run an xterm whose lines go into a file, until it has the focus; end it afterwards."""
    with subprocess.Popen(
        ["xterm", "-u8", "-geometry", "60x10", "-e", "sh", "-c", f"cat > {text_file}"],
        env=environment(seat.info) | {"LC_ALL": "C.UTF-8"},
    ) as process:
        try:
            wait_until(lambda: b"XTerm" in _class_of_active(seat), "no xterm has the focus")
            wait_until(text_file.exists, "no shell came up")
            yield
        finally:
            process.kill()


def type_keysyms(keyboard: Keyboard, keysyms: Iterable[int]) -> None:
    """Press and release key after key, as fast as the keyboard takes them."""
    for keysym in keysyms:
        press(keyboard, keysym)
        assert keyboard.key(keysym, False) == 0.0


def press(keyboard: Keyboard, keysym: int, scancode: int | None = None) -> None:
    """Press a key, waiting as it says."""
    while wait_s := keyboard.key(keysym, True, scancode):
        time.sleep(wait_s)


def unicode_keysym(char: str) -> int:
    """Return the keysym that most viewers send: Latin-1's, else Unicode's."""
    return ord(char) if ord(char) < 0x100 else 0x01000000 + ord(char)


def _class_of_active(seat: Seat) -> bytes:
    active = seat.x.property_numbers(seat.x.root, "_NET_ACTIVE_WINDOW") or [0]
    return (active[0] and seat.x.property_bytes(active[0], "WM_CLASS")) or b""
