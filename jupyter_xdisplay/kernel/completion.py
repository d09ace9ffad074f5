"""Tab completion for `%xdisplay`: pure, from the line up to the cursor to candidates."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.kernel.arguments import SUBCOMMANDS, option_names
from jupyter_xdisplay.kernel.gui.toolkits import GUI_NAMES
from jupyter_xdisplay.spec import RUNTIMES, STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = ("800x600", "1024x768", "1280x720", "1280x1024", "1600x900", "1920x1080", "3840x2160")
VALUES: dict[str, Sequence[str]] = {
    "--size": SIZES,
    "--stream": STREAMS,
    "--runtime": RUNTIMES,
    "--container": (),
    "--listen": ("127.0.0.1", "0.0.0.0"),  # noqa: S104 - offered; taken, it comes with a warning
    "--dpi": (),
    "--port": (),
    "--password": (),
    "--max-inline": ("8", "16", "32", "64", "128"),
    "--wait": ("0", "1", "2", "5", "10"),
}
"""What can follow an option; empty where that cannot be guessed."""


def complete(text_until_cursor: str, display_names: Sequence[str]) -> list[str]:
    """Return what can stand at the cursor.

    Parameters
    ----------
    text_until_cursor
        The line from its beginning (`%xdisplay …`, or `%%xdisplay …`: a cell to capture).
    display_names
        Names of the displays that there are.
    """
    words = text_until_cursor.split()
    current = "" if text_until_cursor[-1:].isspace() else words[-1]
    before = words[1:] if not current else words[1:-1]
    if words[0].startswith("%%") and not before:
        return [item for item in ("capture",) if item.startswith(current)]
    subcommand = next((word for word in before if not word.startswith("-")), None)
    candidates = _candidates(subcommand, before, current, display_names)
    return [item for item in candidates if item.startswith(current)]


def _candidates(
    subcommand: str | None, before: Sequence[str], current: str, display_names: Sequence[str]
) -> list[str]:
    previous = before[-1] if before else ""
    values = {**VALUES, "--name": display_names}
    if previous in values:
        return list(values[previous])
    if subcommand is None or before[:1] != [subcommand]:
        # `start` may be left out
        return [*([] if before else SUBCOMMANDS), *option_names("start")]
    if subcommand == "run":
        return _for_run(before[1:], current)
    if subcommand not in SUBCOMMANDS:
        return []
    options = [name for name in option_names(subcommand) if name not in before]
    return [*_positional(subcommand, len(before) - 1, current), *options]


def _positional(subcommand: str, given: int, current: str) -> list[str]:
    if given == 0 and subcommand == "gui":
        return [*GUI_NAMES, "auto", "off"]
    if given == 0 and subcommand == "inline":
        return ["on", "off"]
    if given == 0 and subcommand == "resize":
        return list(SIZES)
    if subcommand == "snapshot" and not current.startswith("-"):
        return _files(current)
    return []


def _for_run(before: Sequence[str], current: str) -> list[str]:
    index = 0
    while index < len(before) and before[index].startswith("-"):
        index += 2 if before[index] == "--name" else 1
    if index < len(before):
        return _files(current)  # an argument of the program
    if current.startswith("-"):
        return option_names("run")
    if "/" in current:
        return _files(current)
    return list(_programs(os.environ.get("PATH", "")))


def _files(current: str) -> list[str]:
    folder, _, _ = current.rpartition("/")
    directory = Path(folder or ("/" if current.startswith("/") else ".")).expanduser()
    prefix = current[: len(current) - len(current.rpartition("/")[2])]
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return []
    return [prefix + entry.name + ("/" if entry.is_dir() else "") for entry in entries]


@lru_cache(maxsize=4)
def _programs(path: str) -> tuple[str, ...]:
    names: set[str] = set()
    for folder in filter(None, path.split(os.pathsep)):
        try:
            names.update(
                entry.name for entry in os.scandir(folder) if os.access(entry.path, os.X_OK)
            )
        except OSError:
            continue
    return tuple(sorted(names))
