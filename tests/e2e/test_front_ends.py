"""The same in other front ends and set-ups: Notebook 7, a base URL, no server extension, dark."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from tests.e2e.cells import COLOURED, START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import Entry, entry_cell
from tests.e2e.lab import Lab, Notebook, wait_for
from tests.e2e.test_inline import GREEN, last_picture, window_of
from tests.e2e.test_inline import START as START_INLINE
from tests.e2e.test_saved import pictures
from tests.e2e.test_window_view import STUCK
from tests.e2e.view import wait_for_window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("name", ["01-quickstart", "02-windows"])
def test_notebooks_that_we_ship(lab: Lab, page: Page, name: str) -> None:
    """They run as they are, each cell without an error, with live windows."""
    run_shipped(lab, page, name)


def run_shipped(lab: Lab, page: Page, name: str) -> None:
    """Run all cells of a notebook that we ship; fail when one writes an error."""
    path = NOTEBOOKS / f"{name}.ipynb"
    (lab.root / path.name).write_bytes(path.read_bytes())
    book = Notebook(page, lab, path.name)
    cells = nbformat.read(path, as_version=4).cells
    try:
        for index, cell in enumerate(cells):
            if cell.cell_type != "code":
                continue
            book.run(index, timeout_s=90)
            errors = book.cell(index).locator(
                ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'],"
                ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
            )
            assert errors.count() == 0, book.text(index)
            book.screenshot(f"{name}-{index}")
    finally:
        for session in lab.api("GET", "api/sessions"):
            lab.api("DELETE", f"api/sessions/{session['id']}")


def test_notebook_7(notebook: Opener, lab: Lab) -> None:
    """Notebook 7 shows the live view too."""
    book = notebook([START, COLOURED.format(title="Seven", colour="red")], classic=True)
    book.run(0)
    book.run(1)
    wait_for_window(lab, "Seven", book.kernel_id)
    view_of(book, 0).wait_for_colour(300, 250, (255, 0, 0))
    book.screenshot("notebook-7")


def test_a_window_in_notebook_7(notebook: Opener) -> None:
    """Live under its cell, closed by its button, then its last picture: there and in the file."""
    book = notebook([START_INLINE, STUCK], classic=True)
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(150, 100, GREEN)
    book.screenshot("notebook-7-window")
    (live,) = pictures(book.save())
    assert live.getpixel((150, 100)) == GREEN
    view.host.locator("[data-action=close]").click()
    left = last_picture(book, 1)
    assert left.getpixel((left.width // 2, left.height // 2)) == GREEN
    book.screenshot("notebook-7-closed")
    saved = book.save()
    (picture,) = pictures(saved)
    assert picture.getpixel((150, 100)) == GREEN
    assert "widget-view" not in str([cell["outputs"] for cell in saved["cells"][1:]])


def test_base_url_and_dark(make_lab: Callable[..., Lab], notebook: Opener) -> None:
    """Under another base URL everything works, and in the dark theme it looks at home."""
    lab = make_lab(base_url="/user/alice/", dark=True)
    book = notebook([START, COLOURED.format(title="Alice", colour="red")], on=lab)
    book.run(0)
    book.run(1)
    wait_for_window(lab, "Alice", book.kernel_id)
    view_of(book, 0).wait_for_colour(300, 250, (255, 0, 0))
    book.screenshot("dark")
    lab.stop()


def test_without_server_extension(make_lab: Callable[..., Lab], notebook: Opener) -> None:
    """Where the server extension is off, pixels and input travel over the widget's comm.

    What is saved has a picture of a window, too, while that is live and in sight.
    """
    lab = make_lab(extension=False)
    red = COLOURED.format(title="Saved", colour="red")
    book = notebook([START, entry_cell("comm.txt"), "%xdisplay inline on", red, "1"], on=lab)
    book.run(0)
    book.run(1)
    entry = Entry(book, view_of(book, 0), "comm.txt")
    entry.type("comm")
    entry.wait_for_text("comm")
    book.screenshot("without-server-extension")
    book.run(2)
    book.run(3)
    view = view_of(book, 3)
    view.wait_for_colour(100, 100, (255, 0, 0))
    book.run(4)
    assert view.attribute("frame") == "live"
    saved = book.save()
    (png,) = pictures({"cells": saved["cells"][3:4]})
    assert (255, 0, 0) in {colour for _, colour in png.getcolors(2**24) or []}
    assert len(json.dumps(saved)) < 200_000  # no JavaScript
    lab.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_server_end_leaves_nothing(
    make_lab: Callable[..., Lab], notebook: Opener, private_root: Path, number: int
) -> None:
    """A server that stops, or is killed, leaves no process, socket, lock or directory."""
    lab = make_lab()
    book = notebook([START, "%xdisplay run xeyes"], on=lab)
    book.run(0)
    book.run(1)
    wait_for_window(lab, "xeyes", book.kernel_id)
    (info,) = lab.displays()
    directory = Path(info["socket"]).parent
    display = info["display"].removeprefix(":")
    lab.process.send_signal(number)
    lab.process.wait(30)

    def left() -> list[str]:
        places = [directory, Path(f"/tmp/.X{display}-lock"), Path(f"/tmp/.X11-unix/X{display}")]
        found = [str(place) for place in places if place.exists()]
        listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        return found + [line for line in listing.stdout.splitlines() if directory.name in line]

    wait_for(lambda: not left(), "something is left")
