"""A page that is closed and opened again: what lives is live, what is over shows its picture."""

from __future__ import annotations

import os
import signal
import time

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, Notebook, new_page, wait_for
from tests.e2e.test_inline import GREEN, RED, START, last_picture, window_of
from tests.e2e.test_window_view import STUCK
from tests.e2e.view import windows_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


CHANGES = """\
import subprocess, sys
code = '''import os, tkinter
root = tkinter.Tk()
root.title("Changes")
root.geometry("300x200")
root.configure(background="red")
tkinter.Label(root, text="last words").pack()
def look():
    if os.path.exists("change"):
        root.configure(background="lime")
    root.after(50, look)
look()
root.mainloop()'''
child = subprocess.Popen([sys.executable, "-c", code])
print(child.pid)
"""


def test_after_a_save(notebook: Opener, lab: Lab, browser: Browser) -> None:
    """A window that goes on is live; one that closed meanwhile shows what it was last."""
    book = notebook([START, STUCK, CHANGES])
    for index in range(3):
        book.run(index)
    window_of(book, 1).wait_for_colour(150, 100, GREEN)
    view = window_of(book, 2)
    view.wait_for_colour(150, 100, RED)
    kernel, child = book.kernel_id, int(book.text(2).split()[0])
    book.save()
    book.page.close()
    (lab.root / "change").touch()
    window = windows_of(lab, kernel)["Changes"]["id"]
    path = f"xdisplay/api/displays/{lab.display(kernel)['id']}/windows/{window}"
    wait_for(lambda: lab.picture(path).getpixel((150, 100)) == GREEN, "it does not change")
    time.sleep(1)  # the last picture is a copy from shortly before the end
    os.kill(child, signal.SIGTERM)
    wait_for(lambda: "Changes" not in windows_of(lab, kernel), "still open")
    with new_page(browser) as page:
        again = Notebook(page, lab, book.name)
        window_of(again, 1).wait_for_colour(150, 100, GREEN)
        picture = last_picture(again, 2)
        assert picture.getpixel((picture.width // 2, picture.height // 2)) == GREEN
        again.screenshot("reopened")


def test_without_a_save(notebook: Opener, lab: Lab, browser: Browser) -> None:
    """The file knows nothing of the outputs; the windows live on, and `show` brings them back."""
    book = notebook([START, STUCK, "%xdisplay show"])
    book.run(0)
    book.run(1)
    window_of(book, 1).wait_for_colour(150, 100, GREEN)
    kernel = book.kernel_id
    book.page.close()
    with new_page(browser) as page:
        again = Notebook(page, lab, book.name)
        assert again.kernel_id == kernel
        assert again.cell(1).locator("[data-xdisplay-window]").count() == 0
        again.run(2)
        window_of(again, 2).wait_for_colour(150, 100, GREEN)
