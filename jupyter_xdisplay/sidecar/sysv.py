"""SysV shared memory that a killed program left: it outlives even the X server (facts 32)."""

from __future__ import annotations

import ctypes
from pathlib import Path

IPC_RMID = 0
TABLE = Path("/proc/sysvipc/shm")


def segments_of(creator_pid: int) -> list[int]:
    """Return the ids of the segments that a process made, from proc_sysvipc(5)."""
    try:
        rows = [line.split() for line in TABLE.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [int(row[1]) for row in rows if int(row[4]) == creator_pid]


def remove_segments(creator_pid: int) -> int:
    """Remove the segments of a process that has ended; return how many.

    Those that are still attached somewhere go when the last process detaches (shmctl(2)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    found = segments_of(creator_pid)
    return sum(libc.shmctl(segment, IPC_RMID, None) == 0 for segment in found)
