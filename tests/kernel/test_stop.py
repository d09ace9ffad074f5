"""`%xdisplay stop`: what is put back, and what happens while the kernel is connected."""

from __future__ import annotations

import pytest

from tests.kernel.kernel_process import KernelProcess
from tests.waiting import wait_until

FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9]); plt.show()"
IN_KERNEL = "import tkinter; root = tkinter.Tk(); root.update()"


def test_stop_ends_the_display(display: KernelProcess) -> None:
    """A display that the kernel is not connected to ends, with the programs on it."""
    display.ok("%xdisplay run xeyes")
    assert "is stopped" in display.ok("%xdisplay stop").text
    assert display.value("d.info.state") == "'ended'"
    assert "has ended" in display.run("d.snapshot()").error["evalue"]


def test_stop_parks_while_the_kernel_is_connected(display: KernelProcess) -> None:
    """With own windows the kernel lives on, figures are closed, plots are inline again."""
    display.ok(FIGURE)
    display.ok("%xdisplay run xeyes")
    cell = display.ok("%xdisplay stop")
    assert "stays parked until this kernel ends" in cell.text
    assert display.value("plt.get_fignums()") == "[]"
    assert display.value("'inline' in plt.get_backend()") == "True"
    assert display.value("d.info.windows") == "()"
    display.ok("plt.figure()")
    assert display.is_alive()
    assert "parked" in display.ok("%xdisplay list").result


def test_a_parked_display_comes_back(display: KernelProcess) -> None:
    """`%xdisplay` takes a parked display into use again, with matplotlib's windows."""
    display.ok(FIGURE)
    display.ok("number = d.known_info.display\n%xdisplay stop\n%xdisplay")
    assert display.value("xd.display().known_info.display == number") == "True"
    display.ok("plt.figure('Again'); plt.show()")
    display.wait_for("[w for w in d.windows() if w.title == 'Again']")


def test_force_says_the_price_and_asks(display: KernelProcess) -> None:
    """`--force` names the price; without a clear yes nothing is ended."""
    display.ok(IN_KERNEL)
    cell = display.run("%xdisplay stop --force", answer="no")
    assert "with all variables" in cell.text
    assert cell.error["ename"] == "KernelConnected"
    assert display.is_alive()
    assert display.value("d.info.state") == "'parked'"


def test_force_where_nobody_can_be_asked(display: KernelProcess) -> None:
    """Without a prompt (nbclient) the error names `--yes`."""
    display.ok(IN_KERNEL)
    cell = display.run("%xdisplay stop --force")
    assert "%xdisplay stop --force --yes" in cell.error["evalue"]
    assert display.is_alive()


@pytest.mark.parametrize("answer", ["y", None])
def test_force_ends_both(display: KernelProcess, answer: str | None) -> None:
    """After a yes, or with `--yes`, the X server ends, and with it the kernel that is connected."""
    display.ok(IN_KERNEL)
    line = "%xdisplay stop --force" + (" --yes" if answer is None else "")
    assert display.run(line, answer=answer).status == "ok"
    display.client.execute("root.update()")
    wait_until(lambda: not display.is_alive(), "the kernel outlived its X server")
