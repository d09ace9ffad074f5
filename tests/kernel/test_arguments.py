"""What `%xdisplay` understands, and what it says to the rest."""

from __future__ import annotations

import pytest

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.kernel.arguments import SUBCOMMANDS, HelpRequested, option_names, parse


def test_start_may_be_left_out() -> None:
    """`%xdisplay --size 800x600` starts a display."""
    subcommand, options = parse("--size 800x600 --name sim --dpi=120")
    assert subcommand == "start"
    assert (options.size, options.name, options.dpi) == ("800x600", "sim", "120")
    assert parse("")[0] == "start"


def test_options_after_the_program_are_its_own() -> None:
    """`run` takes our options before the program; everything behind it belongs to it."""
    _, options = parse("run --name sim glxgears -info --name x --help")
    assert options.name == "sim"
    assert options.program == ["glxgears", "-info", "--name", "x", "--help"]
    assert parse("run -- --odd")[1].program == ["--odd"]
    assert parse("run xterm -e 'echo a b'")[1].program == ["xterm", "-e", "echo a b"]


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("statsu", "%xdisplay status"),
        ("Stop", "%xdisplay stop"),
        ("sh -c ls", "%xdisplay run sh -c ls"),
        ("qwertz", "use one of start"),
        ("--siez 3x3", "--size"),
        ("stop --forse", "--force"),
        ("status now", "%xdisplay status [-h]"),
        ("start --size", "%xdisplay start [-h] [--size WxH]"),
        ("resize", "WxH"),
        ("run", "PROGRAM"),
        ("run --name sim", "PROGRAM"),
        ("snapshot 'a", "close the quotes"),
    ],
)
def test_mistakes_name_the_nearest(line: str, fix: str) -> None:
    """Each mistake is a UsageError that shows what would be right."""
    with pytest.raises(UsageError) as caught:
        parse(line)
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_every_subcommand_has_help(subcommand: str) -> None:
    """`--help` tells what a subcommand does, and each of its options."""
    with pytest.raises(HelpRequested) as caught:
        parse(f"{subcommand} --help")
    text = str(caught.value)
    assert f"%xdisplay {subcommand}" in text
    assert all(name in text for name in option_names(subcommand))


def test_help_names_every_subcommand() -> None:
    """`%xdisplay --help` lists them all."""
    with pytest.raises(HelpRequested) as caught:
        parse("--help")
    assert all(f"%xdisplay {name}" in str(caught.value) for name in SUBCOMMANDS)
