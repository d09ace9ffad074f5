"""Where no server extension can be reached: the view itself, pixels and input come by the comm."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, Notebook, wait_for
from tests.e2e.test_close import MINE
from tests.e2e.test_inline import GREEN, START, last_picture, window_of
from tests.e2e.test_window_view import STUCK
from tests.e2e.view import View

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MODEL = """\
import gc
from IPython.display import display, update_display
from jupyter_xdisplay.kernel.widget import DisplayWidget
(model,) = [o.model_id for o in gc.get_objects() if isinstance(o, DisplayWidget) and o.window_id]
view = {"version_major": 2, "version_minor": 0, "model_id": model}
output = {"application/vnd.jupyter.widget-view+json": view, "text/plain": "drawn once"}
display(output, raw=True, display_id="view")
"""
AGAIN = """\
update_display(output | {"text/plain": "drawn anew"}, raw=True, display_id="view")
print("updated")
"""


@pytest.fixture(scope="module")
def bare(make_lab: Callable[..., Lab]) -> Lab:
    """A server without our extension."""
    return make_lab(extension=False)


def test_a_window(notebook: Opener, bare: Lab) -> None:
    """Its pixels, keys and close travel over the widget's comm."""
    book = notebook([START, STUCK], on=bare)
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(150, 100, GREEN)
    view.host.locator("[data-action=close]").click()
    left = last_picture(book, 1)
    assert left.getpixel((left.width // 2, left.height // 2)) == GREEN


def test_a_busy_kernel_is_waited_for(notebook: Opener, bare: Lab) -> None:
    """The page says so, as the view comes from the kernel, too; then all windows are live."""
    done = bare.root / "done"
    wait = f"import os, time\nwhile not os.path.exists({str(done)!r}): time.sleep(0.1)"
    book = notebook([f"{START}\n{STUCK}\n{STUCK}\n{wait}"], on=bare)
    book.start_cell(0)
    words = book.cell(0).get_by_text("Waiting for the kernel")
    wait_for(lambda: words.count() == 3, lambda: f"{words.count()} say so: {book.text(0)}")
    book.page.wait_for_timeout(700)  # they come softly
    book.screenshot("comm-waiting")
    assert book.cell(0).locator("[data-xdisplay-window]").count() == 0
    done.touch()
    hosts = book.cell(0).locator("[data-xdisplay-window]")
    wait_for(lambda: hosts.count() == 2, lambda: f"{hosts.count()} views")
    wait_for(lambda: words.count() == 0, lambda: f"{words.count()} say so still")
    for place in range(2):
        view = View(book.page, hosts.nth(place))
        view.host.scroll_into_view_if_needed()
        view.wait_until_live()
        view.wait_for_colour(150, 100, GREEN)


def test_an_output_that_is_drawn_anew_stays_connected(notebook: Opener, bare: Lab) -> None:
    """The kernel puts something beside the live view: it is the same view, that never blinked."""
    book = notebook([START, STUCK, MODEL, AGAIN], on=bare)
    book.run(0)
    book.run(1)
    window_of(book, 1)  # the program takes a while to open it
    book.run(2)
    view = window_of(book, 2)
    view.host.evaluate(
        "host => {"
        " host.states = [];"
        " new MutationObserver(() => host.states.push(host.dataset.xdisplayState))"
        "  .observe(host, {attributeFilter: ['data-xdisplay-state']}); }"
    )
    view.canvas.evaluate("canvas => { canvas.mark = 'mine'; }")
    for _ in range(3):
        book.run(3)
        book.page.wait_for_timeout(500)
        assert view.canvas.evaluate("canvas => canvas.mark") == "mine"
        assert view.attribute("state") == "connected"
    assert view.host.evaluate("host => host.states") == []
    view.wait_for_colour(150, 100, GREEN)
    view.host.locator("[data-action=close]").click()
    wait_for(lambda: view.host.count() == 0 or view.attribute("state") == "over", "still there")


def test_a_program_that_hangs(notebook: Opener, bare: Lab) -> None:
    """It cannot be ended from here: the view says how the user can."""
    book = notebook([START, STUCK], on=bare)
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    pid = int(book.text(1).split()[0])
    os.kill(pid, signal.SIGSTOP)
    view.host.locator("[data-action=close]").click()
    keep = view.host.locator("[data-action=keep]")
    keep.wait_for(timeout=10_000)
    assert f"else end the program with: import os; os.kill({pid}, 9)" in view.words()
    assert view.host.locator("[data-action=end-program]").count() == 0
    book.page.wait_for_timeout(700)  # it comes softly
    book.screenshot("comm-hung")
    keep.click()
    wait_for(lambda: "does not close" not in view.words(), "the question stays")
    os.kill(pid, signal.SIGKILL)
    last_picture(book, 1)


def test_the_busy_kernels_window(notebook: Opener, bare: Lab) -> None:
    """Its close waits in the busy kernel; the page's own connection interrupts and restarts it."""
    wait = "import time; time.sleep(200)"
    book = notebook([START, MINE, wait, MINE, wait, "6 * 7"], on=bare)
    book.run(0)
    for index in (1, 3):
        book.run(index)
        view = window_of(book, index)
        view.wait_for_colour(20, 20, GREEN)
        book.start_cell(index + 1)
        wait_for(lambda index=index: book.prompt(index + 1) == "[*]:", "the cell does not run")
        view.host.locator("[data-action=close]").click()
        view.host.locator("[data-action=restart]").wait_for(timeout=10_000)
        if index == 1:
            view.host.locator("[data-action=interrupt]").click()
            wait_for(lambda: "KeyboardInterrupt" in book.text(2), "not interrupted")
            last_picture(book, 1)
    with book.restarting():
        view.host.locator("[data-action=restart]").click()
    view.wait_for_state("gone")
    assert "was restarted" in view.words()
    assert not view.host.locator(".chip").is_visible()
    wait_for(lambda: book.prompt(4) == "[ ]:", lambda: book.prompt(4))
    book.screenshot("comm-restarted-kernel")
    book.start_cell(5)
    wait_for(lambda: "42" in book.text(5), "the kernel does not run code")


def test_a_reload_and_a_restart(notebook: Opener, bare: Lab) -> None:
    """A page that is loaded again shows the live window again; one without its kernel says so."""
    book = notebook([START, STUCK], on=bare)
    book.run(0)
    book.run(1)
    window_of(book, 1)
    book.save()
    book.page.reload()
    book.page.wait_for_selector(".jp-Notebook .jp-Cell")
    window_of(book, 1).wait_for_colour(150, 100, GREEN)
    book.restart_kernel()
    _says_that_the_kernel_is_gone(book)


def _says_that_the_kernel_is_gone(book: Notebook) -> None:
    view = View(book.page, book.cell(1).locator("[data-xdisplay-window]").first)
    view.host.scroll_into_view_if_needed()
    wait_for(lambda: "Run %xdisplay" in view.words(), view.words)
    book.screenshot("comm-kernel-gone")


@pytest.mark.parametrize("patient", [True, False], ids=["run-all", "at-once"])
def test_cells_run_again_after_a_restart(notebook: Opener, bare: Lab, *, patient: bool) -> None:
    """The windows are live, also where cells were run before the restart was done."""
    book = notebook([START, STUCK], on=bare)
    book.run(0)
    book.run(1)
    window_of(book, 1).host.evaluate("host => { host.former = true; }")
    if patient:
        book.page.locator("[data-command='notebook:restart-run-all']").click()
    else:
        book.page.keyboard.press("Escape")
        book.page.keyboard.press("0")
        book.page.keyboard.press("0")
    book.page.locator(".jp-Dialog .jp-mod-accept").click()
    book.page.locator(".jp-Dialog").wait_for(state="detached")
    if not patient:
        book.start_cell(0)
        book.start_cell(1)
    is_former = "hosts => hosts.some((host) => host.former)"
    hosts = book.cell(1).locator("[data-xdisplay-window]")
    wait_for(lambda: not hosts.evaluate_all(is_former), "the former view is there still")
    window_of(book, 1).wait_for_colour(150, 100, GREEN)
