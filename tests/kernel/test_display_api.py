"""`jupyter_xdisplay.display()` in plain Python scripts, without IPython."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.kernel.kernel_process import REPOSITORY

SCRIPT_TIMEOUT_S = 60
WAIT = """
import time
def wait_for(what):
    for _ in range(400):
        if what(): return
        time.sleep(0.05)
    raise AssertionError("in vain")
"""


def script(code: str, *, status: int = 0) -> str:
    """Run a script in a process of its own; return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", WAIT + "import jupyter_xdisplay as xd\n" + textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=SCRIPT_TIMEOUT_S,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout


def test_with_a_display(leftovers: Path) -> None:
    """Inside `with` the environment is set; afterwards display and changes are gone."""
    script(
        """
        import os
        before = dict(os.environ)
        with xd.display(size=(800, 600)) as d:
            assert d.size == (800, 600)
            assert os.environ["DISPLAY"] == d.info.display
            d.run("xeyes")
            wait_for(d.windows)
            assert d.snapshot().size == (800, 600)
            assert d.resize("640x480") == d.size == (640, 480)
            assert "running" in repr(d)
        assert d.info.state == "ended"
        assert dict(os.environ) == before
        """
    )


def test_nested_displays(leftovers: Path) -> None:
    """Inside an inner `with` its display is current, afterwards the outer one again."""
    script(
        """
        import os
        with xd.display() as outer:
            with xd.display(name="inner") as inner:
                assert os.environ["DISPLAY"] == inner.info.display
            assert os.environ["DISPLAY"] == outer.info.display
        """
    )


def test_an_error_inside_with_ends_the_display(leftovers: Path) -> None:
    """An exception passes through, and the display is gone."""
    script(
        """
        try:
            with xd.display() as d:
                raise KeyError
        except KeyError:
            assert d.info.state == "ended"
        """
    )


def test_a_script_that_just_ends(leftovers: Path) -> None:
    """Nothing is left when a script ends without stopping its display."""
    script("xd.display().run('xeyes')")


def test_a_script_that_is_killed(leftovers: Path) -> None:
    """Nothing is left when it is killed with -9."""
    script("import os; xd.display().run('xeyes'); os.kill(os.getpid(), 9)", status=-9)


def test_a_script_with_own_windows(leftovers: Path) -> None:
    """A script that draws itself comes to its end in order: its X server outlives it."""
    script(
        """
        import tkinter
        with xd.display() as d:
            root = tkinter.Tk(); root.update()
        assert d.info.state == "parked"
        root.update()
        """
    )


def test_forked_children_cannot_end_it(leftovers: Path) -> None:
    """A forked child has no hold on the parent's displays, and can have its own."""
    script(
        """
        import os, multiprocessing
        def child():
            try:
                d.stop()
            except xd.errors.UsageError:
                pass
            else:
                raise AssertionError
            with xd.display(name="mine") as mine:
                assert mine.info.state == "running"
        import jupyter_xdisplay.errors
        with xd.display() as d:
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start(); process.join()
            assert process.exitcode == 0
            if os.fork() == 0:
                raise SystemExit  # leaves `with` in the child
            os.wait()
            assert d.info.state == "running"
        """
    )


def test_run_returns_a_popen(leftovers: Path) -> None:
    """`run` takes a list or a line and options for Popen, and returns the process."""
    script(
        """
        import subprocess, os
        with xd.display() as d:
            popen = d.run(["sh", "-c", "echo $DISPLAY"], stdout=subprocess.PIPE)
            assert popen.stdout.read().decode().strip() == d.info.display
            assert popen.wait() == 0
            assert d.run("sh -c 'exit 3'").wait() == 3
            other = xd.display(name="other")
            popen = d.run("sh -c 'echo $DISPLAY'", stdout=subprocess.PIPE)
            assert popen.stdout.read().decode().strip() == d.info.display
            for bad in ("no-such-program", []):
                try:
                    d.run(bad)
                except (xd.errors.ProgramMissing, xd.errors.UsageError):
                    continue
                raise AssertionError(bad)
        try:
            d.run("xeyes")
        except xd.errors.DisplayEnded as error:
            assert "It was stopped" in str(error)
        """.replace("import subprocess, os", "import subprocess, os, jupyter_xdisplay.errors")
    )


@pytest.mark.parametrize("size", ["abc", "0x0", (1,), (1, "a"), 5, (99999, 99999)])
def test_bad_sizes(root: Path, size: object) -> None:
    """Sizes that make no sense are refused before or at the start, and nothing is left."""
    script(
        f"""
        from jupyter_xdisplay.errors import UsageError
        try:
            xd.display(size={size!r})
        except UsageError as error:
            assert error.fix
        else:
            raise AssertionError
        """
    )


def test_show_needs_a_notebook(leftovers: Path) -> None:
    """`show` in a script says what to do instead."""
    script(
        """
        from jupyter_xdisplay.errors import UsageError
        with xd.display() as d:
            try:
                d.show()
            except UsageError as error:
                assert ".snapshot(FILE)" in error.fix
        """
    )


def test_in_terminal_ipython(leftovers: Path, tmp_path: Path) -> None:
    """In IPython without a kernel `%xdisplay` prints its line; errors show no traceback."""
    code = "%load_ext jupyter_xdisplay\n%xdisplay\n!xeyes &\n%xdisplay list\n%xdisplay gui foo"
    result = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "--simple-prompt"],
        input=code + "\n",
        check=False,
        capture_output=True,
        text=True,
        timeout=SCRIPT_TIMEOUT_S,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "IPYTHONDIR": str(tmp_path)},
    )
    assert "Display 'main' on :" in result.stdout
    assert "* main" in result.stdout
    assert "'foo' is no GUI toolkit" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
