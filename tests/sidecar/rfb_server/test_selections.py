"""Texts go between viewers and real programs, both ways, and hold up nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xcffib

from jupyter_xdisplay.rfb import DEFAULT_ENCODINGS, Encoding
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import Open, Sit
from tests.sidecar.rfb_server.viewing import SidecarViewer
from tests.waiting import wait_until
from tests.x11.conftest import Seat
from tests.x11.test_clipboard import TK, Owner, Program
from tests.x11.typing_into import tk_entry, type_keysyms
from tests.xclient import environment

TEXT = "Ünïcödé — Ω, Ж, 日本\n\ttab and\nlines"
LARGE = "large — Ω\n" * 100_000
PLAIN = tuple(code for code in DEFAULT_ENCODINGS if code != Encoding.EXTENDED_CLIPBOARD)
WORD = "onlyselected"


@pytest.fixture
def program(sidecar: SidecarProcess, tmp_path: Path) -> Iterator[Program]:
    """Give a Tk program that owns and reads selections."""
    with subprocess.Popen(
        [sys.executable, "-c", TK],
        env=environment(sidecar.info) | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Program(process, tmp_path)
        process.kill()


@pytest.mark.parametrize("text", [TEXT, LARGE], ids=["short", "1 MB"])
def test_what_a_program_copies_comes_to_viewers(
    sidecar: SidecarProcess,
    viewer: SidecarViewer,
    open_viewer: Open,
    program: Program,
    text: str,
) -> None:
    """As UTF-8 where the viewer can, else as Latin-1; view-only viewers get nothing."""
    plain = open_viewer(sidecar, encodings=PLAIN)
    looker = open_viewer(sidecar, view_only=True)
    for one in (plain, looker):
        one.until_ready()
    program.own("CLIPBOARD", text)
    viewer.until(lambda: viewer.texts, "nothing was told")
    plain.until(lambda: plain.texts, "nothing was told")
    assert viewer.texts == [text]
    assert plain.texts == [text.encode("latin-1", "replace").decode("latin-1")]
    looker.meet()
    assert looker.texts == []


@pytest.mark.parametrize("encodings", [DEFAULT_ENCODINGS, PLAIN], ids=["extended", "plain"])
@pytest.mark.parametrize("text", [TEXT, LARGE], ids=["short", "1 MB"])
def test_what_a_viewer_copies_comes_to_programs(
    sidecar: SidecarProcess,
    open_viewer: Open,
    program: Program,
    text: str,
    encodings: tuple[int, ...],
) -> None:
    """On CLIPBOARD and PRIMARY, also after the viewer has left; no viewer hears of it."""
    viewer, other = open_viewer(sidecar, encodings=encodings), open_viewer(sidecar)
    for one in (viewer, other):
        one.until_ready()
    viewer.copy(text)
    expected = text
    if encodings == PLAIN:
        expected = text.encode("latin-1", "replace").decode("latin-1")
    for selection in ("CLIPBOARD", "PRIMARY"):
        wait_until(lambda name=selection: program.get(name) == expected, "not that text")
    viewer.meet()
    assert viewer.texts == []
    viewer.stream.close()
    wait_until(lambda: sidecar.client.info().viewers == 1)
    assert program.get("CLIPBOARD") == expected
    program.own("CLIPBOARD", "later")
    other.until(lambda: other.texts)
    assert other.texts == ["later"]


def test_a_clipboard_manager_echoes_nothing(viewer: SidecarViewer, program: Program) -> None:
    """A program that takes over what the viewer copied, as managers do, tells it nothing new."""
    viewer.copy("mine")
    wait_until(lambda: program.get("CLIPBOARD") == "mine")
    program.own("CLIPBOARD", "mine")
    program.own("PRIMARY", "theirs")  # of a second text in CLIPBOARD Tk would tell nobody
    viewer.until(lambda: "theirs" in viewer.texts)
    assert viewer.texts == ["theirs"]


def test_a_word_selected_in_xterm(sidecar: SidecarProcess, viewer: SidecarViewer) -> None:
    """A double click selects it, for PRIMARY only, and the viewer has it."""
    argv = ["xterm", "-geometry", "40x6+60+60", "-e", "sh", "-c", f"echo {WORD}; cat"]
    with subprocess.Popen(argv, env=environment(sidecar.info)) as process:
        try:
            wait_until(lambda: sidecar.client.info().windows, "no xterm")
            wait_until(lambda: _double_click(sidecar, viewer), "nothing was told")
            assert viewer.texts[0] == WORD
        finally:
            process.kill()


def test_selecting_step_by_step_is_told_once_it_rests(
    viewer: SidecarViewer, sidecar: SidecarProcess, sit: Sit
) -> None:
    """200 selections at once are read a few times; the last one is told."""
    owner = _PrimaryOwner(sit(sidecar.info))
    for number in range(200):
        owner.select(f"step {number}")
    owner.serve_until(lambda: owner.asked)
    with owner.serving():
        viewer.until(lambda: "step 199" in viewer.texts)
    assert owner.asked <= 10
    assert len(viewer.texts) <= 10


def test_what_is_copied_counts_more_than_what_was_selected(
    viewer: SidecarViewer, program: Program
) -> None:
    """Select, then copy at once: the viewer has the copy at the end."""
    program.own("PRIMARY", "selected")
    program.own("CLIPBOARD", "copied")
    viewer.until(lambda: "copied" in viewer.texts)
    program.own("PRIMARY", "end")
    viewer.until(lambda: "end" in viewer.texts)
    assert viewer.texts[-2:] == ["copied", "end"]
    assert "selected" not in viewer.texts[1:]


def test_an_owner_that_does_not_answer_holds_up_no_key(
    viewer: SidecarViewer, sidecar: SidecarProcess, program: Program, sit: Sit
) -> None:
    """Typing goes on while a program owes its text, and later texts come."""
    owner = Owner(sit(sidecar.info))
    wait_until(lambda: owner.seat.after_events(lambda: owner.requests), "nobody asked it")
    with tk_entry(sidecar.info) as entry:
        type_keysyms(viewer, map(ord, "still typing"))
        assert entry.told(viewer)[0] == "still typing"
    assert viewer.texts == []
    program.own("CLIPBOARD", "next")
    viewer.until(lambda: viewer.texts)
    assert viewer.texts == ["next"]


def test_a_view_only_viewer_copies_nothing(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, program: Program
) -> None:
    """Its text comes to no program; that of another viewer does."""
    looker = open_viewer(sidecar, view_only=True)
    looker.until_ready()
    viewer.copy("allowed")
    wait_until(lambda: program.get("CLIPBOARD") == "allowed")
    looker.copy("forbidden")
    assert program.get("CLIPBOARD") == "allowed"
    viewer.copy("again")
    wait_until(lambda: program.get("CLIPBOARD") != "allowed")
    assert program.get("CLIPBOARD") == "again"


def test_a_viewer_that_reads_nothing_gets_the_newest_text(
    sidecar: SidecarProcess, viewer: SidecarViewer, open_viewer: Open, program: Program
) -> None:
    """Texts do not pile up for it: at the end it has some of them, and the last one."""
    stuck = open_viewer(sidecar, encodings=PLAIN)
    stuck.until_ready()
    texts = [f"{number} " * 400_000 for number in range(12)]
    for text in texts:
        program.own("PRIMARY", text)
        viewer.until(lambda text=text: viewer.texts[-1:] == [text])
    stuck.until(lambda: stuck.texts[-1:] == texts[-1:], "the last one does not come")
    assert len(stuck.texts) < len(texts)


class _PrimaryOwner(Owner):
    """Takes PRIMARY again and again, and counts who asks for the text."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.text = ""
        self.asked = 0
        seat.events.on(xcffib.xproto.SelectionRequestEvent, self._give)

    def select(self, text: str) -> None:
        """Select another text."""
        self.text = text
        self.x.core.SetSelectionOwner(self.window, self.x.atom("PRIMARY"), 0)
        self.x.flush()

    def _give(self, request: xcffib.xproto.SelectionRequestEvent) -> None:
        self.asked += 1
        data = self.text.encode()
        self.x.change_property(request.requestor, request.property, request.target, 8, data)
        self.answer(request, given=True)

    def serve_until(self, what: Callable[[], object]) -> None:
        """Answer until something is so."""
        wait_until(lambda: self.seat.after_events(what))

    def serving(self) -> _Serving:
        """Answer beside the test."""
        return _Serving(self)


class _Serving:
    """Answers in a thread while the test waits."""

    def __init__(self, owner: _PrimaryOwner) -> None:
        self._owner = owner
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            self._owner.seat.events.wait(0.02)


def _double_click(sidecar: SidecarProcess, viewer: SidecarViewer) -> list[str]:
    """Double click on the first word of the only window; give what was told within a while."""
    window = sidecar.client.info().windows[0]
    for buttons in (1, 0, 1, 0):
        viewer.point(window.x + 30, window.y + 10, buttons)
    end = time.monotonic() + 1.0  # longer than a selection has to rest, and than a double click
    while not viewer.texts and time.monotonic() < end:
        viewer.meet()
    return viewer.texts
