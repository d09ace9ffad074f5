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
from tests.e2e.view import wait_for_window

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
