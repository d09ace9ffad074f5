"""Programs that end with the benchmark, and the processor time of processes."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

END_S = 5.0
_CPUCLOCK_SCHED = 2
_TIED = ("setpriv", "--pdeathsig", "TERM")
"""They get TERM when the benchmark is killed (prctl(2), PR_SET_PDEATHSIG)."""


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    ready: bool = False,
    pass_fds: Sequence[int] = (),
    log: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, in a session of its own so that Ctrl-C is the benchmark's; end it after.

    Its standard input is a pipe, and so is its standard output with `ready`: the program has to
    print a line then, when it is.
    """
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        process = subprocess.Popen(
            [*_TIED, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if ready else output,
            stderr=output if log else None,
            env=environment,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        try:
            if ready:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n", f"{argv[:4]} did not begin"
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program, by force if it takes long."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that processes have used, all threads, to the nanosecond.

    `clock_getcpuclockid(3)`, as Linux makes it: the ticks of proc(5) are too coarse for a still
    screen.
    """
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    return total


def children(pid: int) -> dict[int, str]:
    """Return all processes below one, with their command lines."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(path.parent.name))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ")
                found[child] = line.decode(errors="replace")
            waiting.append(child)
    return found


def find_child(pid: int, words: str) -> int:
    """Return the process below one whose command line has those words."""
    return next(child for child, line in children(pid).items() if words in line)
