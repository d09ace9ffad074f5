"""What is left in a saved notebook: a picture, and no error."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.e2e.cells import COLOURED, START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.lab import Lab, Notebook, new_page, wait_for
from tests.e2e.test_inline import START as START_INLINE
from tests.e2e.test_inline import window_of
from tests.e2e.view import View, wait_for_window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def pictures(saved: dict[str, Any]) -> list[Image.Image]:
    """The PNG outputs of a saved notebook."""
    return [
        Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("RGB")
        for cell in saved["cells"]
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]


def test_saved_notebook_shows_the_picture(notebook: Opener, lab: Lab, browser: Browser) -> None:
    """A saved notebook shows the last picture once the kernel is gone, and as `nbconvert` HTML."""
    book = notebook([START, COLOURED.format(title="Last", colour="red")])
    book.run(0)
    book.run(1)
    wait_for_window(lab, "Last", book.kernel_id)
    view_of(book, 0).wait_for_colour(300, 250, (255, 0, 0))
    saved = book.save()
    assert pictures(saved)[0].getpixel((300, 250)) == (255, 0, 0)
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", book.name], cwd=lab.root, check=True
    )
    html = (lab.root / book.name).with_suffix(".html").read_text()
    assert 'src="data:image/png;base64,' in html
    lab.api("DELETE", f"api/kernels/{book.kernel_id}")
    with new_page(browser) as page:
        again = Notebook(page, lab, book.name)
        picture = again.cell(0).locator(".jp-OutputArea-output img")
        picture.wait_for()
        wait_for(
            lambda: picture.evaluate("image => image.naturalWidth") == 1280,
            "the picture is not shown",
        )
        assert "rror" not in again.text(0)
        again.screenshot("saved-without-kernel")


def test_stopped_display_leaves_its_picture(notebook: Opener, lab: Lab) -> None:
    """`%xdisplay stop` leaves the last picture in the cell and in the saved notebook."""
    book = notebook([START, COLOURED.format(title="Done", colour="red"), "%xdisplay stop"])
    book.run(0)
    book.run(1)
    wait_for_window(lab, "Done", book.kernel_id)
    view_of(book, 0).wait_for_colour(300, 250, (255, 0, 0))
    book.run(2)
    book.cell(0).locator(".jp-OutputArea-output img").wait_for()
    book.screenshot("stopped")
    assert pictures(book.save())[0].getpixel((300, 250)) == (255, 0, 0)


def test_a_dead_kernels_windows_leave_their_pictures(notebook: Opener, lab: Lab) -> None:
    """Of windows that were looked at and of one never seen; in the file at each save after that."""
    die = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    own = "import matplotlib.pyplot as plt\nplt.figure(facecolor='lime'); plt.show(block=False)"
    unseen = "print('line\\n' * 60)\n" + COLOURED.format(title="Unseen", colour="blue")
    book = notebook([START_INLINE, COLOURED.format(title="Seen", colour="red"), own, unseen, die])
    for index in (0, 1, 2):
        book.run(index)
        if index:
            window_of(book, index)
    book.run(3)
    wait_for_window(lab, "Unseen", book.kernel_id)
    view = View(book.page, book.cell(3).locator("[data-xdisplay-window]"))
    view.host.wait_for(state="attached")
    assert view.attribute("frame") == "none"
    book.start_cell(4)
    book.page.locator(".jp-Dialog .jp-mod-accept").click()
    view.wait_for_state("over")
    view.host.scroll_into_view_if_needed()
    wait_for(lambda: view.attribute("frame") == "still", "no picture came")
    book.screenshot("kernel-died")
    assert view.pixels().getpixel((200, 150)) == (0, 0, 255)
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for _ in range(2):  # what the page itself has of them is no PNG
        # the dialog had the keyboard; and JupyterLab may not save what has not changed
        book.cell(4).locator(".jp-InputArea-editor").click()
        book.page.keyboard.type("#")
        saved = pictures(book.save())
        assert [picture.getpixel((5, picture.height // 2)) for picture in saved] == expected
    book.page.reload()
    for index in (1, 2, 3):
        book.cell(index).locator(".jp-RenderedImage img").wait_for()
    book.cell(1).scroll_into_view_if_needed()
    assert "Display 'main'" in book.text(0)  # and not a view that cannot be
    book.screenshot("kernel-died-reloaded")
