"""`!program &` in a kernel."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.kernel.background import METHOD, BackgroundCalls, split_background
from tests.kernel.kernel_process import KernelProcess


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("glxgears &", "glxgears"),
        ("glxgears&  ", "glxgears"),
        ("cd /tmp && xeyes &", "cd /tmp && xeyes"),
        ("a & b &", "a & b"),
        ("(sleep 1; xeyes) &", "(sleep 1; xeyes)"),
        ("x > /dev/null 2>&1 &", "x > /dev/null 2>&1"),
        ("echo '#' \"&\" &", "echo '#' \"&\""),
        ("echo a#b &", "echo a#b"),
    ],
)
def test_a_trailing_ampersand_is_found(command: str, rest: str) -> None:
    """A real trailing `&` is taken off."""
    assert split_background(command) == rest


@pytest.mark.parametrize(
    "command",
    [
        "",
        "&",
        "ls",
        "ls &&",
        "ls |&",
        "ls >&",
        "ls <&",
        "ls ; &",
        "echo 'a &",
        'echo "a &',
        "echo a \\&",
        "ls # later &",
        "# &",
        "echo `x &",
    ],
)
def test_everything_else_is_left_alone(command: str) -> None:
    """Other operators, quotes, escapes and comments are no background."""
    assert split_background(command) is None


@given(st.text(alphabet="ab '\"\\&|;#<>()`$\n", max_size=30))
def test_any_text_is_read(command: str) -> None:
    """No text makes it fail, and what is left is shorter by the `&` and spaces only."""
    rest = split_background(command)
    if rest is not None:
        assert command.rstrip()[:-1].rstrip() == rest


@pytest.mark.parametrize(
    ("code", "rewritten"),
    [
        ("get_ipython().system('x &')", True),
        ("f = lambda: get_ipython().system('x &')", True),
        ("get_ipython().system('x')", False),
        ("get_ipython().system('x &&')", False),
        ("get_ipython().getoutput('x &')", False),
        ("other().system('x &')", False),
        ("get_ipython().system(command)", False),
    ],
)
def test_only_such_calls_are_rewritten(code: str, rewritten: bool) -> None:
    """Of all code, only IPython's own form of `!program &` changes."""
    tree = BackgroundCalls().visit(ast.parse(code))
    assert (METHOD in ast.unparse(tree)) is rewritten


def test_a_program_in_the_background(display: KernelProcess) -> None:
    """`!xeyes &` returns at once, its window appears, and no zombie is left after its end."""
    display.ok("!xeyes &")
    display.wait_for("d.windows()")
    display.ok("import os; pid = d.windows()[0].pid")
    assert display.value("os.getsid(pid) == os.getsid(0)") == "False"
    display.ok("os.kill(pid, 15)")
    display.wait_for("not os.path.exists(f'/proc/{pid}')")


def test_variables_are_expanded(display: KernelProcess) -> None:
    """Python variables in `!… &` are expanded, those of a function too."""
    code = "def start(where):\n    !touch $where/global {where}/braces &\nimport tempfile\n"
    display.ok(code + "folder = tempfile.mkdtemp()\nstart(folder)")
    display.wait_for("sorted(__import__('os').listdir(folder)) == ['braces', 'global']")
    display.ok("import shutil; shutil.rmtree(folder)")


def test_stop_takes_it_back(display: KernelProcess) -> None:
    """After `%xdisplay stop` ipykernel refuses a trailing `&` as before."""
    display.ok("%xdisplay stop")
    assert "not supported" in display.run("!xeyes &").error["evalue"]
