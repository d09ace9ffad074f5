"""Texts go both ways between viewers and programs, large ones too, and nobody can hold us up."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.xproto
from xcffib.xproto import Atom, EventMask

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.x11 import selection_owner, selection_reader
from jupyter_xdisplay.x11.clipboard import SELECTIONS, Clipboard
from jupyter_xdisplay.x11.connection import X11Connection
from tests.waiting import DEADLINE_S
from tests.x11.conftest import Seat
from tests.x11.drawing import Drawing, Rect
from tests.xclient import environment

TEXT = "Ünïcödé — Ω, Ж, 日本\n\ttab and\nlines"
LARGE = "large — Ω\n" * 100_000
TK = """
import sys, tkinter
root = tkinter.Tk()
root.withdraw()
text = ""
def own(selection):
    if selection == "CLIPBOARD":
        root.clipboard_clear()
        root.clipboard_append(text)
    else:
        root.selection_handle(lambda at, most: text[int(at):int(at) + int(most)],
                              selection=selection, type="UTF8_STRING", format="UTF8_STRING")
        root.selection_own(selection=selection)
def command(*_):
    global text
    verb, selection, *rest = sys.stdin.readline().split()
    if verb == "own":
        text = open(rest[0], encoding="utf-8", newline="").read()
        own(selection)
        root.update()
        print("ready", flush=True)
    elif verb == "get":
        try:
            got = root.selection_get(selection=selection, type=rest[1])
        except tkinter.TclError as error:
            got = f"error: {error}"
        open(rest[0], "w", encoding="utf-8", newline="").write(got)
        print("ready", flush=True)
    root.after(1, lambda: root.tk.createfilehandler(sys.stdin, tkinter.READABLE, command))
    root.tk.deletefilehandler(sys.stdin)
root.tk.createfilehandler(sys.stdin, tkinter.READABLE, command)
print("ready", flush=True)
root.mainloop()
"""


class Program:
    """A Tk program that owns and reads selections.

    Parameters
    ----------
    process
        Takes commands.
    directory
        For the texts.
    """

    def __init__(self, process: subprocess.Popen[str], directory: Path) -> None:
        self._process = process
        self._file = directory / "text"

    def own(self, selection: str, text: str) -> None:
        """Let the program own a selection with a text."""
        self._file.write_text(text, "utf-8", newline="")
        self._tell(f"own {selection} {self._file}")

    def get(self, selection: str, target: str = "UTF8_STRING") -> str:
        """Let the program ask for a selection; give what it got."""
        self._tell(f"get {selection} {self._file} {target}")
        with self._file.open(encoding="utf-8", newline="") as file:
            return file.read()

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ready\n"


class Viewer:
    """A clipboard and the loop that carries it on.

    Parameters
    ----------
    seat
        Its connection.
    """

    def __init__(self, seat: Seat, **settings: Any) -> None:
        self.seat = seat
        self.changes: list[str] = []
        self.clipboard = Clipboard(seat.x, seat.events, self.changes.append, **settings)

    def step(self) -> None:
        """Do what is to be done now."""
        wait_s = self.clipboard.check()
        self.seat.events.wait(min(0.02, 0.02 if wait_s is None else wait_s))

    def until(self, what: Callable[[], object]) -> None:
        """Carry on until something is so."""
        end = time.monotonic() + DEADLINE_S
        while not what():
            assert time.monotonic() < end, f"not within {DEADLINE_S:.0f} s"
            self.step()

    def read(self, selection: str) -> str | None:
        """Read a selection, and wait for it."""
        answers: list[str | None] = []
        self.clipboard.read(selection, answers.append)

        self.until(lambda: answers)
        assert len(answers) == 1
        return answers[0]

    def meanwhile(self, work: Callable[[], str]) -> str:
        """Carry on while another thread waits for a program."""
        results: list[str] = []
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        while thread.is_alive():
            self.step()
        return results[0]


@pytest.fixture
def program(seat: Seat, tmp_path: Path) -> Iterator[Program]:
    """Give a Tk program."""
    with subprocess.Popen(
        [sys.executable, "-c", TK],
        env=environment(seat.info) | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Program(process, tmp_path)
        process.kill()


@pytest.fixture
def viewer(sit: Callable[[], Seat]) -> Iterator[Viewer]:
    """Give a viewer's clipboard."""
    viewer = Viewer(sit())
    yield viewer
    viewer.clipboard.close()
    viewer.clipboard.close()


class Owner:
    """A program that owns CLIPBOARD and answers as a test wants it to.

    Parameters
    ----------
    seat
        Its connection.
    """

    def __init__(self, seat: Seat) -> None:
        self.x: X11Connection = seat.x
        self.seat = seat
        self.window = Drawing(seat.x, Rect(1, 1, 1, 1), EventMask.PropertyChange).window
        self.requests: list[Any] = []
        seat.events.on(xcffib.xproto.SelectionRequestEvent, self.requests.append)
        self.x.core.SetSelectionOwner(self.window, self.x.atom("CLIPBOARD"), 0)
        self.x.core.GetInputFocus().reply()

    def request(self, viewer: Viewer) -> Any:
        """Wait for a request."""
        viewer.until(lambda: self.seat.after_events(lambda: self.requests))
        return self.requests.pop(0)

    def answer(self, request: Any, *, given: bool) -> None:
        """Say that the text is there, or that there is none."""
        fields = (31, request.time, request.requestor, request.selection, request.target)
        event = struct.pack("=BxxxIIIII8x", *fields, request.property if given else 0)
        self.x.core.SendEvent(False, request.requestor, 0, event)
        self.x.flush()


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("text", [TEXT, "", LARGE], ids=["short", "empty", "1 MB"])
def test_from_a_program(viewer: Viewer, program: Program, selection: str, text: str) -> None:
    """The change is told, and the text is read whole, as UTF-8."""
    viewer.changes.clear()
    program.own(selection, text)
    viewer.until(lambda: selection in viewer.changes)
    assert viewer.read(selection) == text


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("text", [TEXT, "", LARGE], ids=["short", "empty", "1 MB"])
def test_to_a_program(viewer: Viewer, program: Program, selection: str, text: str) -> None:
    """A program gets the text whole, and our own taking is no change by others."""
    viewer.changes.clear()
    viewer.clipboard.set_text(text, [selection])
    assert viewer.meanwhile(lambda: program.get(selection)) == text
    assert viewer.changes == []
    assert viewer.read(selection) == text


def test_both_selections_are_set(viewer: Viewer, program: Program) -> None:
    """Pasting by Ctrl+V and by the middle button gives the same."""
    viewer.clipboard.set_text(TEXT)
    for selection in SELECTIONS:
        assert viewer.meanwhile(lambda name=selection: program.get(name)) == TEXT


def test_old_programs_get_latin_1(viewer: Viewer, program: Program) -> None:
    """STRING has what Latin-1 can have; TARGETS and TIMESTAMP are answered; images are not."""
    viewer.clipboard.set_text("ä Ω")
    assert viewer.meanwhile(lambda: program.get("CLIPBOARD", "STRING")) == "ä ?"
    assert viewer.meanwhile(lambda: program.get("CLIPBOARD", "TEXT")) == "ä Ω"
    targets = viewer.meanwhile(lambda: program.get("CLIPBOARD", "TARGETS")).split()
    assert {"UTF8_STRING", "STRING", "TARGETS", "MULTIPLE", "TIMESTAMP"} <= set(targets)
    assert int(viewer.meanwhile(lambda: program.get("CLIPBOARD", "TIMESTAMP")), 16) > 0
    assert "error" in viewer.meanwhile(lambda: program.get("CLIPBOARD", "image/png"))


def test_several_targets_at_once(viewer: Viewer, sit: Callable[[], Seat]) -> None:
    """MULTIPLE gives each target its property, and None to what is not there (ICCCM 2.6.2)."""
    viewer.clipboard.set_text("text")
    other = sit().x
    window = Drawing(other, Rect(1, 1, 1, 1)).window
    atom = other.atom
    pairs = [Atom.STRING, atom("A"), atom("image/png"), atom("B"), atom("MULTIPLE"), atom("C")]
    other.change_property(window, atom("P"), atom("ATOM_PAIR"), 32, struct.pack("=6I", *pairs))
    other.core.ConvertSelection(window, atom("CLIPBOARD"), atom("MULTIPLE"), atom("P"), 0)
    other.flush()
    viewer.until(lambda: other.property_bytes(window, "A"))
    viewer.until(lambda: other.property_numbers(window, "P")[3] == 0)
    assert other.property_bytes(window, "A") == b"text"
    assert other.property_numbers(window, "P") == [*pairs[:3], 0, pairs[4], 0]


def test_taken_by_another_program(viewer: Viewer, program: Program) -> None:
    """After a program copies something, its text is read, not what was ours."""
    viewer.clipboard.set_text("ours")
    program.own("CLIPBOARD", "theirs")
    viewer.until(lambda: "CLIPBOARD" in viewer.changes)
    assert viewer.read("CLIPBOARD") == "theirs"
    assert viewer.read("PRIMARY") == "ours"


def test_no_owner(viewer: Viewer, sit: Callable[[], Seat]) -> None:
    """A selection that nobody owns has no text; that its owner ended is told."""
    seat = sit()
    owner = Owner(seat)
    viewer.until(lambda: "CLIPBOARD" in viewer.changes)
    viewer.changes.clear()
    seat.x.core.DestroyWindow(owner.window)
    seat.x.flush()
    viewer.until(lambda: "CLIPBOARD" in viewer.changes)
    assert viewer.read("CLIPBOARD") is None


def test_an_owner_that_never_answers(
    viewer: Viewer, sit: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking returns at once, the answer is None after a while, and a late one is not mixed up."""
    monkeypatch.setattr(selection_reader, "ANSWER_S", 0.2)
    owner = Owner(sit())
    start = time.monotonic()
    viewer.clipboard.read("CLIPBOARD", print)
    assert time.monotonic() - start < 0.2
    assert viewer.read("CLIPBOARD") is None
    late = owner.request(viewer)
    answers: list[str | None] = []
    viewer.clipboard.read("CLIPBOARD", answers.append)
    owner.x.change_property(late.requestor, late.property, late.target, 8, b"late")
    owner.answer(late, given=True)
    current = owner.request(viewer)
    owner.x.change_property(current.requestor, current.property, current.target, 8, b"new")
    owner.answer(current, given=True)
    viewer.until(lambda: answers)
    assert answers == ["new"]


def test_an_owner_that_stops_halfway(
    viewer: Viewer, sit: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of which the rest never comes is none."""
    monkeypatch.setattr(selection_reader, "ANSWER_S", 0.3)
    owner = Owner(sit())
    answers: list[str | None] = []
    viewer.clipboard.read("CLIPBOARD", answers.append)
    request = owner.request(viewer)
    incr = owner.x.atom("INCR")
    owner.x.change_property(request.requestor, request.property, incr, 32, struct.pack("=I", 10))
    owner.answer(request, given=True)
    viewer.until(lambda: answers)
    assert answers == [None]
    assert viewer.clipboard.check() is None


def test_an_owner_without_text(viewer: Viewer, sit: Callable[[], Seat]) -> None:
    """It is asked for each kind of text in turn."""
    owner = Owner(sit())
    answers: list[str | None] = []
    viewer.clipboard.read("CLIPBOARD", answers.append)
    asked = []
    for _ in selection_reader.TEXT_TARGETS:
        request = owner.request(viewer)
        asked.append(request.target)
        owner.answer(request, given=False)
    viewer.until(lambda: answers)
    assert answers == [None]
    assert asked == [owner.x.atom(name) for name in selection_reader.TEXT_TARGETS]


@pytest.mark.parametrize("size", [2000, 300_000], ids=["whole", "in parts"])
def test_sizes_are_bounded(sit: Callable[[], Seat], program: Program, size: int) -> None:
    """Longer texts than allowed are not taken, and not given."""
    viewer = Viewer(sit(), max_bytes=size - 1)
    program.own("CLIPBOARD", "x" * size)
    viewer.until(lambda: viewer.changes)
    assert viewer.read("CLIPBOARD") is None
    with pytest.raises(UsageError, match="too long"):
        viewer.clipboard.set_text("x" * size)
    program.own("CLIPBOARD", "x" * (size - 1))
    assert viewer.read("CLIPBOARD") == "x" * (size - 1)
    viewer.clipboard.close()


def test_a_program_that_never_fetches(
    viewer: Viewer, sit: Callable[[], Seat], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is forgotten, and does not keep others from getting the text."""
    monkeypatch.setattr(selection_owner, "STEP_S", 0.3)
    viewer.clipboard.set_text(LARGE)
    other = sit().x
    window = Drawing(other, Rect(1, 1, 1, 1)).window
    for number in range(selection_owner.MAX_OUTGOING + 4):
        name = other.atom(f"P{number}")
        other.core.ConvertSelection(
            window, other.atom("CLIPBOARD"), other.atom("UTF8_STRING"), name, xcffib.CurrentTime
        )
    other.core.GetInputFocus().reply()
    viewer.until(lambda: other.property_bytes(window, "P0"))
    viewer.until(lambda: viewer.clipboard.check() is None)
    assert viewer.meanwhile(lambda: program.get("CLIPBOARD")) == LARGE


def test_nothing_is_owned_after_closing(viewer: Viewer, sit: Callable[[], Seat]) -> None:
    """Programs find no owner that would not answer."""
    viewer.clipboard.set_text("text")
    viewer.clipboard.close()
    viewer.seat.x.core.GetInputFocus().reply()
    other = sit().x
    for selection in SELECTIONS:
        assert other.core.GetSelectionOwner(other.atom(selection)).reply().owner == 0
