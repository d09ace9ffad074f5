"""matplotlib's windows and the GUI event loop."""

from __future__ import annotations

import pytest

from tests.kernel.kernel_process import KernelProcess, Starter
from tests.system_packages import SYSTEM_PACKAGES, skip_where_missing

SHOW = "import matplotlib.pyplot as plt; plt.figure('{0}'); plt.plot([1, 4, 9]); plt.show()"
PLOT = SHOW.format("One")
TOOLKITS = pytest.mark.parametrize("toolkit", ["tk", "qt", "gtk", "wx"])


def gui(toolkit: str) -> str:
    """Return the cell that chooses a toolkit."""
    cell = f"import sys; sys.path.append({str(SYSTEM_PACKAGES)!r})\n%xdisplay gui {toolkit}"
    skip_where_missing(cell)
    return cell


def titled(title: str) -> str:
    """Return the expression that finds a window."""
    return f"[w for w in d.windows() if w.title == {title!r}]"


def test_show_opens_a_window_and_returns(display: KernelProcess) -> None:
    """In one cell: `plt.show()` after `%xdisplay` returns at once, the window is there."""
    assert display.value("'matplotlib' in __import__('sys').modules") == "False"
    display.ok(PLOT)
    display.wait_for(titled("One"))
    assert display.value("plt.get_backend().lower() in {'tkagg', 'qtagg'}") == "True"


@TOOLKITS
def test_toolkits(display: KernelProcess, toolkit: str) -> None:
    """Each toolkit shows figures that redraw between cells."""
    assert toolkit in display.ok(gui(toolkit)).text
    display.ok(PLOT)
    display.wait_for(titled("One"))
    assert display.value("plt.get_backend().lower()").replace("3", "") == f"'{toolkit}agg'"
    # Drawn by the event loop alone: nothing in these cells draws.
    display.ok("plt.gcf().set_facecolor('#12fe34'); plt.draw()")
    display.wait_for("(0x12, 0xfe, 0x34) in {c for _, c in d.snapshot().getcolors(2**24)}")


@TOOLKITS
def test_many_quick_cells(display: KernelProcess, toolkit: str) -> None:
    """Cells that follow each other at once all come to their end, and print nothing strange."""
    display.ok(gui(toolkit))
    display.ok(PLOT)
    assert [display.ok(f"print({i})").text for i in range(80)] == [f"{i}\n" for i in range(80)]


@TOOLKITS
def test_windows_answer_while_a_cell_awaits(display: KernelProcess, toolkit: str) -> None:
    """A cell that awaits something does not stop the event loop."""
    display.ok(gui(toolkit))
    display.ok(PLOT)
    display.ok(
        "import asyncio\n"
        "plt.gcf().set_facecolor('#12fe34'); plt.draw()\n"
        "for _ in range(100):\n"
        "    await asyncio.sleep(0.05)\n"
        "    if (0x12, 0xfe, 0x34) in {c for _, c in d.snapshot().getcolors(2**24)}: break\n"
        "else: raise AssertionError"
    )


def test_pyplot_before_the_display(kernel: KernelProcess) -> None:
    """With pyplot imported before, and inline plots: from `%xdisplay` on it opens windows."""
    kernel.ok("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1]);")
    kernel.ok("fig, ax = plt.subplots(num='Before'); ax.plot([3, 4])\n%xdisplay")
    kernel.ok("import jupyter_xdisplay as xd; d = xd.display(); ax.plot([5, 6]); plt.show()")
    kernel.wait_for(titled("Before"))
    kernel.ok("import io; fig.savefig(io.BytesIO())")


def test_a_backend_that_the_user_chose(display: KernelProcess) -> None:
    """`matplotlib.use` before pyplot's import wins."""
    display.ok("import matplotlib; matplotlib.use('svg'); import matplotlib.pyplot as plt")
    assert display.value("plt.get_backend().lower()") == "'svg'"


def test_a_toolkit_that_the_user_chose(display: KernelProcess) -> None:
    """`matplotlib.use('QtAgg')` before pyplot's import gets Qt's event loop: show returns."""
    display.ok("import matplotlib; matplotlib.use('QtAgg')\n" + PLOT)
    display.wait_for(titled("One"))
    assert "qt (PySide6)" in display.ok("%xdisplay gui").text


def test_off_draws_inline_again(display: KernelProcess) -> None:
    """`gui off` closes the windows; their figures and new ones are drawn inline."""
    display.ok(PLOT)
    display.wait_for(titled("One"))
    cell = display.ok("%xdisplay gui off")
    assert any("image/png" in shown["data"] for shown in cell.data)
    assert "image/png" in display.ok("plt.plot([1, 2]);").data[0]["data"]
    display.ok("%xdisplay gui tk\n" + SHOW.format("Two"))
    display.wait_for(titled("Two"))


def test_off_before_matplotlib_is_imported(display: KernelProcess) -> None:
    """`gui off` holds for a matplotlib that is imported later."""
    display.ok("%xdisplay gui off")
    assert "image/png" in display.ok(PLOT).data[0]["data"]


def test_a_second_toolkit_is_refused(display: KernelProcess) -> None:
    """Another toolkit beside open windows: a clear error that says what to do."""
    display.ok(PLOT)
    cell = display.fails("%xdisplay gui qt", "UsageError")
    assert "restart the kernel, then: %xdisplay gui qt" in cell.traceback
    display.wait_for(titled("One"))


def test_qt_cannot_be_left(display: KernelProcess) -> None:
    """A Qt application stays for the life of the kernel: Tk is refused even without windows."""
    display.ok("%xdisplay gui qt")
    display.ok(PLOT + "\nplt.close('all')")
    assert "restart the kernel" in display.fails("%xdisplay gui tk", "UsageError").traceback


def test_tk_without_windows_can_be_left(display: KernelProcess) -> None:
    """With no figure open, Tk's loop can still be exchanged for Qt's."""
    display.ok("%xdisplay gui tk\n%xdisplay gui qt\n" + PLOT)
    display.wait_for(titled("One"))


def test_no_toolkit(start_kernel: Starter) -> None:
    """Without any toolkit `%xdisplay` warns with the command that adds one; `gui` fails with it."""
    kernel = start_kernel()
    kernel.ok("import jupyter_xdisplay.kernel.gui.toolkits as t; t.TOOLKITS = ()")
    cell = kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay")
    assert "No GUI toolkit can be imported" in cell.text
    assert "install" in cell.text
    assert (
        "pip install PySide6-Essentials"
        in kernel.fails("%xdisplay gui qt", "ToolkitMissing").traceback
    )
    kernel.ok("import matplotlib.pyplot as plt")


def test_imported_in_a_thread(display: KernelProcess) -> None:
    """When a worker thread imports pyplot, the loop starts in the main thread: at the next cell."""
    display.ok(
        "import threading\n"
        "t = threading.Thread(target=lambda: __import__('matplotlib.pyplot'))\n"
        "t.start(); t.join()"
    )
    display.ok(PLOT)
    display.wait_for(titled("One"))
