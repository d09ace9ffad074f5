"""`%%xdisplay capture`: pictures of what a cell opened, and no views."""

from __future__ import annotations

from typing import Any

from tests.kernel.iopub import VIEW, Published, execute
from tests.kernel.kernel_process import Cell, KernelProcess, picture
from tests.kernel.test_inline import RED, colours


def test_capture_leaves_pictures_only(kernel: KernelProcess) -> None:
    """`%%xdisplay capture` needs no display before; an error in the cell fails it, told once."""
    kernel.ok("import subprocess")
    cell = kernel.ok(f"%%xdisplay capture\nchild = subprocess.Popen({RED})\nprint('ran')")
    (shown,) = [one for one in cell.data if "image/png" in one["data"]]
    assert (255, 0, 0) in colours(picture(shown))
    assert VIEW not in shown["data"]
    assert "ran" in cell.text
    failed = kernel.run("%%xdisplay capture\n1 / 0")
    assert [error["ename"] for error in failed.errors][:1] == ["ZeroDivisionError"]
    assert sum(bool(error["traceback"]) for error in failed.errors) == 1
    wrong = kernel.fails("%xdisplay capture", "UsageError")
    assert "%%xdisplay capture" in wrong.traceback


def pictures_of(cell: Cell) -> list[dict[str, Any]]:
    """Return the pictures in a cell."""
    return [one for one in cell.data if "image/png" in one["data"]]


def test_capture_of_figures(kernel: KernelProcess) -> None:
    """Each cell has its own figure, and the next one begins anew, as with plots inline."""
    kernel.ok("import matplotlib.pyplot as plt")
    first = kernel.ok("%%xdisplay capture\nplt.plot([1, 2]); plt.show()")
    second = kernel.ok("%%xdisplay capture\nplt.plot([2, 1]); plt.show()")
    assert len(pictures_of(first)) == len(pictures_of(second)) == 1
    assert kernel.value("plt.get_fignums()") == "[]"
    assert picture(pictures_of(first)[0]) != picture(pictures_of(second)[0])


def test_capture_of_several_programs(kernel: KernelProcess, front_end: Published) -> None:
    """One of them is slow; one that is too late gets no view either."""

    def started(seconds: float) -> str:
        return f"subprocess.Popen(['sh', '-c', 'sleep {seconds}; exec \"$@\"', 'x', *{RED}])"

    programs = ", ".join(map(started, (0, 0.3, 4)))
    cell = kernel.ok(f"%%xdisplay capture\nchildren = [{programs}]")
    assert len(pictures_of(cell)) == 2
    late = execute(kernel, "while len(d.windows()) < 3: time.sleep(0.1)\ntime.sleep(0.5)")
    kernel.ok("1")
    assert not front_end.views(late)
    assert all(
        VIEW not in one["data"] for one in front_end.outputs.values() if "Window" in str(one)
    )
