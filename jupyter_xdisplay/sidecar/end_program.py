"""Ending a program that a user no longer wants to wait for."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

GRACE_S = 2.0
"""How long a program may take to end by itself; a stopped one never does."""


def open_process(pid: int) -> int | None:
    """Return a descriptor of a process of this user (pidfd_open(2)), None where it is none.

    Unlike a pid it is never another process by the time that it is used.
    """
    if pid <= 1:
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return None
    with suppress(OSError):
        if Path(f"/proc/{pid}").stat().st_uid == os.geteuid():
            return fd
    os.close(fd)
    return None


async def end_process(fd: int) -> None:
    """Send TERM, and KILL after `GRACE_S` to one that is still there; close its descriptor.

    Cancelled, as at the end of the sidecar, it sends KILL at once.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        signal.pidfd_send_signal(fd, signal.SIGTERM)
        await asyncio.wait_for(ended.wait(), GRACE_S)
    except (ProcessLookupError, asyncio.TimeoutError):
        pass
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
        loop.remove_reader(fd)
        os.close(fd)
