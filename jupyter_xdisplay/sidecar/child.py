"""A program that the sidecar runs: started with its lifetime tied to ours, ended for certain."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.errors import ProgramMissing

PR_SET_PDEATHSIG = 1
LOG_MAX_BYTES = 1 << 20
TAIL_LINES = 12

_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """One run of one program.

    It gets SIGTERM when the sidecar dies (prctl(2), PR_SET_PDEATHSIG): X servers unlink their
    sockets and x11vnc its shared memory on TERM, not on KILL. That signal follows the *thread*
    that forked, so start children from the main thread only (facts 31).
    """

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name = name
        self.argv = list(argv)
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(
        self,
        environment: Mapping[str, str],
        *,
        pass_fds: Sequence[int] = (),
        open_files: int | None = None,
    ) -> None:
        """Start the program; `open_files` lowers its soft RLIMIT_NOFILE.

        Raises
        ------
        ProgramMissing
            When there is no such program, or it cannot be executed.
        """
        parent = os.getpid()

        def in_child() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)  # the sidecar died between fork and prctl
            if open_files is not None:
                _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
                soft = open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        with self.log.open("ab") as log:
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *self.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=dict(environment),
                    pass_fds=pass_fds,
                    preexec_fn=in_child,
                )
            )
            try:
                # asyncio would kill what it has started when it is cancelled here: see above.
                self._process = await asyncio.shield(starting)
            except asyncio.CancelledError:
                with suppress(OSError):
                    self._process = await starting
                raise
            except OSError as error:
                raise ProgramMissing(
                    f"The program {self.argv[0]} cannot be run: {error.strerror}.",
                    fix="jupyter xdisplay setup",
                ) from error

    async def wait(self) -> int:
        """Wait for the end; return the exit status, negative for a signal."""
        if self._process is None:
            return 0
        return await self._process.wait()

    async def end(self, grace_s: float) -> None:
        """Ask it to end by TERM, and make it end after `grace_s` seconds. Idempotent."""
        if not self.running:
            return
        for send, deadline in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
            with suppress(ProcessLookupError):
                os.kill(self.pid, send)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.wait(), deadline)
                return

    def tail(self) -> list[str]:
        """Return the last lines that the program printed."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 8192))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-TAIL_LINES:]

    def bound_log(self) -> None:
        """Empty the log when it has grown beyond `LOG_MAX_BYTES` (it is open for appending)."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_MAX_BYTES:
                self.empty_log()

    def empty_log(self) -> None:
        """Empty the log: what it says of a start that went well explains no later end."""
        with suppress(OSError):
            os.truncate(self.log, 0)


def describe_end(status: int) -> str:
    """Say in words how a program ended."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return f"was ended by signal {-status} ({name})"
