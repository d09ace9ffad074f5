"""Process 1 of a container: `python -m jupyter_xdisplay.sidecar.process_one`.

It holds the container's namespaces as long as its standard input is open, so that what runs in
them (sidecars, and a kernel beside them) comes and goes without it. It reaps processes whose
parent has ended, which pid_namespaces(7) gives to process 1, and ends in peace: all others are
asked to end first, within `GRACE_S`.

No process of the image can be looked into by others of its user (its programs cannot be read, so
Linux makes them so: prctl(2), PR_SET_DUMPABLE; a kernel beside it has the same user and PIDs). With
`OPEN_VARIABLE` this one can: the programs of a container that was joined reach the X server's
socket through /proc/PID/root.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

OPEN_VARIABLE = "XDISPLAY_OPEN"
PR_SET_DUMPABLE = 4

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GRACE_S = 1.5
STEP_S = 0.02


def main() -> None:
    """Hold until the end of standard input, or a signal to end."""
    if OPEN_VARIABLE in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write)
    for number in (*ENDING, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # process 1 gets none that it does not handle
    _wait(wake_read)
    if os.getpid() == 1:
        _end_all()


def _wait(wake_fd: int) -> None:
    while True:
        ready, _, _ = select.select([0, wake_fd], [], [])
        if 0 in ready and not os.read(0, 4096):
            return
        if wake_fd in ready and set(os.read(wake_fd, 256)) & set(ENDING):
            return
        _reap()


def _end_all() -> None:
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
    end = time.monotonic() + GRACE_S
    while time.monotonic() < end and _others():
        time.sleep(STEP_S)
        _reap()


def _others() -> bool:
    return any(path.name.isdecimal() and path.name != "1" for path in Path("/proc").iterdir())


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()
