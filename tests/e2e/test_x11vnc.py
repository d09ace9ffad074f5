"""x11vnc in place of our own RFB server, where a user asks for it."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from tests.e2e.cells import COLOURED, START_X11VNC
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import Entry, entry_cell
from tests.e2e.lab import Lab, wait_for
from tests.e2e.test_inline import GREEN, RED, last_picture, wait_for_end, window_of
from tests.e2e.test_life import pid_of
from tests.e2e.toolkits import PROGRAMS
from tests.e2e.view import wait_for_window
from tests.system_packages import skip_where_missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def pastes(entry: Entry, text: str) -> bool:
    """Paste once more: x11vnc takes no text for some seconds after a viewer has come."""
    entry.paste(text)
    with contextlib.suppress(AssertionError):
        return wait_for(lambda: text in (entry.text() or ""), "not yet", 2)
    return False


def test_x11vnc_shows_types_and_copies(notebook: Opener, lab: Lab) -> None:
    """The display is live, and national characters arrive typed and pasted, both ways."""
    book = notebook([START_X11VNC, entry_cell("x11vnc.txt")])
    book.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    book.run(0)
    book.run(1)
    view = view_of(book, 0)
    assert "x11vnc" in lab.display(book.kernel_id)["chosen"]["stream"]
    entry = Entry(book, view, "x11vnc.txt")
    entry.type("héllo ñ")
    entry.wait_for_text("héllo ñ")
    wait_for(lambda: pastes(entry, "Größe"), "the pasted text did not arrive", 60)
    entry.copy()
    entry.wait_until_copied(entry.text() or "")
    book.screenshot("x11vnc")


def test_x11vnc_killed(notebook: Opener, lab: Lab) -> None:
    """When x11vnc is killed it is started again and the view reconnects by itself."""
    book = notebook([START_X11VNC, COLOURED.format(title="Stays", colour="red")])
    book.run(0)
    book.run(1)
    view = view_of(book, 0)
    wait_for_window(lab, "Stays", book.kernel_id)
    display = lab.display(book.kernel_id)
    old = pid_of(lab, display, "x11vnc")
    os.kill(old, signal.SIGKILL)

    def noticed() -> bool:
        unwatched = lab.display(book.kernel_id)["viewers"] == 0
        return unwatched or view.attribute("state") != "connected"

    wait_for(noticed, "the view did not notice")
    view.wait_until_live()
    view.wait_for_colour(300, 250, (255, 0, 0))
    assert pid_of(lab, display, "x11vnc") != old


def test_a_window_inline_beside_x11vnc(notebook: Opener, lab: Lab) -> None:
    """It is live under its cell, takes a click, closes, and what it showed last stays."""
    program = PROGRAMS["Tk"]
    skip_where_missing(program.before)
    start = "%load_ext jupyter_xdisplay\n%xdisplay start --stream x11vnc"
    book = notebook([start, program.before or "1", program.cell])
    book.run(0)
    book.run(1)
    book.start_cell(2)
    view = window_of(book, 2)
    assert "x11vnc" in lab.display(book.kernel_id)["chosen"]["stream"]
    middle = view.size[0] / 2, view.size[1] / 2
    view.wait_for_colour(int(middle[0]), int(middle[1]), RED)
    view.click(*middle)
    view.wait_for_colour(int(middle[0]), int(middle[1]), GREEN)
    book.screenshot("x11vnc-inline")
    view.host.locator("[data-action=close]").click()
    wait_for_end(book, 2)
    left = last_picture(book, 2)
    assert left.getpixel((left.width // 2, left.height // 2)) == GREEN
