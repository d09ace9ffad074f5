"""What a test could leave behind: processes, X locks and sockets, SysV segments, files."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

X11_UNIX = Path("/tmp/.X11-unix")


class Traces(NamedTuple):
    """What is there now, each trace a short description."""

    processes: frozenset[str]
    displays: frozenset[str]
    segments: frozenset[str]
    files: frozenset[str]

    def __sub__(self, other: Traces) -> list[str]:
        return sorted(set().union(*self) - set().union(*other))


def traces(root: Path) -> Traces:
    """Return the traces that belong to the private directory `root`, or to nobody who lives."""
    return Traces(
        frozenset(_processes(root)),
        frozenset(_displays_of_the_dead()),
        frozenset(_segments_of_the_dead()),
        frozenset(str(path) for path in root.glob("*")),
    )


def processes_of(directory: Path) -> dict[int, str]:
    """Return pid and name of each process that has `directory` in its command line or cwd."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if _names(directory, command) or directory in _parents(process / "cwd"):
                found[int(process.name)] = (process / "comm").read_text().strip()
    found.pop(os.getpid(), None)
    return found


def _processes(root: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            told = command + (process / "environ").read_bytes()
            if _names(root, told) or any(
                root in _parents(link) for link in [process / "cwd", *(process / "fd").iterdir()]
            ):
                found.append(f"process {process.name}: {command[:200]!r}")
    return found


def _names(directory: Path, text: bytes) -> bool:
    return re.search(re.escape(os.fsencode(directory)) + rb"(/|\0|$)", text) is not None


def _parents(link: Path) -> list[Path]:
    with suppress(OSError):
        target = link.readlink()
        return [target, *target.parents]
    return []


def _displays_of_the_dead() -> list[str]:
    found = []
    for lock in Path("/tmp").glob(".X*-lock"):
        with suppress(OSError, ValueError):
            if not Path(f"/proc/{int(lock.read_text())}").exists():
                found.append(f"lock of a dead server: {lock}")
    for path in X11_UNIX.glob("X*"):  # with -displayfd Xvfb writes no lock: ask the socket
        with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                found.append(f"socket of a dead server: {path}")
    return found


def _segments_of_the_dead() -> list[str]:
    found = []
    for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
        row = line.split()
        if row[6] == "0" and not Path(f"/proc/{row[4]}").exists():
            found.append(f"SysV segment {row[1]} of process {row[4]}")
    return found
