"""Windows inline, as a front end is told of them: in which cell, and what is left of them."""

from __future__ import annotations

import ast
import json
import sys
from typing import Any

import pytest
from PIL import Image

from tests.kernel.iopub import VIEW, Published, execute
from tests.kernel.kernel_process import KernelProcess, picture
from tests.waiting import wait_until

CODE = """
import tkinter
root = tkinter.Tk()
root.title("red")
root.configure(background="red")
tkinter.Label(root, text="text", bg="white").pack(padx=60, pady=60)
root.mainloop()
"""
RED = json.dumps([sys.executable, "-c", CODE])


def colours(image: Image.Image) -> set[Any]:
    """Return the colours in a picture."""
    return {colour for _, colour in image.getcolors(2**24) or []}


def test_a_window_is_shown_where_its_program_was_started(
    kernel: KernelProcess, front_end: Published
) -> None:
    """A program that opens its window late: its view is under the cell that started it."""
    first = execute(
        kernel, f"child = subprocess.Popen(['sh', '-c', 'sleep 1; exec \"$@\"', 'x', *{RED}])"
    )
    second = execute(kernel, "time.sleep(3)")
    (shown,) = front_end.wait_for_views(first, 1)
    assert not front_end.views(second)
    assert "red" in shown["data"]["text/plain"]
    assert shown["metadata"]["jupyter_xdisplay"]["window"] > 0


SLOW_MANAGER = """
import os, pathlib, signal, subprocess
def slow_manager():
    "Stop the window manager of this display for a moment."
    wanted = f"DISPLAY={os.environ['DISPLAY']}".encode()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, variables = (process / "comm").read_text(), (process / "environ").read_bytes()
        except OSError:
            continue
        if name.strip() == "openbox" and wanted in variables.split(b"\\0"):
            os.kill(int(process.name), signal.SIGSTOP)
            # Not a thread: pygame waits without releasing Python's lock.
            subprocess.Popen(["sh", "-c", f"sleep 0.4; kill -CONT {process.name}"])
            return
    raise AssertionError("no window manager")
"""


@pytest.mark.parametrize(
    ("gui", "code"),
    [
        (None, "import cv2; cv2.imshow('own', numpy.zeros((90, 90), 'uint8')); cv2.waitKey(1)"),
        (None, "import pygame; own = pygame.display.set_mode((90, 90))"),
        ("tk", "import tkinter; own = tkinter.Tk()"),
        (None, "%xdisplay gui tk\nimport tkinter; own = tkinter.Tk()"),
        ("qt", "from PySide6.QtWidgets import QLabel; own = QLabel('own'); own.show()"),
        ("qt", "plt.figure(); plt.show()"),
    ],
    ids=["cv2", "pygame", "tk", "tk-at-once", "qt", "matplotlib"],
)
def test_a_window_of_the_kernel_is_under_its_own_cell_when_all_are_run(
    kernel: KernelProcess, front_end: Published, gui: str | None, code: str
) -> None:
    """It opens at the cell's end, while the next cell waits already and openbox is busy."""
    kernel.ok(f"{SLOW_MANAGER}\nimport numpy")
    if gui is not None:
        kernel.ok(f"%xdisplay gui {gui}\nimport matplotlib.pyplot as plt")
    first = execute(kernel, f"slow_manager()\n{code}")
    second = execute(kernel, "time.sleep(1)")
    front_end.wait_for_views(first, 1)
    kernel.ok("1")
    assert not front_end.views(second)


def test_a_window_that_comes_after_its_cell_was_run_again(
    kernel: KernelProcess, front_end: Published
) -> None:
    """Front ends drop what comes for an earlier run: the view is under the last one."""
    late = f"child = subprocess.Popen(['sh', '-c', 'sleep 1; exec \"$@\"', 'x', *{RED}])"
    earlier = execute(kernel, late, "cell-1")
    again = execute(kernel, "1", "cell-1")
    front_end.wait_for_views(again, 1)
    assert not front_end.views(earlier)


def test_an_environment_that_another_cell_copied(
    kernel: KernelProcess, front_end: Published
) -> None:
    """The program belongs to the cell that started it, not to the one that made its environment."""
    copied = execute(kernel, "import os; env = dict(os.environ, COLOUR='red')")
    started = execute(kernel, f"child = subprocess.Popen({RED}, env=env)")
    front_end.wait_for_views(started, 1)
    assert not front_end.views(copied)


def test_show_shows_the_current_figure_here_too(
    kernel: KernelProcess, front_end: Published
) -> None:
    """Pyplot goes on in the figure of an earlier cell; `plt.show()` brings it under this one."""
    kernel.ok("import matplotlib.pyplot as plt")
    first = execute(kernel, "plt.plot([1, 2, 3]); plt.show()")
    (one,) = front_end.wait_for_views(first, 1)
    second = execute(kernel, "plt.plot([3, 2, 1]); plt.show(); plt.show()")
    (same,) = front_end.wait_for_views(second, 1)
    assert same["metadata"] == one["metadata"]
    assert len(front_end.views(first)) == 1


def test_a_window_without_a_mark_belongs_to_the_cell_of_its_start(
    kernel: KernelProcess, front_end: Published
) -> None:
    """A program whose environment was cleared is told by when it started."""
    variables = "{k: os.environ[k] for k in ('DISPLAY', 'XAUTHORITY', 'PATH', 'PYTHONPATH')}"
    code = f"import os; child = subprocess.Popen(['sh', '-c', 'sleep 1; exec \"$@\"', 'x', *{RED}]"
    first = execute(kernel, f"{code}, env={variables})")
    execute(kernel, "time.sleep(3)")
    front_end.wait_for_views(first, 1)


def test_while_its_cell_is_blocked(kernel: KernelProcess, front_end: Published) -> None:
    """The view comes while the cell that opened the window still runs."""
    cell = execute(kernel, f"child = subprocess.Popen({RED}); time.sleep(8)")
    front_end.wait_for_views(cell, 1)
    assert kernel.client.get_shell_msg(timeout=30)["content"]["status"] == "ok"


def test_a_closed_window_leaves_its_last_picture(
    kernel: KernelProcess, front_end: Published
) -> None:
    """In the same place, without a view and without a mark."""
    cell = execute(kernel, f"child = subprocess.Popen({RED})")
    front_end.wait_for_views(cell, 1)
    kernel.ok("child.kill(); child.wait()")
    wait_until(lambda: not front_end.views(cell))
    (left,) = front_end.of(cell)
    assert (255, 0, 0) in colours(picture(left))
    assert VIEW not in left["data"]
    assert left["metadata"] == {}


def test_a_figure_leaves_its_last_picture(kernel: KernelProcess, front_end: Published) -> None:
    """Matplotlib's own window in this process, closed by code: what it showed is still there."""
    kernel.ok("%xdisplay gui qt\nimport matplotlib.pyplot as plt")
    cell = execute(kernel, "plt.plot([1, 3, 2]); plt.show()")
    front_end.wait_for_views(cell, 1)
    kernel.ok("plt.pause(0.5); plt.close('all')")
    wait_until(lambda: not front_end.views(cell))
    (left,) = [one for one in front_end.of(cell) if "image/png" in one["data"]]
    assert len(colours(picture(left))) > 10


@pytest.mark.parametrize("gui", ["tk", "qt"])
def test_figures_come_in_the_order_in_which_they_were_made(
    kernel: KernelProcess, front_end: Published, gui: str
) -> None:
    """Tk shows the newest first."""
    kernel.ok(f"%xdisplay gui {gui}\nimport matplotlib.pyplot as plt")
    figures = "figures = [plt.figure(f'Figure {n}') for n in 'ABCDE']; plt.show()"
    shown = front_end.wait_for_views(execute(kernel, figures), 5)
    titles = ast.literal_eval(kernel.value("{w.id: w.title for w in d.windows()}"))
    found = [titles[one["metadata"]["jupyter_xdisplay"]["window"]] for one in shown]
    assert found == [f"Figure {n}" for n in "ABCDE"]


def test_a_cell_that_is_run_again_shows_its_windows_again(
    kernel: KernelProcess, front_end: Published
) -> None:
    """The front end drops the outputs of a cell that is run again; its windows are still open."""
    code = f"if 'child' not in globals(): child = subprocess.Popen({RED})"
    first = execute(kernel, code, "cell-1")
    (shown,) = front_end.wait_for_views(first, 1)
    other = execute(kernel, "1", "cell-2")
    again = execute(kernel, code, "cell-1")
    (same,) = front_end.wait_for_views(again, 1)
    assert same["metadata"]["jupyter_xdisplay"] == shown["metadata"]["jupyter_xdisplay"]
    assert not front_end.views(other)


def test_more_than_max_inline_are_held_back(kernel: KernelProcess, front_end: Published) -> None:
    """A line says which, and how to see it; it gives way to the view when there is room."""
    kernel.ok("%xdisplay inline --max-inline 1")
    first = execute(kernel, f"one = subprocess.Popen({RED})")
    front_end.wait_for_views(first, 1)
    second = execute(kernel, f"two = subprocess.Popen({RED})")
    wait_until(lambda: front_end.of(second))
    (told,) = front_end.of(second)
    assert "'red' is held back" in told["data"]["text/plain"]
    assert "--max-inline 2" in told["data"]["text/plain"]
    third = execute(kernel, f"three = subprocess.Popen({RED})")
    wait_until(lambda: front_end.of(third))
    kernel.ok("three.kill(); three.wait()")
    wait_until(lambda: "closed" in front_end.of(third)[0]["data"]["text/plain"])
    more = execute(kernel, "%xdisplay inline --max-inline 2")
    (shown,) = front_end.wait_for_views(second, 1)
    assert "held back" not in shown["data"]["text/plain"]
    assert not front_end.views(more)


def test_inline_off_and_on(kernel: KernelProcess, front_end: Published) -> None:
    """Off: the picture stays in place of the view, and new windows get none. `show` brings all."""
    first = execute(kernel, f"one = subprocess.Popen({RED})")
    front_end.wait_for_views(first, 1)
    kernel.ok("%xdisplay inline off")
    wait_until(lambda: not front_end.views(first))
    off = execute(kernel, f"two = subprocess.Popen({RED}); d.window('red'); time.sleep(1)")
    kernel.ok("1")
    assert not front_end.of(off)
    again = execute(kernel, "%xdisplay show")
    front_end.wait_for_views(again, 2)


def test_stop_leaves_pictures(kernel: KernelProcess, front_end: Published) -> None:
    """`stop` ends the programs; what they showed stays in their cells."""
    cell = execute(kernel, f"child = subprocess.Popen({RED})")
    front_end.wait_for_views(cell, 1)
    kernel.ok("%xdisplay stop")
    (left,) = front_end.of(cell)
    assert (255, 0, 0) in colours(picture(left))
    assert "JUPYTER_XDISPLAY_CELL" not in kernel.value("dict(__import__('os').environ)")


@pytest.mark.parametrize("run", ["subprocess.Popen", "d.run"])
def test_a_program_that_hangs_never_hangs_the_kernel(
    kernel: KernelProcess, front_end: Published, run: str
) -> None:
    """Cells run on while it is stopped (SIGSTOP), and all that can be asked answers.

    With the display one that we started ends; any other one when it goes on.
    """
    cell = execute(kernel, f"child = {run}({RED})")
    front_end.wait_for_views(cell, 1)
    kernel.ok("import os, signal; os.kill(child.pid, signal.SIGSTOP)")
    assert kernel.value("6 * 7") == "42"
    assert "red" in kernel.ok("%xdisplay status").words
    assert kernel.value("[w.title for w in d.windows()]") == "['red']"
    assert kernel.value("(255, 0, 0) in {c for _, c in d.snapshot().getcolors(2**24)}") == "True"
    window = "d.window('red').snapshot()"
    assert kernel.value(f"(255, 0, 0) in {{c for _, c in {window}.getcolors()}}") == "True"
    asked = kernel.run("d.window('red').close(timeout_s=0.5)")
    assert asked.error["ename"] == "WaitTimedOut"
    kernel.ok("%xdisplay show")
    kernel.ok("%xdisplay stop")
    assert kernel.value("d.info.state") == "'ended'"
    if run != "d.run":
        kernel.ok("os.kill(child.pid, signal.SIGCONT)")
    assert kernel.value("child.wait(20) != 0") == "True"
    wait_until(lambda: not front_end.views(cell))
    (shown,) = front_end.of(cell)
    assert (255, 0, 0) in colours(picture(shown))


WAITING = """
import sys, tkinter
sys.stdin.readline()
root = tkinter.Tk()
root.title(sys.argv[1])
root.configure(background="red")
tkinter.Label(root, text="text", bg="white").pack(padx=60, pady=60)
root.mainloop()
"""


def test_a_window_with_the_id_of_one_that_closed_just_now(
    kernel: KernelProcess, front_end: Published
) -> None:
    """X gives ids again: what is left of the former one does not end the new one's view."""
    programs = execute(
        kernel,
        f"""\
import sys, time
from jupyter_xdisplay.kernel.inline.windows import InlineWindows
picture = InlineWindows.picture
def slowly(self, window):
    time.sleep(0.5)  # longer than the former window's place is kept for it
    return picture(self, window)
InlineWindows.picture = slowly
def start(name):
    argv = [sys.executable, "-c", {WAITING!r}, name]
    return subprocess.Popen(argv, stdin=subprocess.PIPE)
waiting = [start(f"window {{number}}") for number in range(8)]
def show(number):
    if number:
        waiting[number - 1].kill()
        waiting[number - 1].wait()
    waiting[number].stdin.close()
""",
    )
    before = 0
    for number in range(8):
        kernel.ok(f"show({number}); time.sleep(2)")
        (shown,) = front_end.wait_for_views(programs, 1)
        assert f"window {number}" in shown["data"]["text/plain"]
        if (window := shown["metadata"]["jupyter_xdisplay"]["window"]) == before:
            return
        before = window
    pytest.fail("the X server gave no id again")
