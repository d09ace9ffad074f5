"""`jupyter xdisplay …`: Jupyter finds the program `jupyter-xdisplay` on PATH.

Each subcommand is one `Command` in `COMMANDS`: its arguments, and a function from the parsed
arguments to the exit code. The functions import what they need when they run.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_xdisplay import __version__
from jupyter_xdisplay.errors import XDisplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAM = "jupyter xdisplay"
USAGE_EXIT = 2
INTERRUPTED_EXIT = 130


@dataclass(frozen=True)
class Command:
    """A subcommand: `add_arguments` fills its parser, `run` returns the exit code."""

    name: str
    summary: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Names the nearest subcommand or option when one is unknown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **kwargs})

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        """Parse, naming the nearest option of the subcommand for an unknown one."""
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = getattr(known, "parser", self)
            parser.error(unknown_argument(unknown[0], parser.options()))
        return known

    def options(self) -> list[str]:
        """Return the long options."""
        strings = [name for action in self._actions for name in action.option_strings]
        return [name for name in strings if name.startswith("--")]

    def error(self, message: str) -> NoReturn:
        """Print the message and how to get help, without the usage block; exit with 2."""
        self.exit(USAGE_EXIT, f"{self.prog}: {message}\nTo see what there is: {self.prog} --help\n")


def unknown_argument(word: str, known: Sequence[str]) -> str:
    """Return the message about an unknown word, with the nearest known one."""
    kind = "option" if word.startswith("-") else "argument"
    return f"unknown {kind} {word!r}.{_suggestion(word.split('=', maxsplit=1)[0], known)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run `jupyter xdisplay` with `argv` (default: the command line); return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parser = make_parser()
        _check_command(parser, arguments)
        parsed = parser.parse_args(arguments)
        if parsed.run is None:
            parser.print_help()
            return 0
        return int(parsed.run(parsed))
    except XDisplayError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{PROGRAM}: interrupted\n")
        return INTERRUPTED_EXIT
    except BrokenPipeError:
        # The reader (`| head`) is gone: nothing more to say, and no second error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def make_parser() -> Parser:
    """Return the parser of all subcommands."""
    parser = Parser(
        prog=PROGRAM,
        description="Windows that notebook code opens, live in the notebook. "
        "In a notebook: %load_ext jupyter_xdisplay, then %xdisplay.",
    )
    parser.add_argument("--version", action="version", version=f"jupyter_xdisplay {__version__}")
    parser.set_defaults(run=None, parser=parser)
    subparsers = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND")
    for command in COMMANDS:
        sub = subparsers.add_parser(
            command.name, help=command.summary, description=command.description
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run, parser=sub)
    return parser


def _check_command(parser: Parser, arguments: Sequence[str]) -> None:
    names = [command.name for command in COMMANDS]
    first = arguments[0] if arguments else ""
    if first and not first.startswith("-") and first not in names:
        known = f" Known: {', '.join(names)}."
        parser.error(f"unknown subcommand {first!r}.{_suggestion(first, names) or known}")


def _suggestion(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def _add_doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--explain",
        nargs="?",
        const="-",
        metavar="TEXT",
        help="explain an error message instead; without TEXT it is read from standard input",
    )


def _doctor(arguments: argparse.Namespace) -> int:
    # Imported here, because each subcommand needs only its own.
    from jupyter_xdisplay.doctor import findings
    from jupyter_xdisplay.doctor.known_messages import explain

    if arguments.explain is not None:
        text = sys.stdin.read() if arguments.explain == "-" else arguments.explain
        _say(findings.explanation_report(text))
        return 0 if explain(text) else 1
    if arguments.json:
        found = findings.run_checks()
        _say(findings.to_json(found))
        return findings.exit_code(found)
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    _say(findings.header())
    found = []
    for check in findings.iterate_checks():
        found.append(check)
        _say(findings.line(check, color=color))
    _say(findings.summary(found))
    return findings.exit_code(found)


def _add_setup_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--yes", "-y", action="store_true", help="install without asking")
    group.add_argument(
        "--print", dest="print_only", action="store_true", help="show the commands, run none"
    )
    parser.add_argument(
        "--with",
        dest="optional",
        action="append",
        default=[],
        metavar="PART",
        help="install also this optional part: x11vnc, for %%xdisplay start --stream x11vnc",
    )


def _setup(arguments: argparse.Namespace) -> int:
    from jupyter_xdisplay.setup.command import run_setup

    return run_setup(
        yes=arguments.yes, print_only=arguments.print_only, optional=arguments.optional
    )


def _add_image_arguments(parser: argparse.ArgumentParser) -> None:
    from jupyter_xdisplay.containers import command

    command.add_arguments(parser)


def _image(arguments: argparse.Namespace) -> int:
    from jupyter_xdisplay.containers import command

    return command.run(arguments)


def _add_kernel_arguments(parser: argparse.ArgumentParser) -> None:
    from jupyter_xdisplay.containers import kernel_command

    kernel_command.add_arguments(parser)


def _kernel(arguments: argparse.Namespace) -> int:
    from jupyter_xdisplay.containers import kernel_command

    return kernel_command.run(arguments)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


COMMANDS: tuple[Command, ...] = (
    Command(
        "doctor",
        "check what works here, with the command that mends what does not",
        "Checks programs, a display that it starts and ends, OpenGL, toolkits, the server "
        "extension and the system's limits. Leaves nothing behind. Exit code 1 on a problem.",
        _add_doctor_arguments,
        _doctor,
    ),
    Command(
        "setup",
        "install the programs that displays need (Xvfb, openbox, fonts, OpenGL)",
        "Finds what is missing and installs it with apt, dnf, apk, zypper or conda. Shows the "
        "commands and asks first. Safe to repeat.",
        _add_setup_arguments,
        _setup,
    ),
    Command(
        "image",
        "build the image that displays of containers run in",
        "Builds it on the engine that DOCKER_HOST or a Docker context names, else on one of this "
        "machine.",
        _add_image_arguments,
        _image,
    ),
    Command(
        "kernel",
        "make, list and remove kernels that run in containers of your images",
        "Kernels in containers on the engine that DOCKER_HOST or a Docker context names, else on "
        "one of this machine, with their windows in the notebook. The images that they start from "
        "stay as they are.",
        _add_kernel_arguments,
        _kernel,
    ),
)


if __name__ == "__main__":
    sys.exit(main())
