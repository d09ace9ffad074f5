"""`%xdisplay` in a real kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel.kernel_process import KernelProcess, Starter, picture


def test_start_shows_a_line_and_a_view(kernel: KernelProcess) -> None:
    """One line tells what runs; one output has view, picture, text, and the display's id."""
    cell = kernel.ok("%xdisplay desktop --size 800x600")
    assert cell.text.startswith("Display 'main' on :")
    assert "800x600 · Xvfb + software GL + builtin · kept by this process" in cell.text
    (shown,) = cell.data
    assert shown["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert picture(shown).size == (800, 600)
    display_id = kernel.value("__import__('jupyter_xdisplay').display().id").strip("'")
    assert shown["metadata"]["jupyter_xdisplay"]["display_id"] == display_id
    assert shown["transient"]["display_id"]


def test_start_again_is_the_same_display(display: KernelProcess) -> None:
    """A second `%xdisplay` is about the same display, a size resizes it."""
    display.ok("first = d.id")
    cell = display.ok("%xdisplay --size 640x480")
    assert len(cell.data) == 1
    assert display.value("(xd.display().id == first, tuple(d.size))") == "(True, (640, 480))"
    assert "keeps its 96 dpi" in display.ok("%xdisplay --dpi 120").text


def test_the_api_shows_too(display: KernelProcess) -> None:
    """`d` at the end of a cell shows the view; `show` shows it once more."""
    assert len(display.ok("d").data) == 1
    assert len(display.ok("d.show()").data) == 1
    assert len(display.ok("%xdisplay desktop").data) == 1


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ("--size 0x0", "UsageError", "use at least 64x64"),
        ("--size 99999x99999", "UsageError", "use at most 3840x2160"),
        ("--size abc", "UsageError", "such as 1280x720"),
        ("--dpi 1", "UsageError", "from 20 to 1000"),
        ("--dpi ten", "UsageError", "such as 96"),
        ("--name 'a/b'", "UsageError", "cannot name a display"),
        ("statsu", "UsageError", "%xdisplay status"),
        ("stop", "DisplayNotFound", "%xdisplay start"),
        ("show --name sim", "DisplayNotFound", "%xdisplay start --name sim"),
        ("gui foo", "UsageError", "tk, qt, gtk, wx, auto, off"),
        ("run no-such-program", "ProgramMissing", "not installed"),
        ("run ./no-such-file", "UsageError", "no file ./no-such-file"),
        ("stop --yes", "UsageError", "--force --yes"),
    ],
)
def test_mistakes_fail_without_a_traceback(
    shared_kernel: KernelProcess, line: str, kind: str, says: str
) -> None:
    """A mistake fails the cell with one clear message, and starts nothing."""
    cell = shared_kernel.fails(f"%xdisplay {line}", kind)
    assert says in cell.traceback
    assert shared_kernel.ok("%xdisplay list").text.startswith("No display yet.")


def test_a_file_that_cannot_be_run(kernel: KernelProcess, tmp_path: Path) -> None:
    """A path to a file without execute permission: the error names the command that gives it."""
    file = tmp_path / "script.sh"
    file.touch(0o644)
    assert f"chmod +x {file}" in kernel.fails(f"%xdisplay run {file}", "UsageError").traceback


def test_a_missing_known_program_names_its_package(kernel: KernelProcess) -> None:
    """For well-known programs the error is the command that installs them."""
    kernel.ok("import os; path = os.environ['PATH']; import shutil")
    kernel.ok("import jupyter_xdisplay.kernel.programs as p; w = shutil.which")
    kernel.ok("p.shutil.which = lambda n, path=None: None if n == 'glxgears' else w(n, path=path)")
    assert "mesa-utils" in kernel.fails("%xdisplay run glxgears", "ProgramMissing").traceback


def test_run_starts_a_display_and_a_program(kernel: KernelProcess) -> None:
    """`run` starts a display where none runs, and returns when the window is there."""
    cell = kernel.ok("%xdisplay run xeyes -geometry 200x100+10+10")
    assert "Display 'main' on :" in cell.words
    kernel.ok("import jupyter_xdisplay as xd; d = xd.display()")
    assert "xeyes" in kernel.value("d.windows()")


def test_run_survives_an_interrupt(display: KernelProcess) -> None:
    """Interrupting the kernel does not end a program."""
    display.ok("%xdisplay run xeyes")
    display.manager.interrupt_kernel()
    display.ok("import time; time.sleep(0.2)")
    assert display.value("len(d.windows())") == "1"


def test_run_shows_output_and_exit_status(display: KernelProcess) -> None:
    """A program that ends at once shows its output; with an error, its exit status too."""
    assert "hello" in display.ok("%xdisplay run echo hello").text
    error = display.fails("%xdisplay run sh -c 'echo bad >&2; exit 3'", "StartFailed")
    assert "exit status 3" in error.traceback
    assert "bad" in error.traceback


def test_run_on_another_display(display: KernelProcess) -> None:
    """`run --name` starts a program on that display, whichever is current."""
    display.ok("other = xd.display(name='sim'); xd.display()")
    display.ok("%xdisplay run --name sim xeyes")
    assert display.value("(len(d.windows()), len(other.windows()))") == "(0, 1)"


def test_status_and_list(display: KernelProcess) -> None:
    """`status` tells what runs and why, windows and changes; `list` marks the current one."""
    display.ok("%xdisplay run xeyes")
    text = display.ok("%xdisplay status").result
    for word in ("Xvfb", "builtin", "xeyes", "MPLBACKEND removed", "GUI event loop", "96 dpi"):
        assert word in text
    display.ok("xd.display(name='sim')")
    cell = display.ok("%xdisplay list")
    assert "* sim" in cell.result
    assert "  main" in cell.result
    assert "<table>" in cell.data[0]["data"]["text/html"]


def test_snapshot(display: KernelProcess, tmp_path: Path) -> None:
    """`snapshot` shows a picture or writes a file; a bad file is told."""
    assert picture(display.ok("%xdisplay snapshot").data[0]).size == (1280, 720)
    display.ok(f"%xdisplay snapshot {tmp_path}/screen.jpg")
    assert (tmp_path / "screen.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert ".png" in display.fails(f"%xdisplay snapshot {tmp_path}/x.abc", "UsageError").traceback
    display.fails("%xdisplay snapshot /no/such/directory/x.png", "UsageError")


def test_resize(display: KernelProcess) -> None:
    """`resize` changes the screen; a size beyond the largest is told."""
    assert "800x600 now" in display.ok("%xdisplay resize 800x600").text
    assert display.value("tuple(d.size)") == "(800, 600)"
    display.fails("%xdisplay resize 9999x9999", "UsageError")


def test_a_display_that_died_is_replaced(display: KernelProcess) -> None:
    """After the X server's death the next cell says so, and `%xdisplay` starts a new one."""
    display.ok("first = d.id; import json, os, pathlib, signal")
    display.ok(
        "file = pathlib.Path(d.known_info.socket).with_name('connection.json')\n"
        "os.kill(json.loads(file.read_text())['pids']['Xvfb'], signal.SIGKILL)"
    )
    display.wait_for("d.info.state == 'ended'")
    display.ok("pass")  # the first cell from then on says it, and switches away
    assert display.value("'DISPLAY' in os.environ") == "False"
    cell = display.ok("%xdisplay")
    assert "had ended" in cell.text
    assert "A new one was started." in cell.text
    assert display.value("xd.display().id != first") == "True"


def test_two_displays(display: KernelProcess) -> None:
    """Stopping the current display switches back to the one before."""
    display.ok("import os; main = os.environ['DISPLAY']")
    display.ok("%xdisplay --name sim")
    assert display.value("os.environ['DISPLAY'] != main") == "True"
    display.ok("%xdisplay stop")
    assert display.value("os.environ['DISPLAY'] == main") == "True"
    display.ok("xd.display(name='sim')")
    display.ok("%xdisplay stop --all")
    assert display.value("'DISPLAY' in os.environ") == "False"
    assert display.ok("%xdisplay list").text.startswith("No display yet.")


def test_no_server_that_answers(start_kernel: Starter, tmp_path: Path) -> None:
    """With a server extension that does not answer, the display runs in the kernel, and says so."""
    kernel = start_kernel(
        JUPYTER_XDISPLAY_SOCKET=str(tmp_path / "gone.sock"), JUPYTER_XDISPLAY_CAPABILITY="x"
    )
    cell = kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay")
    assert "not usable" in cell.text
    assert "kept by this process" in cell.words


def test_doctor(kernel: KernelProcess) -> None:
    """`%xdisplay doctor` prints the report."""
    assert "Xvfb" in kernel.ok("%xdisplay doctor").text
