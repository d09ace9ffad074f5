"""The close of a window that does not close: what the view says and offers."""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, wait_for
from tests.e2e.test_inline import GREEN, START, last_picture, window_of
from tests.e2e.test_window_view import STUCK
from tests.e2e.view import windows_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MINE = """\
%xdisplay gui tk
import matplotlib.pyplot as plt
plt.figure("Mine", facecolor="lime")
plt.show()
"""
DEAF = """\
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    time.sleep(1)
"""


def test_a_program_that_hangs_can_be_ended(notebook: Opener) -> None:
    """Its window does not close when asked: after 3 s the view offers to end the program."""
    book = notebook([START, STUCK, "print(child.wait(20))"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(150, 100, GREEN)
    pid = int(book.text(1).split()[0])
    os.kill(pid, signal.SIGSTOP)
    view.host.locator("[data-action=close]").click()
    end = view.host.locator("[data-action=end-program]")
    end.wait_for(timeout=10_000)
    book.screenshot("inline-hung")
    assert "“Stuck” does not close" in view.words()
    end.click()
    left = last_picture(book, 1)
    assert left.getpixel((left.width // 2, left.height // 2)) == GREEN
    book.run(2)
    assert int(book.text(2)) < 0


def test_a_program_that_keeps_its_window_open(notebook: Opener) -> None:
    """It answers, and does not close: the view says so, and offers to end it."""
    keep = "root.protocol('WM_DELETE_WINDOW', int)\nroot.mainloop"
    refuses = STUCK.replace("root.mainloop", keep)
    book = notebook([START, refuses])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.host.locator("[data-action=close]").click()
    view.host.locator("[data-action=end-program]").wait_for(timeout=10_000)
    assert "answers, but keeps it open" in view.words()
    book.screenshot("inline-refuses")
    view.host.locator("[data-action=end-program]").click()
    last_picture(book, 1)


def test_the_busy_kernels_window_offers_to_interrupt(notebook: Opener) -> None:
    """Never to end the program: that is the kernel. Interrupted, it closes the window."""
    figure = "import matplotlib.pyplot as plt\nplt.figure('Mine'); plt.plot([1, 2]); plt.show()"
    book = notebook([START, f"%xdisplay gui tk\n{figure}", "import time; time.sleep(100)", "6 * 7"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    book.start_cell(2)
    wait_for(lambda: "program busy" in view.words(), "not said to be busy")
    view.host.locator("[data-action=close]").click()
    view.host.locator("[data-action=interrupt]").wait_for(timeout=10_000)
    assert view.host.locator("[data-action=end-program]").count() == 0
    book.screenshot("inline-busy-kernel")
    view.host.locator("[data-action=interrupt]").click()
    wait_for(lambda: "KeyboardInterrupt" in book.text(2), "not interrupted")
    last_picture(book, 1)
    book.run(3)
    assert "42" in book.text(3)


def test_a_kernel_that_cannot_be_interrupted_is_restarted(notebook: Opener, lab: Lab) -> None:
    """The last offer for its own window: the window goes with the process, its picture stays."""
    book = notebook([START, MINE, DEAF, "6 * 7"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(20, 20, GREEN)
    kernel = book.kernel_id
    book.start_cell(2)
    wait_for(lambda: "program busy" in view.words(), "not said to be busy")
    view.host.locator("[data-action=close]").click()
    restart = view.host.locator("[data-action=restart]")
    restart.wait_for(timeout=10_000)
    with book.restarting():
        restart.click()
    wait_for(lambda: not windows_of(lab, kernel), "the window is still open")
    view.wait_for_state("over")
    assert view.pixels().getpixel((20, 20)) == GREEN
    book.screenshot("inline-restarted-kernel")
    assert book.kernel_id == kernel
    # The page knows, and does not call it busy for good.
    wait_for(lambda: book.prompt(2) == "[ ]:", lambda: book.prompt(2))
    book.start_cell(3)
    wait_for(lambda: "42" in book.text(3), "the kernel does not run code")
