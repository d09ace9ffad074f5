"""The one line of `%xdisplay`: its buttons, pressed."""

from __future__ import annotations

import pytest

from tests.e2e.cells import COLOURED
from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, wait_for
from tests.e2e.test_inline import START
from tests.e2e.view import View, wait_for_window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_show_desktop(notebook: Opener, lab: Lab) -> None:
    """The line opens into the live desktop, which takes the keys, and closes into a line again."""
    book = notebook([START, COLOURED.format(title="There", colour="red")])
    book.run(0)
    book.run(1)
    wait_for_window(lab, "There", book.kernel_id)
    view = View(book.page, book.view(0))
    assert view.attribute("state") == "closed"
    assert "Xvfb" in view.words()
    book.screenshot("line")
    view.host.locator("[data-action=show]").click()
    view.wait_until_live()
    view.wait_for_colour(300, 250, (255, 0, 0))
    wait_for(lambda: view.attribute("captured") == "true", "the desktop does not take the keys")
    book.screenshot("line-opened")
    view.host.locator("[data-action=close]").click()
    view.wait_for_state("closed")
    assert not view.canvas.is_visible()


def test_stop_display(notebook: Opener, lab: Lab) -> None:
    """It ends the display and its programs, and says so; `%xdisplay` starts another one."""
    book = notebook([START, COLOURED.format(title="There", colour="red")])
    book.run(0)
    book.run(1)
    wait_for_window(lab, "There", book.kernel_id)
    before = lab.display(book.kernel_id)["id"]
    view = View(book.page, book.view(0))
    view.host.locator("[data-action=stop]").click()
    wait_for(
        lambda: all(it["state"] == "ended" for it in lab.displays() if it["id"] == before),
        "it goes on",
    )
    wait_for(lambda: "has ended" in view.words(), view.words)
    book.screenshot("line-stopped")
    book.run(0)
    assert lab.display(book.kernel_id)["id"] != before
