"""Which checks there are, in their order, and how findings are written."""

from __future__ import annotations

import json
import platform
import textwrap
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_xdisplay import __version__, paths
from jupyter_xdisplay.doctor import programs, server, system
from jupyter_xdisplay.doctor.check import Check, guarded
from jupyter_xdisplay.doctor.containers import container_checks
from jupyter_xdisplay.doctor.known_messages import Explanation, explain
from jupyter_xdisplay.doctor.trial import trial_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BEFORE: tuple[tuple[str, Callable[[], Check | list[Check]]], ...] = (
    ("programs", programs.program_checks),
    ("libraries", programs.library_check),
    ("fonts", programs.font_check),
    ("open files", system.open_files_check),
    ("processes", system.processes_check),
    ("shared memory", system.shared_memory_check),
    (str(system.SOCKETS), system.socket_directory_check),
    ("X locks", system.stale_lock_check),
    ("private directory", system.runtime_directory_check),
)
_AFTER: tuple[tuple[str, Callable[[], Check | list[Check]]], ...] = (
    ("view", server.bundle_check),
    ("anywidget", server.anywidget_check),
    ("server extension", server.enabled_check),
    ("server", server.reachable_checks),
)

_COLOURS = {"ok": "32", "problem": "1;31", "note": "33"}
_NAME_WIDTH = 17


def iterate_checks() -> Iterator[Check]:
    """Yield the findings as they come. None of the checks raises; each has a deadline."""
    root_was_there = _root_is_there()
    try:
        for name, check in _BEFORE:
            yield from guarded(name, check)
        yield from trial_checks()
        for name, check in _AFTER:
            yield from guarded(name, check)
        yield from container_checks()
    finally:
        if not root_was_there:
            with suppress(Exception):
                paths.runtime_root().rmdir()  # only where it is empty


def run_checks() -> list[Check]:
    """Run all checks and return what they found."""
    return list(iterate_checks())


def exit_code(checks: Iterable[Check]) -> int:
    """Return 1 where there is a problem, else 0."""
    return int(any(check.status == "problem" for check in checks))


def report(checks: Iterable[Check] | None = None, *, color: bool = False) -> str:
    """Return the findings as text, one line each, a fix on the line below; runs all by default."""
    found = run_checks() if checks is None else list(checks)
    return "\n".join([header(), *(line(check, color=color) for check in found), summary(found)])


def to_json(checks: Iterable[Check]) -> str:
    """Return the findings as a JSON object: `version`, `ok` and `checks`."""
    found = list(checks)
    value = {
        "version": __version__,
        "ok": exit_code(found) == 0,
        "checks": [check.to_json() for check in found],
    }
    return json.dumps(value, indent=2)


def header() -> str:
    """Return the line about this package, Python and system."""
    system_name = platform.system()
    with suppress(OSError):
        system_name = platform.freedesktop_os_release().get("PRETTY_NAME", system_name)
    return f"jupyter_xdisplay {__version__}, Python {platform.python_version()}, {system_name}"


def line(check: Check, *, color: bool = False) -> str:
    """Return one finding as a line, its fix on the next."""
    status = f"{check.status:8}"
    if color:
        status = f"\x1b[{_COLOURS[check.status]}m{status}\x1b[0m"
    text = f"{status} {check.name:{_NAME_WIDTH}} {' '.join(check.detail.split())}"
    if check.fix:
        text += f"\n{'':9}{'to mend it' if check.status == 'problem' else 'if wanted'}: {check.fix}"
    return text


def summary(checks: Iterable[Check]) -> str:
    """Return the last line: how many of each."""
    count = Counter(check.status for check in checks)
    others = [
        f"{count[status]} {status}{'' if count[status] == 1 else 's'}"
        for status in ("problem", "note")
        if count[status]
    ]
    return ", ".join([f"{count['ok']} ok", *others])


def explanation_report(text: str) -> str:
    """Return what is known about messages, for people."""
    found = explain(text)
    if not found:
        return (
            "Nothing is known about this message. "
            "`jupyter xdisplay doctor` checks what messages mostly come from."
        )
    return "\n\n".join(map(_explanation, found))


def _explanation(item: Explanation) -> str:
    cause = textwrap.fill(item.cause, 92, initial_indent="    ", subsequent_indent="    ")
    return f"{item.title}\n{cause}\n    To mend it: {item.fix}"


def _root_is_there() -> bool:
    with suppress(Exception):
        return paths._configured_root().is_dir()  # noqa: SLF001 - the public one makes it
    return True
