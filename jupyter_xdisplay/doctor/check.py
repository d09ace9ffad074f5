"""One finding of the doctor, and the guard under which every check runs."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jupyter_xdisplay.errors import XDisplayError

if TYPE_CHECKING:
    from collections.abc import Callable

Status = Literal["ok", "problem", "note"]
"""ok; problem: something does not work and `fix` mends it; note: works, but worth knowing."""


@dataclass(frozen=True)
class Check:
    """What one check found: `detail` in one line, `fix` the command or step that mends it."""

    name: str
    status: Status
    detail: str
    fix: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return dataclasses.asdict(self)


def ok(name: str, detail: str) -> Check:
    """Return a finding that all is well."""
    return Check(name, "ok", detail)


def note(name: str, detail: str, fix: str | None = None) -> Check:
    """Return a finding that is worth knowing and breaks nothing."""
    return Check(name, "note", detail, fix)


def problem(name: str, detail: str, fix: str | None = None) -> Check:
    """Return a finding that something does not work."""
    return Check(name, "problem", detail, fix)


def guarded(
    name: str, check: Callable[[], Check | list[Check]], *, timeout_s: float = 20.0
) -> list[Check]:
    """Run `check` with a deadline; what it raises becomes a problem called `name`.

    It runs in a daemon thread, so that one that hangs (a dead network file system, say) holds
    nothing up. Checks that start programs have shorter deadlines of their own and end them.
    """
    found: list[Check] = []

    def run() -> None:
        try:
            result = check()
        except XDisplayError as error:
            found.append(problem(name, one_line(error), error.fix))
        except Exception as error:  # noqa: BLE001 - a check that breaks is a finding
            found.append(problem(name, f"the check failed: {type(error).__name__}: {error}"))
        else:
            found.extend(result if isinstance(result, list) else [result])

    thread = threading.Thread(target=run, name=f"doctor: {name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        return [problem(name, f"the check gave no answer within {timeout_s:g} s")]
    return found


def one_line(error: XDisplayError) -> str:
    """Return the message with the last line of the failed program's log."""
    message = error.message
    if error.log:
        message += f" Its last line: {error.log[-1].strip()}"
    return " ".join(message.split())
