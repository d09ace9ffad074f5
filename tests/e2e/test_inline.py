"""Windows of every kind, under the cell that opened them: pixels, input, close."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.e2e.conftest import Opener
from tests.e2e.lab import Notebook, wait_for
from tests.e2e.toolkits import PROGRAMS, Program
from tests.e2e.view import View
from tests.system_packages import skip_where_missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

START = "%load_ext jupyter_xdisplay\n%xdisplay"
RED = (255, 0, 0)
GREEN = (0, 255, 0)


def window_of(book: Notebook, index: int) -> View:
    """Wait for the live view of a window in a cell."""
    view = View(book.page, book.cell(index).locator("[data-xdisplay-window]").first)
    view.host.wait_for(state="attached")
    view.host.scroll_into_view_if_needed()
    view.wait_until_live()
    return view


def is_running(book: Notebook, index: int) -> bool:
    """Tell whether a cell runs still."""
    return book.cell(index).locator(".jp-InputPrompt").first.inner_text() == "[*]:"


def wait_for_end(book: Notebook, index: int) -> None:
    """Wait until a cell has ended without an error."""
    wait_for(lambda: not is_running(book, index), f"cell {index} runs still: {book.text(index)}")
    assert "Traceback" not in book.text(index)


def last_picture(book: Notebook, index: int) -> Image.Image:
    """Wait until a picture has taken the place of the view; return it."""
    cell = book.cell(index)
    wait_for(lambda: cell.locator("[data-xdisplay-window]").count() == 0, "the view stays")
    image = cell.locator(".jp-RenderedImage img").first
    image.wait_for()
    image.scroll_into_view_if_needed()
    return image_of(image.screenshot())


def image_of(png: bytes) -> Image.Image:
    """Read a PNG."""
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_window_of_the_kernel_itself(notebook: Opener, program: Program) -> None:
    """It is under its cell, which still runs; a click changes it; its close ends the cell.

    What it showed last stays in its place.
    """
    skip_where_missing(program.before)
    book = notebook([START, program.before or "1", program.cell])
    book.run(0)
    book.run(1)
    book.start_cell(2)
    view = window_of(book, 2)
    width, height = view.size
    middle = width / 2, height / 2
    view.wait_for_colour(int(middle[0]), int(middle[1]), RED)
    assert is_running(book, 2)
    view.click(*middle)
    view.wait_for_colour(int(middle[0]), int(middle[1]), GREEN)
    assert is_running(book, 2)
    view.host.locator("[data-action=close]").click()
    wait_for_end(book, 2)
    left = last_picture(book, 2)
    assert left.getpixel((left.width // 2, left.height // 2)) == GREEN


def test_gymnasium(notebook: Opener) -> None:
    """A simulation with `render_mode="human"` moves while its cell runs."""
    cell = """\
import gymnasium
environment = gymnasium.make("CartPole-v1", render_mode="human")
environment.reset(seed=1)
for step in range(400):
    _, _, ended, *_ = environment.step(environment.action_space.sample())
    if ended:
        environment.reset()
environment.close()
"""
    book = notebook([START, cell])
    book.run(0)
    book.start_cell(1)
    view = window_of(book, 1)
    view.wait_for_change(view.image(), "the cart does not move")
    assert is_running(book, 1)
    book.screenshot("inline-gymnasium")
    wait_for_end(book, 1)
    assert len(last_picture(book, 1).getcolors(1 << 20) or []) > 2


@pytest.mark.parametrize(
    "cell",
    [
        "!xcalc &",
        "%xdisplay run xcalc",
        "import subprocess; child = subprocess.Popen(['xcalc'])",
        "!xcalc",
    ],
)
def test_a_program_of_its_own(notebook: Opener, cell: str) -> None:
    """However it was started: a click on a key of the calculator shows in its display."""
    book = notebook([START, cell])
    book.run(0)
    book.start_cell(1)
    view = window_of(book, 1)
    width, height = view.size
    before = view.image()
    view.click(width * 0.37, height * 0.72)  # a digit
    view.wait_for_change(before, "the calculator shows nothing new")
    assert is_running(book, 1) == (cell == "!xcalc")
    view.host.locator("[data-action=close]").click()
    last_picture(book, 1)
    wait_for_end(book, 1)


def test_glxgears(notebook: Opener) -> None:
    """A GLX program turns its gears under its cell, and ends when Escape is pressed."""
    book = notebook([START, "!glxgears &"])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_change(view.image(), "glxgears does not move")
    view.click(20, 20)
    book.page.keyboard.press("Escape")
    last_picture(book, 1)
    book.screenshot("inline-glxgears-ended")


def test_typing_into_an_xterm(notebook: Opener) -> None:
    """Keys go to the window that was clicked, and to no other."""
    cell = (
        "import subprocess\n"
        "for n in 'ab':\n    subprocess.Popen(['xterm', '-T', n, '-e', f'cat > {n}.txt'])"
    )
    book = notebook([START, cell, "print(repr(open('a.txt').read()), repr(open('b.txt').read()))"])
    book.run(0)
    book.run(1)
    hosts = book.cell(1).locator("[data-xdisplay-window]")
    wait_for(lambda: hosts.count() == 2, "there are not two windows")
    for place, text in ((0, "first"), (1, "second")):
        view = View(book.page, hosts.nth(place))
        view.wait_until_live()
        view.click(100, 100)
        view.type(text)
        book.page.keyboard.press("Enter")

    def both() -> bool:
        book.run(2)
        return sorted(book.text(2).split()) == [r"'first\n'", r"'second\n'"]

    wait_for(both, lambda: f"not typed: {book.text(2)}")


def test_the_wheel_turns_what_has_the_focus(notebook: Opener) -> None:
    """Over a window that was clicked it is the program's, and up is not down."""
    wheel = (
        "import subprocess, sys\n"
        "code = '''import tkinter\n"
        "root = tkinter.Tk(); root.geometry('300x200'); root.configure(background='blue')\n"
        "for button, colour in ((4, 'red'), (5, 'lime')):\n"
        "    root.bind(f'<Button-{button}>', lambda _, c=colour: root.configure(background=c))\n"
        "root.mainloop()'''\n"
        "subprocess.Popen([sys.executable, '-c', code])"
    )
    book = notebook([START, wheel])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.wait_for_colour(150, 100, (0, 0, 255))
    view.click(150, 100)
    wait_for(lambda: view.attribute("captured") == "true", "a click does not capture")
    for turn, colour in ((120, GREEN), (-120, RED)):
        book.page.mouse.wheel(0, turn)
        view.wait_for_colour(150, 100, colour)


def test_each_cell_has_its_own_window(notebook: Opener) -> None:
    """Two cells, a program each; after a third cell both are where they were."""
    book = notebook([START, "!xeyes &", "!xclock &", "print('third')"])
    for index in range(4):
        book.run(index)
    assert window_of(book, 1).words().strip().startswith("xeyes")
    assert window_of(book, 2).words().strip().startswith("xclock")
    for index, count in ((1, 1), (2, 1), (3, 0)):
        assert book.cell(index).locator("[data-xdisplay-window]").count() == count
    book.screenshot("inline-two")
