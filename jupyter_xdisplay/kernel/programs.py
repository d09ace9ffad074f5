"""Programs on a display: started in their own session, reaped, their last output kept.

A session of its own keeps a program alive when the kernel is interrupted (facts 31).
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jupyter_xdisplay.errors import ProgramMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LOG_MAX = 8 * 1024 * 1024
"""Bytes of output after which a program's log starts anew."""

ENDED_S = 0.5
POLL_S = 0.01

_MESA = {"apt-get": "mesa-utils", "dnf": "mesa-demos", "apk": "mesa-demos", "zypper": "Mesa-demo-x"}
_X11_APPS = {"apt-get": "x11-apps"}
_PACKAGES: dict[str, dict[str, str]] = {
    "glxgears": {**_MESA, "dnf": "glx-utils"},
    "glxinfo": {**_MESA, "dnf": "glx-utils"},
    "es2gears_x11": _MESA,
    "vkcube": dict.fromkeys(("apt-get", "dnf", "apk"), "vulkan-tools"),
    "vulkaninfo": dict.fromkeys(("apt-get", "dnf", "apk"), "vulkan-tools"),
    "xterm": dict.fromkeys(("apt-get", "dnf", "apk", "zypper"), "xterm"),
    "xdotool": dict.fromkeys(("apt-get", "dnf", "apk", "zypper"), "xdotool"),
    "vglrun": {"dnf": "VirtualGL"},
    **{
        name: {**_X11_APPS, **dict.fromkeys(("dnf", "apk", "zypper"), name)}
        for name in ("xeyes", "xclock", "xcalc", "xlogo", "xload", "oclock")
    },
}
_INSTALL = {
    "apt-get": "apt-get install -y",
    "dnf": "dnf install -y",
    "apk": "apk add",
    "zypper": "zypper install -y",
}


@dataclass
class Program:
    """A program that was started here.

    `log` is its output (standard output and error together) in a file without a name, None where
    the output goes elsewhere.
    """

    arguments: list[str]
    popen: subprocess.Popen[bytes]
    log: IO[bytes] | None = None

    def last_lines(self, count: int = 12) -> list[str]:
        """Return the last lines of its output."""
        if self.log is None or self.log.closed:
            return []
        size = os.fstat(self.log.fileno()).st_size
        data = os.pread(self.log.fileno(), 64 * 1024, max(0, size - 64 * 1024))
        return data.decode(errors="replace").splitlines()[-count:]

    def trim(self) -> None:
        """Start the log anew where it has grown beyond `LOG_MAX` (the program appends)."""
        if self.log and not self.log.closed and os.fstat(self.log.fileno()).st_size > LOG_MAX:
            self.log.truncate(0)


_started: list[Program] = []


def find(name: str, environ: Mapping[str, str]) -> str:
    """Return the path of the program called `name`.

    Raises
    ------
    ProgramMissing
        When it is not on the PATH; `fix` is the command that installs it, where that is known.
    UsageError
        When `name` is a path to something that cannot be run.
    """
    path = shutil.which(name, path=environ.get("PATH"))
    if path is not None:
        return path
    if "/" in name:
        if Path(name).exists():
            raise UsageError(f"{name} cannot be run.", fix=f"chmod +x {shlex.quote(name)}")
        raise UsageError(f"There is no file {name}.", fix="give the path of a program")
    raise ProgramMissing(f"The program {name!r} is not installed.", fix=_install_command(name))


def _install_command(name: str) -> str:
    packages = _PACKAGES.get(name, {})
    prefix = "sudo " if os.geteuid() != 0 and shutil.which("sudo") else ""
    for manager, package in packages.items():
        if shutil.which(manager):
            return f"!{prefix}{_INSTALL[manager]} {package}"
    if packages:
        return "install the package " + " or ".join(dict.fromkeys(packages.values()))
    return f"install the package that has {name!r}, or give the path of the program"


def start(
    arguments: Sequence[str], environ: Mapping[str, str], *, keep_output: bool, **options: Any
) -> Program:
    """Start a program in its own session; a thread reaps it.

    Parameters
    ----------
    arguments
        The program and its arguments.
    environ
        Its whole environment.
    keep_output
        Whether its output goes to `Program.log`; else it goes where this process's output goes.
    options
        More options for `subprocess.Popen`.

    Raises
    ------
    ProgramMissing, UsageError
        As `find`, and when the system refuses to run it.
    """
    if not arguments:
        raise UsageError("no program was named.", fix="name one, such as glxgears")
    executable = find(arguments[0], environ)
    log: IO[bytes] | None = None
    if keep_output:
        log = tempfile.TemporaryFile(buffering=0, prefix="xdisplay-")  # noqa: SIM115
        # Appending, so that a log that is cut to nothing begins at its beginning again.
        fcntl.fcntl(log, fcntl.F_SETFL, fcntl.fcntl(log, fcntl.F_GETFL) | os.O_APPEND)
        options.update(stdout=log, stderr=subprocess.STDOUT)
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        popen = subprocess.Popen(
            [executable, *arguments[1:]], env=dict(environ), start_new_session=True, **options
        )
    except OSError as error:
        raise UsageError(f"{executable} cannot be run: {error.strerror}.") from error
    return _look_after(Program(list(arguments), popen, log))


def start_shell(command: str) -> Program:
    """Start a command of the shell in its own session, output to this process's own."""
    popen = subprocess.Popen(
        ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, start_new_session=True
    )
    return _look_after(Program([command], popen))


def started() -> list[Program]:
    """Return the programs started here that still run, or that failed; tidy the list."""
    for program in _started:
        program.trim()
    _started[:] = [program for program in _started if program.popen.poll() != 0]
    return list(_started)


def end_clients(pids: Iterable[int]) -> None:
    """End the programs started here that have one of these processes, and wait a moment for that.

    Asked like this they go without a word; one whose X connection is cut complains.
    """
    groups = set()
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            groups.add(os.getpgid(pid))
    asked = [program for program in _started if program.popen.pid in groups]
    for program in asked:
        _ask_to_end(program)
    end = time.monotonic() + ENDED_S
    while any(program.popen.poll() is None for program in asked) and time.monotonic() < end:
        time.sleep(POLL_S)


def _look_after(program: Program) -> Program:
    if not _started:
        atexit.unregister(_end_all)
        atexit.register(_end_all, os.getpid())
    started()
    _started.append(program)
    # Waits in its own thread, so that no zombie is left whatever the main thread does.
    threading.Thread(
        target=program.popen.wait, name=f"xdisplay-reap-{program.popen.pid}", daemon=True
    ).start()
    return program


def _end_all(owner_pid: int) -> None:
    """End what still runs when this process ends in order (not in forked children)."""
    if os.getpid() != owner_pid:
        return
    for program in _started:
        if program.popen.poll() is None:
            _ask_to_end(program)


def _ask_to_end(program: Program) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.popen.pid, signal.SIGTERM)
        os.killpg(program.popen.pid, signal.SIGCONT)  # one that is stopped would never hear it
