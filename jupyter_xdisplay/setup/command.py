"""Says what is missing, asks, runs the plan and looks again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_xdisplay.setup.parts import Part, parts_with
from jupyter_xdisplay.setup.plan import Command, Plan, make_plan
from jupyter_xdisplay.setup.probe import gather, missing_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

Say = Callable[[str], object]


def run_setup(
    *,
    yes: bool = False,
    print_only: bool = False,
    optional: Iterable[str] = (),
    say: Say | None = None,
) -> int:
    """Install what is missing, after a yes; return the exit code.

    0: everything that is required or named in `optional` is there (or `print_only`). 1: some of
    it is missing still. Nothing is installed silently: the commands are shown before they run.

    Raises
    ------
    UsageError
        When a name in `optional` is none of an optional part.
    """
    say = say or _print
    parts = parts_with(optional)
    plan = make_plan(gather(parts))
    say(describe(plan))
    if not plan.missing or print_only:
        return 0
    if not plan.commands:
        return 1
    if not yes and not _agreed(say):
        return 1
    for command in plan.commands:
        _run(command, say)
    return _look_again(parts, say)


def describe(plan: Plan) -> str:
    """Return what is missing and the commands of a plan, for people."""
    if not plan.missing:
        return "Nothing is missing: every program and library that a display needs is there."
    lines = ["Missing:", *_table(plan.missing)]
    if plan.commands:
        lines += ["", "These commands install it:", *(f"    {item}" for item in plan.commands)]
    if plan.administrator:
        rest = "for what conda-forge does not have" if plan.manager == "conda" else "once"
        lines += ["", f"An administrator has to run, as root, {rest}:"]
        lines += [f"    {item}" for item in plan.administrator]
        lines += ["In an image: the same commands in a RUN line of its Dockerfile, as USER root."]
    if plan.without_package:
        lines += ["", "No package manager that is known here has a package for: "]
        lines[-1] += ", ".join(part.name for part in plan.without_package) + "."
        lines += ["Known ones: apt, dnf, apk, zypper and conda. Install these by other means."]
    return "\n".join(lines)


def _table(parts: Iterable[Part]) -> list[str]:
    """Return one line for each use; the names of parts that serve the same one are cut short."""
    uses: dict[str, list[Part]] = {}
    for part in parts:
        uses.setdefault(part.why, []).append(part)
    rows = {
        why: same[0].name if len(same) == 1 else f"{same[0].name} and {len(same) - 1} more"
        for why, same in uses.items()
    }
    width = max(map(len, rows.values()))
    return [
        f"    {names:{width}}  {why}{' (required)' if uses[why][0].required else ''}"
        for why, names in rows.items()
    ]


def _agreed(say: Say) -> bool:
    if not sys.stdin.isatty():
        say("\nNothing was installed: there is no terminal to ask. Run it with --yes.")
        return False
    try:
        answer = input("\nRun them now? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in {"y", "yes"}:
        return True
    say("Nothing was installed.")
    return False


def _run(command: Command, say: Say) -> None:
    """Run a command; where it fails, its packages one by one, so that one does not stop all."""
    if _succeeds(command, say) or len(command.packages) < 2:
        return
    say("That failed. Trying the packages one by one.")
    refused = [item.packages[0] for item in command.one_by_one() if not _succeeds(item, say)]
    if refused:
        say("Not installed: " + ", ".join(refused))


def _succeeds(command: Command, say: Say) -> bool:
    say(f"\n$ {command}")
    try:
        result = subprocess.run(command.full, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        say(f"{command.full[0]} cannot be run: {error.strerror or error}")
        return False
    return result.returncode == 0


def _look_again(parts: Iterable[Part], say: Say) -> int:
    left = missing_parts(parts)
    if not left:
        say("\nDone: nothing is missing any more. Next: jupyter xdisplay doctor")
        return 0
    say("\n".join(["", "Still missing:", *_table(left)]))
    if any(part.required or part.optional for part in left):
        return 1
    say("Displays work without these. Next: jupyter xdisplay doctor")
    return 0


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # before the output of the programs that run next
