"""SysV shared memory, as MIT-SHM takes it (shmget(2), shmop(2), shmctl(2))."""

from __future__ import annotations

import ctypes
import os
import weakref

import numpy as np
from numpy.typing import NDArray

IPC_PRIVATE = 0
IPC_CREAT = 0o1000
IPC_RMID = 0
OURS_ONLY = 0o600
FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
_libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
_libc.shmat.restype = ctypes.c_void_p
_libc.shmdt.argtypes = [ctypes.c_void_p]
_libc.shmctl.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]


class SharedMemory:
    """A segment that an X server of the same user can attach.

    It is marked for removal as soon as it is attached here: a process that is killed leaves
    nothing behind (facts 32). Linux lets others attach a marked segment by its id while somebody
    holds it (shmat(2)).

    Parameters
    ----------
    size
        Bytes.

    Raises
    ------
    OSError
        When the system gives no segment: the limit of its number or size (proc_sys_kernel(5)).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.id: int = _libc.shmget(IPC_PRIVATE, size, IPC_CREAT | OURS_ONLY)
        if self.id < 0:
            raise _error("shmget")
        address = _libc.shmat(self.id, None, 0)
        failure = _error("shmat") if address == FAILED else None
        _libc.shmctl(self.id, IPC_RMID, None)
        if failure is not None:
            raise failure
        block = (ctypes.c_ubyte * size).from_address(address)
        # The views keep the block alive: memory is never taken away under an array.
        weakref.finalize(block, _libc.shmdt, address)
        self._view: NDArray[np.uint8] | None = np.frombuffer(memoryview(block).cast("B"), np.uint8)

    @property
    def view(self) -> NDArray[np.uint8]:
        """All bytes. Arrays made from it stay valid after `close`."""
        assert self._view is not None, "closed"
        return self._view

    def close(self) -> None:
        """Give the memory back once no array uses it any more. Idempotent."""
        self._view = None


def _error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")
