"""Cleaning up after a sidecar, or a server, that was killed."""

from __future__ import annotations

import json
import os
import select
import signal
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.paths import abandoned_directories, remove_directory
from jupyter_xdisplay.sidecar.config import CONNECTION_FILE_NAME
from jupyter_xdisplay.sidecar.sysv import remove_segments
from jupyter_xdisplay.sidecar.xserver import remove_lock


def reap() -> list[Path]:
    """Clean up every private directory whose owner is gone; return which."""
    found = abandoned_directories()
    for path in found:
        clean_up(path)
    return found


def clean_up(directory: Path) -> None:
    """Remove everything that a killed sidecar left; its helpers got TERM when it died."""
    if not directory.exists():
        return
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        left = json.loads((directory / CONNECTION_FILE_NAME).read_text())
        for name, pid in left["pids"].items():
            _end_left_over(name, pid, directory)
        remove_lock(left["display_number"], left["pids"]["Xvfb"])
    remove_directory(directory)


def _end_left_over(name: str, pid: int, directory: Path) -> None:
    """End a helper that still runs: it is ours if its open log is in this directory.

    A pid alone may be somebody else's by now.
    """
    with suppress(OSError):
        fd = os.pidfd_open(pid)
        try:
            log = Path(f"/proc/{pid}/fd/2").readlink()
            if directory in log.parents:
                _end_by_fd(fd)
        finally:
            os.close(fd)
    if name == "x11vnc" and not Path(f"/proc/{pid}").exists():
        remove_segments(pid)


def _end_by_fd(fd: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        signal.pidfd_send_signal(fd, number)
        if select.select([fd], [], [], 1.0)[0]:
            return
