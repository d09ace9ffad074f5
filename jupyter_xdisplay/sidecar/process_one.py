"""Being process 1 of a container: passing signals on, and reaping what nobody waits for.

The kernel (pid_namespaces(7)) gives processes whose parent has ended to process 1, and drops
signals to it that it does not handle. So process 1 is a small one that does nothing else, and the
sidecar its child, which knows its own children and no others.
"""

from __future__ import annotations

import os
import signal

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def fork_below_process_one() -> None:
    """Return in a child of process 1; do nothing in any other process.

    Process 1 itself never returns: it ends with the status of that child, and with it all that
    runs in the container.
    """
    if os.getpid() != 1:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # one that comes now waits
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: _pass_on(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _pass_on(child: int, number: int) -> None:
    os.kill(child, number)
