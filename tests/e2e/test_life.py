"""What happens to views and displays over time: restarts, reloads, deaths, sight."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.cells import COLOURED, START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import Entry, entry_cell
from tests.e2e.lab import Lab, new_page, wait_for
from tests.e2e.view import View, wait_for_window, windows_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def pid_of(lab: Lab, display: dict, program: str) -> int:
    """The process id of a display's X server or RFB server, by its private directory."""
    directory = str(Path(display["socket"]).parent)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if command[0].endswith(program) and directory in " ".join(command):
                return int(entry.name)
    raise AssertionError(f"{program} of {directory} does not run")


def test_kernel_restart_keeps_the_display(notebook: Opener, lab: Lab) -> None:
    """After a kernel restart the display is the same, its old windows are gone, DISPLAY is set."""
    book = notebook(
        [
            START,
            COLOURED.format(title="Old", colour="green"),
            "import os\nprint(os.environ['DISPLAY'])",
        ]
    )
    book.run(0)
    book.run(1)
    wait_for_window(lab, "Old", book.kernel_id)
    before = lab.display(book.kernel_id)
    book.restart_kernel()
    wait_for(lambda: not windows_of(lab, book.kernel_id), "the old windows are still there")
    book.run(2)
    assert book.text(2).strip() == before["display"]
    book.run(0)
    view_of(book, 0)
    assert lab.display(book.kernel_id)["id"] == before["id"]


def test_two_kernels_do_not_mix(notebook: Opener, lab: Lab, browser: Browser) -> None:
    """Two notebooks side by side have a display each, with their own windows only."""
    with new_page(browser) as other_page:
        first = notebook([START, COLOURED.format(title="First", colour="red")])
        second = notebook([START, COLOURED.format(title="Second", colour="blue")], page=other_page)
        for book in (first, second):
            book.run(0)
            book.run(1)
        for book, title, colour in (
            (first, "First", (255, 0, 0)),
            (second, "Second", (0, 0, 255)),
        ):
            wait_for_window(lab, title, book.kernel_id)
            view_of(book, 0).wait_for_colour(300, 250, colour)
            assert set(windows_of(lab, book.kernel_id)) == {title}


def test_page_reload(notebook: Opener, lab: Lab) -> None:
    """A reloaded page shows the live display again."""
    book = notebook([START, COLOURED.format(title="Here", colour="red")])
    book.run(0)
    book.run(1)
    wait_for_window(lab, "Here", book.kernel_id)
    book.save()
    book.page.reload()
    book.page.wait_for_selector("[data-xdisplay-state]", timeout=60_000)
    view_of(book, 0).wait_for_colour(300, 250, (255, 0, 0))


def test_the_canvas_is_opaque(notebook: Opener) -> None:
    """Chromium draws all that lies under a canvas that is not, for every frame."""
    book = notebook([START])
    book.run(0)
    view = view_of(book, 0)
    view.wait_until_live()
    alpha = "canvas => canvas.getContext('2d').getContextAttributes().alpha"
    assert view.canvas.evaluate(alpha) is False


def test_x_server_killed(notebook: Opener, lab: Lab) -> None:
    """When the X server is killed the view says so, and `%xdisplay` starts a new one."""
    book = notebook([START])
    book.run(0)
    view = view_of(book, 0)
    display = lab.display(book.kernel_id)
    os.kill(pid_of(lab, display, "Xvfb"), signal.SIGKILL)
    view.wait_for_state("ended")
    assert "SIGKILL" in view.words()
    book.screenshot("x-server-killed")
    book.run(0)
    assert "SIGKILL" in book.text(0)
    view_of(book, 0)
    assert lab.display(book.kernel_id)["id"] != display["id"]


def test_kernel_connected_to_a_killed_x_server(notebook: Opener, lab: Lab) -> None:
    """A kernel whose own figure was on the killed X server dies with it, and the view says why."""
    book = notebook([START, "import matplotlib.pyplot as plt\nplt.figure('Mine'); plt.show()"])
    book.run(0)
    book.run(1)
    view = view_of(book, 0)
    wait_for_window(lab, "Mine", book.kernel_id)
    os.kill(pid_of(lab, lab.display(book.kernel_id), "Xvfb"), signal.SIGKILL)
    view.wait_for_state("ended")
    wait_for(lambda: "variables are gone" in view.words(), f"it does not say: {view.words()}")
    book.screenshot("kernel-died-with-x-server")


def test_out_of_sight_costs_nothing(notebook: Opener, lab: Lab) -> None:
    """A view that is scrolled away stops streaming, and streams again when it is back."""
    book = notebook([START, *["print('line\\n' * 40)"] * 3])
    for index in range(4):
        book.run(index)
    book.cell(0).scroll_into_view_if_needed()
    view_of(book, 0)
    wait_for(lambda: lab.display(book.kernel_id)["viewers"] == 1, "nobody views")
    book.cell(3).locator(".jp-OutputArea-output").last.scroll_into_view_if_needed()
    wait_for(lambda: lab.display(book.kernel_id)["viewers"] == 0, "it streams out of sight")
    book.cell(0).scroll_into_view_if_needed()
    wait_for(lambda: lab.display(book.kernel_id)["viewers"] == 1, "it does not stream again")


def test_several_views(notebook: Opener) -> None:
    """Two views of one display show the same at once; what is typed into one is seen in both."""
    cells = ["%load_ext jupyter_xdisplay\n%xdisplay desktop --size 640x240", "%xdisplay desktop"]
    book = notebook([*cells, entry_cell("both.txt")])
    for index in range(3):
        book.run(index)
    first, second = (View(book.page, book.view(index)) for index in range(2))
    for view in (first, second):
        view.host.scroll_into_view_if_needed()
        view.wait_until_live()
        Entry(book, first, "both.txt")
    before = first.image()
    entry = Entry(book, second, "both.txt")
    entry.type("both")
    entry.wait_for_text("both")
    first.wait_for_change(before, "the first view does not show what was typed into the second")


def test_keys_and_wheel_belong_to_who_has_the_focus(notebook: Opener, lab: Lab) -> None:
    """Keys typed into a display never reach the notebook, the wheel scrolls the page until then."""
    book = notebook(
        [START, COLOURED.format(title="Keys", colour="red"), *["print('line\\n' * 40)"] * 2]
    )
    for index in range(4):
        book.run(index)
    book.cell(0).scroll_into_view_if_needed()
    view = view_of(book, 0)
    wait_for_window(lab, "Keys", book.kernel_id)
    scroller = book.page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first
    position = lambda: book.page.evaluate(  # noqa: E731
        "() => [...document.querySelectorAll('.jp-NotebookPanel *')]"
        ".reduce((most, e) => Math.max(most, e.scrollTop), 0)"
    )
    assert scroller is not None
    view.move(300, 250)
    before = position()
    book.page.mouse.wheel(0, 120)
    wait_for(lambda: position() > before, "the wheel does not scroll the page")
    view.click(300, 250)
    wait_for(lambda: view.attribute("captured") == "true", "a click does not capture")
    cells = book.page.locator(".jp-Notebook .jp-Cell").count()
    before = position()
    book.page.mouse.wheel(0, 120)
    for key in ("d", "d", "a", "b", "x", "Shift+Enter"):
        book.page.keyboard.press(key)
    book.page.wait_for_timeout(500)
    assert position() == before
    assert book.page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_resize(notebook: Opener, lab: Lab) -> None:
    """`%xdisplay resize` gives the live view another size, and it goes on being live."""
    book = notebook(
        [START, "%xdisplay resize 800x500", COLOURED.format(title="After", colour="red")]
    )
    book.run(0)
    view = view_of(book, 0)
    book.run(1)
    wait_for(lambda: view.size == (800, 500), f"the view stays at {view.size}")
    view.wait_until_live()
    box = view.canvas.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 1.6) < 0.02
    book.run(2)
    wait_for_window(lab, "After", book.kernel_id)
    view.wait_for_colour(300, 250, (255, 0, 0))
