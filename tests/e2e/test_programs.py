"""Programs of every kind: their pixels in the cell, and input that changes them."""

from __future__ import annotations

import pytest

from tests.e2e.cells import FIGURE, PHOTOGRAPH, START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import Entry, entry_cell
from tests.e2e.lab import Lab, wait_for
from tests.e2e.view import View, differs, wait_for_window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("gui", "title"), [("tk", "Red"), ("qt", "Red")])
def test_figure_is_seen_and_zoomed(notebook: Opener, lab: Lab, gui: str, title: str) -> None:
    """`plt.show()` shows the figure's pixels in the cell, and dragging with the mouse zooms it."""
    book = notebook(
        [
            START,
            f"%xdisplay gui {gui}",
            FIGURE,
            "figure.canvas.manager.toolbar.zoom()",
            "print(axes.get_xlim())",
        ]
    )
    book.run(0)
    book.run(1)
    book.run(2)
    view = view_of(book, 0)
    window = wait_for_window(lab, title, book.kernel_id)
    left, top = window["x"], window["y"]
    inside = (left + 200, top + 120)
    view.wait_for_colour(*inside, (255, 0, 0))
    book.screenshot(f"figure-{gui}")
    book.run(3)
    book.run(4)
    before = book.text(4)
    picture = view.image()
    view.drag(inside, (left + 330, top + 220))
    view.wait_for_change(picture, "the drag changed nothing to be seen")

    def zoomed() -> bool:
        book.run(4)
        return book.text(4) != before

    wait_for(zoomed, "the drag did not zoom the axes")
    book.screenshot(f"figure-{gui}-zoomed")


def test_glxgears_moves(notebook: Opener, lab: Lab) -> None:
    """A GLX program started by `%xdisplay run` turns its gears before the user's eyes."""
    book = notebook([START, "%xdisplay run glxgears"])
    book.run(0)
    book.run(1)
    view = view_of(book, 0)
    wait_for_window(lab, "glxgears", book.kernel_id)
    view.wait_for_change(view.image(), "glxgears does not move")
    book.screenshot("glxgears")


def test_trailing_ampersand(notebook: Opener, lab: Lab) -> None:
    """`!xeyes &` starts a program in the background, and its eyes follow the pointer."""
    book = notebook([START, "!xeyes -geometry 300x200+400+200 &"])
    book.run(0)
    book.run(1)
    view = view_of(book, 0)
    window = wait_for_window(lab, "xeyes", book.kernel_id)
    x, y = window["x"], window["y"]
    view.move(x - 150, y + 100)
    looking_left = eyes(view, window)
    view.move(x + 450, y + 100)
    wait_for(
        lambda: differs(looking_left, eyes(view, window), pixels=100), "the eyes do not follow"
    )
    book.screenshot("xeyes")


def test_script_of_its_own(notebook: Opener, lab: Lab) -> None:
    """`!python script.py` with `plt.show()` opens its window although the kernel plots inline."""
    script = "import matplotlib.pyplot as plt; plt.figure('Child'); plt.show()"
    book = notebook([START, f'open("child.py", "w").write("""{script}""")', "!python child.py"])
    book.run(0)
    book.run(1)
    book.start_cell(2)
    wait_for_window(lab, "Child", book.kernel_id)


def test_typing_arrives(notebook: Opener) -> None:
    """What is typed on national keyboards arrives in a Tk entry, whole and in order."""
    book = notebook([START, entry_cell("typed.txt")])
    book.run(0)
    book.run(1)
    entry = Entry(book, view_of(book, 0), "typed.txt")
    text = "héllo € привет Ωμέγα"
    entry.type(text)
    entry.wait_for_text(text)
    book.screenshot("typing")


def test_busy_kernel(notebook: Opener, lab: Lab) -> None:
    """While the cell sleeps, other programs move and take input, and the own figure says why."""
    book = notebook([START, FIGURE, entry_cell("busy.txt"), "import time; time.sleep(12)"])
    for index in range(3):
        book.run(index)
    view = view_of(book, 0)
    wait_for_window(lab, "Red", book.kernel_id)
    entry = Entry(book, view, "busy.txt")
    book.start_cell(3)
    wait_for(lambda: "program busy" in view.words(), "the view does not say 'program busy'")
    entry.type("abc")
    entry.wait_for_text("abc")
    book.screenshot("busy")
    assert book.cell(3).locator(".jp-InputPrompt").first.inner_text() == "[*]:"
    wait_for(lambda: "program busy" not in view.words(), "still said to be busy", 40)


def test_photograph_rests_exactly(notebook: Opener, lab: Lab) -> None:
    """A photograph moves as JPEG, and once it rests every pixel of the canvas is the display's."""
    book = notebook([START, PHOTOGRAPH, "figure.canvas.manager.toolbar.pan()"])
    for index in range(3):
        book.run(index)
    view = view_of(book, 0)
    window = wait_for_window(lab, "Photograph", book.kernel_id)
    wait_for(lambda: view.pixels() == lab.screenshot(book.kernel_id), "it does not become exact")
    book.screenshot("photograph-at-rest")
    middle = window["x"] + 450, window["y"] + 300
    before = view.pixels()
    view.move(*middle)
    view.page.mouse.down()
    for step in range(1, 13):
        view.move(middle[0] - 12 * step, middle[1] + 5 * step)
    wait_for(lambda: differs(before, view.pixels()), "the drag moved nothing")
    book.screenshot("photograph-dragged")
    view.page.mouse.up()
    wait_for(
        lambda: view.pixels() == lab.screenshot(book.kernel_id), "it is not exact after the drag"
    )


def eyes(view: View, window: dict[str, int]):
    """The part of the picture where xeyes is."""
    x, y = window["x"], window["y"]
    return view.image().crop((x, y, x + window["width"], y + window["height"]))
