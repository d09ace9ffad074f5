"""One window, or a whole display, in a browser tab of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from jupyter_xdisplay.spec import DisplayInfo
from tests.e2e.conftest import Opener
from tests.e2e.lab import SCREENSHOTS, Lab, wait_for
from tests.e2e.test_close import MINE
from tests.e2e.test_inline import GREEN, RED, START, last_picture, window_of
from tests.e2e.view import View
from tests.xclient import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def info(lab: Lab, page: Page) -> Iterator[DisplayInfo]:
    """A display of no kernel; the browser is logged in."""
    page.goto(f"{lab.url}api/status?token={lab.token}")
    info = DisplayInfo.from_json(lab.api("POST", "xdisplay/api/displays", {"size": "800x600"}))
    yield info
    lab.api("DELETE", f"xdisplay/api/displays/{info.id}")


def _window(lab: Lab, info: DisplayInfo) -> int:
    """The only window, once it is there."""
    path = f"xdisplay/api/displays/{info.id}"
    (window,) = wait_for(lambda: lab.api("GET", path)["windows"], "there is no window")
    return int(window["id"])


def _open(page: Page, lab: Lab, info: DisplayInfo, window: int = 0) -> View:
    page.goto(f"{lab.url}xdisplay/view/{info.id}?window={window}")
    view = View(page, page.locator(".xdisplay"))
    view.wait_until_live()
    return view


def test_a_window_fills_a_tab(lab: Lab, page: Page, info: DisplayInfo) -> None:
    """Its title names the tab, its pixels are there; when it has closed, that is said."""
    with running(info, "window", "--title", "Tab of its own", "--colour", "0000ff"):
        view = _open(page, lab, info, _window(lab, info))
        view.wait_for_colour(100, 50, (0, 0, 255))
        assert page.title() == "Tab of its own"
        frame = page.locator(".xdisplay .frame").bounding_box()
        assert frame is not None
        room = page.viewport_size
        assert room is not None
        assert (frame["x"], frame["y"], frame["width"]) == (0, 0, room["width"])
        assert frame["height"] >= room["height"]
        page.screenshot(path=SCREENSHOTS / "page-window.png")
    page.locator(".xdisplay[data-xdisplay-state='connected']").wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_display_fills_a_tab(lab: Lab, page: Page, info: DisplayInfo, scheme: str) -> None:
    """The whole screen, light and dark as the system is."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    with running(info, "window", "--title", "one", "--colour", "ff0000"):
        _window(lab, info)
        _open(page, lab, info)
        assert page.title() == "X display main"
        background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
        page.screenshot(path=SCREENSHOTS / f"page-display-{scheme}.png")


CLICKED = """\
import subprocess, sys
code = '''import tkinter
root = tkinter.Tk()
root.title("Clicked")
root.geometry("320x240")
root.configure(background="red")
root.bind("<Button-1>", lambda event: root.configure(background="lime"))
root.mainloop()'''
subprocess.Popen([sys.executable, "-c", code])
"""


def _pop_out(view: View) -> View:
    """Press the button; return the view on the new tab."""
    with view.page.context.expect_page() as opened:
        view.host.locator("[data-action=pop-out]").click()
    page = opened.value
    popped = View(page, page.locator(".xdisplay"))
    popped.wait_until_live()
    return popped


def test_pop_out(notebook: Opener) -> None:
    """A click in the new tab changes the real window, here and there."""
    book = notebook([START, CLICKED])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(160, 120, RED)
    popped = _pop_out(view)
    assert popped.page.title() == "Clicked"
    popped.click(160, 120)
    popped.wait_for_colour(160, 120, GREEN)
    popped.page.screenshot(path=SCREENSHOTS / "page-popped-out.png")
    view.page.bring_to_front()
    view.wait_for_colour(160, 120, GREEN)


def test_pop_out_of_the_kernels_own_window(notebook: Opener) -> None:
    """Also there it is never offered to end the program, which is the kernel, but to interrupt."""
    book = notebook([START, MINE, "import time; time.sleep(100)"])
    book.run(0)
    book.run(1)
    popped = _pop_out(window_of(book, 1))
    book.start_cell(2)
    wait_for(lambda: "program busy" in popped.words(), "not said to be busy")
    popped.page.bring_to_front()
    popped.host.locator("[data-action=close]").click()
    interrupt = popped.host.locator("[data-action=interrupt]")
    interrupt.wait_for(timeout=10_000)
    assert popped.host.locator("[data-action=restart]").is_visible()
    assert popped.host.locator("[data-action=end-program]").count() == 0
    popped.page.screenshot(path=SCREENSHOTS / "page-busy-kernel.png")
    interrupt.click()
    popped.wait_for_state("over")
    book.page.bring_to_front()
    wait_for(lambda: "KeyboardInterrupt" in book.text(2), "not interrupted")
    last_picture(book, 1)
