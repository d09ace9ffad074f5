"""The program `jupyter-xdisplay`: arguments, typos, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_xdisplay import __version__
from jupyter_xdisplay.cli import COMMANDS, main

CLI = [sys.executable, "-m", "jupyter_xdisplay.cli"]


def run(*arguments, **options):
    """Run the program in a process of its own."""
    return subprocess.run(
        [*CLI, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_version():
    """`--version` prints it."""
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout.strip() == f"jupyter_xdisplay {__version__}"


def test_no_subcommand_shows_them_all():
    """Without a subcommand the help is shown, each subcommand with its summary."""
    result = run()
    assert result.returncode == 0
    assert "%load_ext jupyter_xdisplay" in result.stdout
    assert all(f"    {command.name} " in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_help_of_a_subcommand(command):
    """`SUBCOMMAND --help` describes it."""
    result = run(command.name, "--help")
    assert result.returncode == 0
    assert f"usage: jupyter xdisplay {command.name}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["doctr"], "unknown subcommand 'doctr'. Did you mean 'doctor'?"),
        (["stup"], "unknown subcommand 'stup'. Did you mean 'setup'?"),
        (["Doctor"], "unknown subcommand 'Doctor'. Did you mean 'doctor'?"),
        (["zzz"], "unknown subcommand 'zzz'. Known: doctor, setup, image, kernel."),
        (["--versoin"], "unknown option '--versoin'. Did you mean '--version'?"),
        (["doctor", "--jsn"], "unknown option '--jsn'. Did you mean '--json'?"),
        (["setup", "--prnt=1"], "unknown option '--prnt=1'. Did you mean '--print'?"),
        (["doctor", "extra"], "unknown argument 'extra'."),
        (["kernel", "add", "--gpu=all", "--image=a", "--name=a"], "Did you mean '--gpus'?"),
        (["kernel"], "arguments are required: ACTION"),
        (["setup", "--yes", "--print"], "not allowed with argument"),
    ],
)
def test_typos_name_the_nearest(arguments, message):
    """What is unknown is named with the nearest known one, without a traceback."""
    result = run(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_jupyter_finds_the_subcommand():
    """`jupyter xdisplay` runs it (the program is beside `jupyter`)."""
    folder = Path(sys.executable).parent
    if not (folder / "jupyter-xdisplay").exists():
        pytest.skip("the package's programs are not installed")
    result = subprocess.run(
        [folder / "jupyter", "xdisplay", "--version"],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.stdout.strip() == f"jupyter_xdisplay {__version__}"


def test_explain_a_message():
    """A message is explained, from the argument or from standard input."""
    message = "no display name and no $DISPLAY environment variable"
    from_argument = run("doctor", "--explain", message)
    from_input = run("doctor", "--explain", input=message)
    assert from_argument.returncode == 0
    assert from_argument.stdout == from_input.stdout
    assert "Tk has no display" in from_argument.stdout
    assert "To mend it: %load_ext jupyter_xdisplay" in from_argument.stdout


def test_explain_an_unknown_message():
    """What is not known is said, with exit code 1."""
    result = run("doctor", "--explain", "something else")
    assert result.returncode == 1
    assert "Nothing is known" in result.stdout


def test_reader_that_goes_away():
    """A pipe that is closed early (`| head`) gives no traceback."""
    result = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m jupyter_xdisplay.cli --help | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.stderr == ""


def test_main_returns_the_exit_code(capsys):
    """`main` can be called from Python."""
    assert main([]) == 0
    assert "subcommands" in capsys.readouterr().out


def test_nothing_heavy_is_imported():
    """The program starts without loading what only its subcommands need."""
    code = (
        "import sys, jupyter_xdisplay.cli; "
        "print([m for m in ('tornado', 'IPython', 'xcffib', 'jupyter_server') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert re.sub(r"\s", "", result.stdout) == "[]"
