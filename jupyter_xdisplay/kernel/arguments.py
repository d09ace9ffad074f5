"""What `%xdisplay` understands: one parser for each subcommand. No IPython in here."""

from __future__ import annotations

import argparse
import difflib
import shlex
import shutil
from typing import Any, NoReturn

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.spec import RUNTIMES, STREAMS

SUBCOMMANDS = (
    "start",
    "desktop",
    "show",
    "inline",
    "capture",
    "stop",
    "status",
    "list",
    "snapshot",
    "resize",
    "vnc",
    "gui",
    "run",
    "doctor",
)
"""In the order in which help shows them."""

HELP = """\
%xdisplay: windows that code opens, live in the notebook.

    %xdisplay                     start a display for this kernel (if none runs): each window that
                                  code opens from now on appears under its cell
    %xdisplay start [--size WxH] [--name NAME] [--dpi N] [--stream builtin|x11vnc] [--max-inline N]
                    [--runtime local|docker] [--container NAME]
    %xdisplay desktop             the whole desktop, under this cell
    %xdisplay show                the windows that are open now, once more, under this cell
    %xdisplay inline [on|off] [--max-inline N]
                                  whether windows appear under their cells
    %%xdisplay capture [--wait SECONDS]
                                  run this cell; leave pictures of the windows that it opened
    %xdisplay run PROGRAM …       start a program on it, such as: %xdisplay run glxgears
    %xdisplay gui [tk|qt|gtk|wx|auto|off]
                                  the toolkit for plt.show(); off: matplotlib draws inline again
    %xdisplay snapshot [FILE]     a picture of the screen, here or in a file
    %xdisplay resize WxH          another size in pixels
    %xdisplay vnc [--port N] [--listen ADDRESS] [--password TEXT] [--view-only] [--stop]
                                  a port for VNC viewers, on this machine only unless asked
    %xdisplay status              everything about it: what runs and why, windows, environment
    %xdisplay list                all displays of this kernel
    %xdisplay stop [--all] [--force] [--yes]
                                  close it and put back what was changed in this kernel
    %xdisplay doctor              check programs, X, OpenGL, toolkits and the server extension

Every subcommand takes --name NAME, for a display other than the current one, and --help.
"""


class HelpRequested(Exception):
    """Not an error: the user asked for help, which is the message."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, subcommand: str, description: str) -> None:
        super().__init__(
            f"%xdisplay {subcommand}",
            description=description,
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", fix=_usage(self))


def parser(subcommand: str) -> argparse.ArgumentParser:
    """Return the parser of one subcommand."""
    result = _Parser(subcommand, _DESCRIPTIONS[subcommand])
    if subcommand == "run":
        result.usage = "%%xdisplay run [-h] [--name NAME] PROGRAM [ARGUMENT …]"
    for names, options in _ARGUMENTS[subcommand]:
        result.add_argument(*names, **options)
    return result


def option_names(subcommand: str) -> list[str]:
    """Return the options of a subcommand, long names only."""
    return sorted(
        name
        for action in parser(subcommand)._actions  # noqa: SLF001
        for name in action.option_strings
        if name.startswith("--")
    )


def parse(line: str) -> tuple[str, argparse.Namespace]:
    """Read the line after `%xdisplay`; return the subcommand and its arguments.

    Raises
    ------
    UsageError
        When it is not understood; `fix` names the nearest that would be.
    HelpRequested
        When it asks for help.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line!r} cannot be read: {error}.", fix="close the quotes") from error
    subcommand = "start"
    if words and not words[0].startswith("-"):
        subcommand, words = _known(words[0], words[1:]), words[1:]
    elif words and words[0] in {"-h", "--help"}:
        raise HelpRequested(HELP)
    return subcommand, _parse_words(subcommand, words)


def _parse_words(subcommand: str, words: list[str]) -> argparse.Namespace:
    reader = parser(subcommand)
    own = words
    if subcommand == "run":
        count = _count_own_words(words)
        own = words[:count]
    if "-h" in own or "--help" in own:
        raise HelpRequested(reader.format_help())
    arguments, unknown = reader.parse_known_args(own)
    if unknown:
        raise _unknown(reader, subcommand, unknown)
    if subcommand == "run":
        arguments.program = words[len(own) :]
        if not arguments.program:
            reader.error("name a program")
    return arguments


def _count_own_words(words: list[str]) -> int:
    """Return how many words stand before the program: our options and their values."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        if words[index] == "--":
            del words[index]
            break
        index += 2 if words[index] == "--name" else 1
    return min(index, len(words))


def _known(word: str, rest: list[str]) -> str:
    if word in SUBCOMMANDS:
        return word
    if word == "help":
        raise HelpRequested(HELP)
    is_program = shutil.which(word) is not None
    close = difflib.get_close_matches(word.lower(), SUBCOMMANDS, 1, 0.8 if is_program else 0.6)
    if close:
        fix = f"did you mean: %xdisplay {' '.join([close[0], *rest])}"
    elif is_program:
        fix = f"to start the program: %xdisplay run {' '.join([word, *rest])}"
    else:
        fix = "use one of " + ", ".join(SUBCOMMANDS)
    raise UsageError(f"%xdisplay has no subcommand {word!r}.", fix=fix)


def _unknown(reader: argparse.ArgumentParser, subcommand: str, words: list[str]) -> UsageError:
    options = [word for word in words if word.startswith("-")]
    if not options:
        return UsageError(f"{reader.prog} does not take {words[0]!r}.", fix=_usage(reader))
    name = options[0].split("=")[0]
    close = difflib.get_close_matches(name, option_names(subcommand), 1, 0.5)
    return UsageError(
        f"{reader.prog} has no option {name}.",
        fix=f"did you mean {close[0]}?" if close else _usage(reader),
    )


def _usage(reader: argparse.ArgumentParser) -> str:
    return " ".join(reader.format_usage().removeprefix("usage: ").split())


_NAME = (("--name",), {"metavar": "NAME", "help": "the display (default: the current one)"})

_MAX_INLINE = (
    ("--max-inline",),
    {"metavar": "N", "help": "most windows with a view at one time (default: 32)"},
)

_Arguments = list[tuple[tuple[str, ...], dict[str, Any]]]
_DISPLAY: _Arguments = [
    (("--size",), {"metavar": "WxH", "help": "width and height in pixels, such as 1280x720"}),
    (("--name",), {"metavar": "NAME", "help": "its name (default: main)"}),
    (("--dpi",), {"metavar": "N", "help": "dots per inch that programs are told"}),
    (
        ("--stream",),
        {
            "metavar": "|".join(STREAMS),
            "help": "the RFB server: our own (the default, fast), or x11vnc (compatible)",
        },
    ),
    (
        ("--runtime",),
        {
            "metavar": "|".join(RUNTIMES),
            "help": "where its X server runs: on this machine, or in a container of its own "
            "(default: beside this kernel)",
        },
    ),
    (
        ("--container",),
        {
            "metavar": "NAME",
            "help": "the container whose programs it is for (default: the one this kernel is in)",
        },
    ),
]
_ARGUMENTS: dict[str, _Arguments] = {
    "start": [*_DISPLAY, _MAX_INLINE],
    "desktop": _DISPLAY,
    "show": [_NAME],
    "inline": [
        (
            ("switch",),
            {"metavar": "on|off", "nargs": "?", "choices": ("on", "off"), "help": "default: on"},
        ),
        _MAX_INLINE,
        _NAME,
    ],
    "stop": [
        _NAME,
        (("--all",), {"action": "store_true", "help": "all displays of this kernel"}),
        (
            ("--force",),
            {
                "action": "store_true",
                "help": "also when it ends this kernel's own process; asks first",
            },
        ),
        (("--yes",), {"action": "store_true", "help": "with --force: do not ask"}),
    ],
    "status": [_NAME],
    "list": [],
    "snapshot": [
        (("file",), {"metavar": "FILE", "nargs": "?", "help": "where to write it (.png, .jpg)"}),
        _NAME,
    ],
    "resize": [
        (("size",), {"metavar": "WxH", "help": "width and height in pixels, such as 1280x720"}),
        _NAME,
    ],
    "vnc": [
        (
            ("--port",),
            {"metavar": "N", "help": "TCP port (default: the first free one from 5900 on)"},
        ),
        (
            ("--listen",),
            {
                "metavar": "ADDRESS",
                "help": "an IP address of this machine that others may connect to; needs "
                "--password (default: 127.0.0.1, this machine only)",
            },
        ),
        (
            ("--password",),
            {"metavar": "TEXT", "help": "6 to 8 characters (default: a random one is made)"},
        ),
        (("--view-only",), {"action": "store_true", "help": "viewers may only look"}),
        (("--stop",), {"action": "store_true", "help": "close it and disconnect its viewers"}),
        _NAME,
    ],
    "gui": [
        (
            ("toolkit",),
            {"metavar": "tk|qt|gtk|wx|auto|off", "nargs": "?", "help": "without: say which runs"},
        ),
    ],
    "capture": [
        (("--wait",), {"metavar": "SECONDS", "help": "between the cell's end and the pictures"}),
        _NAME,
    ],
    "run": [_NAME],
    "doctor": [],
}
_DESCRIPTIONS = {
    "start": "Start a display (or take the one of that name) and switch to it. Each window that\n"
    "code opens from then on appears under its cell.",
    "desktop": "Show a whole display under this cell; started first, where none runs.",
    "show": "Show the windows that are open now once more, under this cell.",
    "capture": "Run a cell, and leave a picture of each window that it opened, without views: for\n"
    "nbconvert, and wherever nobody looks. Stands before the whole cell: %%%%xdisplay capture",
    "inline": "Let windows appear under their cells, or no longer.",
    "stop": "Close a display and put back what was changed in this kernel.\n\n"
    "A display that this kernel's own process has windows on (matplotlib with Tk, pygame) is\n"
    "parked until the kernel ends, because its end would end the process. --force ends both.",
    "status": "Show everything about a display: what runs and why, windows, environment.",
    "list": "List all displays of this kernel.",
    "snapshot": "Show a picture of the screen, or write it to FILE.",
    "resize": "Give the screen another size in pixels.",
    "vnc": "Open a TCP port for VNC viewers on a display, or close it.\n\n"
    "It asks for a password and listens on this machine only; ssh brings it to others. It is\n"
    "closed when the display is stopped. VNC is not encrypted.",
    "gui": "Choose the GUI toolkit for plt.show(), whose windows are served between cells.",
    "run": "Start a program on a display. Options for us stand before it, all else is its own.\n\n"
    "It runs on its own: interrupting or restarting a cell does not end it. Its output is shown\n"
    "when it ends at once.",
    "doctor": "Check programs, X, OpenGL, toolkits and the server extension; say what mends them.",
}
