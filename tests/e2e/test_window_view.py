"""The view of one window: size, close, pictures, many at once."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import av
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, Notebook, wait_for
from tests.e2e.test_inline import GREEN, START, last_picture, window_of
from tests.e2e.test_saved import pictures
from tests.e2e.view import View, windows_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STUCK = """\
script = '''
import tkinter
root = tkinter.Tk()
root.title("Stuck")
root.configure(background="lime")
root.geometry("300x200")
root.mainloop()
'''
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", script])
print(child.pid)
"""
SQUARE = """\
%xdisplay gui tk
import matplotlib.pyplot as plt
plt.rcParams["toolbar"] = "None"
figure = plt.figure(figsize=(4, 3), dpi=100, facecolor="white")
axes = figure.add_axes((0, 0, 1, 1), facecolor="blue")
axes.plot([0.5], [0.5], "s", color="yellow", markersize=36)
axes.set(xlim=(0, 1), ylim=(0, 1))
plt.show()
"""
BLUE = (0, 0, 255)


def _drag_corner(view: View, right: int, down: int) -> None:
    view.host.hover()
    corner = view.host.locator(".corner").bounding_box()
    assert corner is not None
    x, y = corner["x"] + 8, corner["y"] + 8
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x + right, y + down, steps=6)
    view.page.mouse.up()


def test_the_corner_resizes_the_real_window(notebook: Opener, lab: Lab) -> None:
    """No pixel is scaled: the program draws itself anew at the size that was dragged."""
    book = notebook([START, "!xterm -geometry 40x10 -bg lime -T Terminal &"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    width, height = view.size
    _drag_corner(view, 150, 90)
    wait_for(lambda: view.size[0] > width + 120 and view.size[1] > height + 70, "not resized")
    window = windows_of(lab, book.kernel_id)["Terminal"]
    assert (window["width"], window["height"]) == view.size
    box = view.host.locator(".screen").bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == view.size
    book.screenshot("inline-resized")


def test_a_resized_figure_is_drawn_anew(notebook: Opener) -> None:
    """Its axes fill the new size, and what is measured in points is as large as it was."""
    book = notebook([START, SQUARE])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    width, height = view.size
    view.wait_for_colour(20, 20, BLUE)
    before = _square(view.pixels())
    assert before[0] > 30
    _drag_corner(view, 200, 120)
    wait_for(lambda: view.size[0] > width + 170 and view.size[1] > height + 90, "not resized")

    def redrawn() -> bool:
        picture = view.pixels()
        corner = picture.getpixel((picture.width - 5, 5))
        return corner == BLUE and _square(picture) == before

    wait_for(redrawn, lambda: f"the square of {before} is {_square(view.pixels())}")
    book.screenshot("inline-figure-resized")


def _square(picture: Image.Image) -> tuple[int, int]:
    """Width and height of what is yellow."""
    red = picture.getchannel("R").point(lambda value: 255 if value > 200 else 0)
    left, top, right, bottom = red.getbbox() or (0, 0, 0, 0)
    return right - left, bottom - top


def test_a_moved_cell_keeps_its_last_frame(notebook: Opener, lab: Lab) -> None:
    """JupyterLab forgets which output it is; the file has the picture all the same."""
    book = notebook([START, STUCK, "6 * 7"])
    book.run(0)
    book.run(1)
    window_of(book, 1).wait_for_colour(150, 100, GREEN)
    book.cell(1).locator(".jp-InputPrompt").click()
    book.page.keyboard.press("Escape")
    book.page.keyboard.press("Control+Shift+ArrowDown")
    view = window_of(book, 2)
    view.wait_for_colour(150, 100, GREEN)
    view.host.locator("[data-action=close]").click()
    view.wait_for_state("over")
    wait_for(lambda: not windows_of(lab, book.kernel_id), "it is still open")
    book.page.wait_for_timeout(1000)  # after the kernel has let go of it, too
    assert view.pixels().getpixel((150, 100)) == GREEN
    book.screenshot("inline-moved")
    assert [picture.getpixel((150, 100)) for picture in pictures(book.save())] == [GREEN]


def test_a_press_on_the_prompt_takes_the_keys_back(notebook: Opener) -> None:
    """Also on that of the window's own cell, which is active already."""
    book = notebook([START, "!xterm -geometry 40x10 -bg lime -T Terminal &"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.click(60, 60)
    wait_for(lambda: view.attribute("captured") == "true", "a click does not capture")
    book.cell(1).locator(".jp-InputPrompt").click()
    wait_for(lambda: view.attribute("captured") == "false", "it does not release")
    book.page.keyboard.press("Escape")
    book.page.keyboard.press("b")  # JupyterLab's: a new cell below
    wait_for(lambda: book.page.locator(".jp-Notebook .jp-Cell").count() == 3, "no key arrived")


def test_a_saved_notebook_has_pictures_only(notebook: Opener, lab: Lab) -> None:
    """Of windows that are open and of closed ones; small, without JavaScript, also as HTML."""
    figures = (
        "import matplotlib.pyplot as plt, numpy as np\n"
        "x = np.linspace(0, 9, 200)\n"
        "for number in range(10):\n"
        "    plt.figure(f'Figure {number}', figsize=(6.4, 4.8)); plt.plot(x, np.sin(number * x))\n"
        "plt.show()"
    )
    book = notebook([START, figures, STUCK, "child.kill()"])
    for index in range(3):
        book.run(index)
    window_of(book, 2)
    views = book.cell(1).locator("[data-xdisplay-window]")
    wait_for(lambda: views.count() == 10, lambda: f"{views.count()} views")
    book.run(3)
    last_picture(book, 2)
    saved = book.save()
    path = lab.root / book.name
    text = path.read_text()
    assert len(pictures(saved)) == 11
    assert "widget-view" not in json.dumps(
        [c["outputs"][0].get("data") for c in saved["cells"][:2]]
    )
    assert "import(" not in text
    wait_for(lambda: _size(book, path) < 300_000, lambda: f"{path.stat().st_size} bytes")
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", book.name], cwd=lab.root, check=True
    )
    html = path.with_suffix(".html").read_text()
    assert html.count('src="data:image/png;base64,') == 11


def _size(book: Notebook, path: object) -> int:
    book.page.wait_for_timeout(500)
    book.run(3)
    book.save()
    return int(path.stat().st_size)  # type: ignore[attr-defined]


def test_a_reloaded_page_shows_the_live_window_again(notebook: Opener, lab: Lab) -> None:
    """Closing a page closes nothing in the kernel."""
    book = notebook([START, "!xclock -update 1 &"])
    book.run(0)
    book.run(1)
    window_of(book, 1)
    book.save()
    book.page.reload()
    book.page.wait_for_selector(".jp-Notebook .jp-Cell")
    view = window_of(book, 1)
    view.wait_for_change(view.image(), "the clock stands still")


def test_many_windows_only_those_in_sight_are_streamed(
    notebook: Opener, lab: Lab, page: Page
) -> None:
    """20 windows: one stream for each that can be seen; scrolled to, the others are live, too.

    All of them, and the line of the display, share one WebSocket for news.
    """
    news: list[str] = []
    page.on("websocket", lambda it: news.append(it.url) if "/events" in it.url else None)
    code = (
        "import subprocess\n"
        "for number in range(20):\n"
        "    subprocess.Popen(['xclock', '-update', '1', '-geometry', '300x300'])"
    )
    book = notebook([START, code])
    book.run(0)
    book.run(1)
    hosts = book.cell(1).locator("[data-xdisplay-window]")
    wait_for(lambda: hosts.count() == 20, lambda: f"{hosts.count()} views", 60)
    display = lab.display(book.kernel_id)["id"]

    def streams() -> int:
        return len(lab.api("GET", f"xdisplay/api/displays/{display}/viewers"))

    wait_for(lambda: 0 < streams() < 6, lambda: f"{streams()} streams")
    for place_ in (19, 0, 10):
        view = View(book.page, hosts.nth(place_))
        view.host.scroll_into_view_if_needed()
        view.wait_until_live()
        view.wait_for_change(view.image(), "the clock stands still")
    wait_for(lambda: 0 < streams() < 6, lambda: f"{streams()} streams")
    assert len([url for url in news if display in url]) == 1


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_a_recording_is_written_beside_the_notebook(notebook: Opener, lab: Lab, kind: str) -> None:
    """A press offers the formats, another ends it; it shows what moved."""
    book = notebook([START, "!glxgears &"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    button = view.host.locator("[data-action=record]")
    button.click()
    book.screenshot("inline-recording-formats")
    view.host.locator(f"[data-action=record-{kind}]").click()
    wait_for(lambda: "Recording." in view.words(), view.words)
    book.screenshot("inline-recording")
    book.page.wait_for_timeout(2000)
    button.click()
    wait_for(lambda: "Recorded: " in view.words(), view.words)
    name = view.words().partition("Recorded: ")[2].split()[0]
    assert name.startswith("xdisplay-glxgears-")
    assert name.endswith(f".{kind}")
    if kind == "gif":
        with Image.open(lab.root / name) as film:
            assert film.size == view.size
            assert getattr(film, "n_frames", 1) > 3
    else:
        with av.open(lab.root / name) as video:
            assert sum(1 for _ in video.decode(video=0)) > 3


def test_a_screenshot_goes_to_the_clipboard(notebook: Opener) -> None:
    """And a button gives it as a file, named after the window."""
    book = notebook([START, STUCK])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(150, 100, GREEN)
    page = book.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.host.locator("[data-action=copy]").click()
    view.host.locator("[data-action=copy][aria-label=Copied]").wait_for()
    kinds = page.evaluate("async () => (await navigator.clipboard.read())[0].types")
    assert kinds == ["image/png"]
    with page.expect_download() as download:
        view.host.locator("[data-action=screenshot]").click()
    assert download.value.suggested_filename.startswith("xdisplay-Stuck-")
    assert Image.open(download.value.path()).size == view.size


def test_a_screenshot_of_nothing_is_not_said_to_be_copied(notebook: Opener, page: Page) -> None:
    """Before the first picture the buttons say that there is none."""
    page.route_web_socket(re.compile("/rfb"), lambda _: None)  # opens, and says nothing
    book = notebook([START, STUCK])
    book.run(0)
    book.run(1)
    view = View(page, book.cell(1).locator("[data-xdisplay-window]").first)
    view.host.wait_for()
    for action in ("copy", "screenshot"):
        button = view.host.locator(f"[data-action={action}]")
        button.click()
        wait_for(
            lambda button=button: "no picture yet" in (button.get_attribute("aria-label") or ""),  # type: ignore[misc]
            "not said",
        )
