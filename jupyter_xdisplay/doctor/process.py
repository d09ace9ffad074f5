"""Programs that checks start: in a session of their own, ended with all they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Result(NamedTuple):
    """How a program ended: `status` as in subprocess, None when its deadline passed."""

    status: int | None
    output: str
    errors: str

    @property
    def how(self) -> str:
        """The end in words: exit status, signal or deadline."""
        if self.status is None:
            return "gave no answer in time"
        if self.status < 0:
            with suppress(ValueError):
                return f"was ended by {signal.Signals(-self.status).name}"
        return f"ended with status {self.status}"

    def last_line(self) -> str:
        """Return the last line that is not empty of what it wrote, errors first."""
        for text in (self.errors, self.output):
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return lines[-1]
        return ""


def run_program(
    argv: Sequence[str], *, timeout_s: float, environment: Mapping[str, str] | None = None
) -> Result:
    """Run a program to its end, or to its deadline.

    Raises
    ------
    OSError
        When it cannot be started.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=None if environment is None else dict(environment),
        start_new_session=True,
    )
    status: int | None = None
    try:
        output, errors = process.communicate(timeout=timeout_s)
        status = process.returncode
    except subprocess.TimeoutExpired:
        _end(process)
        output, errors = process.communicate()
    finally:
        if process.poll() is None:
            _end(process)
            process.wait()
    return Result(status, output, errors)


def run_python(
    *arguments: str, timeout_s: float, environment: Mapping[str, str] | None = None
) -> Result:
    """Run this Python with `arguments`."""
    return run_program([sys.executable, *arguments], timeout_s=timeout_s, environment=environment)


def parsed(result: Result) -> dict[str, Any]:
    """Return the JSON object in the last line of the output; empty where there is none."""
    lines = result.output.splitlines()
    with suppress(ValueError, IndexError):
        value = json.loads(lines[-1])
        if isinstance(value, dict):
            return value
    return {}


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
