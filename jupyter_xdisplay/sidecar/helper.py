"""A program beside the X server that is started again when it dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_xdisplay.errors import StartFailed, Unreachable
from jupyter_xdisplay.sidecar.child import Child, describe_end
from jupyter_xdisplay.sidecar.sysv import remove_segments

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0
STEADY_S = 10.0
"""A run that lasted this long counts as healthy: the delay before the next start is short again."""


class Helper:
    """Keeps one program running.

    Parameters
    ----------
    name
        For messages and the log's file name.
    argv
        Its command line.
    environment
        Its environment, which names the display.
    log
        Where its output goes.
    open_files
        Soft RLIMIT_NOFILE for it, None for ours.
    told
        Called with a sentence when it died, and with None when it runs again.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: dict[str, str],
        log: Path,
        *,
        open_files: int | None = None,
        told: Callable[[str | None], None],
    ) -> None:
        self.child = Child(name, argv, log)
        self._environment = environment
        self._open_files = open_files
        self._told = told
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the program and keep it running until `end`.

        Raises
        ------
        ProgramMissing
            When it is not there.
        """
        if self._keeper is None:
            await self._start_once()
            self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.child.name}")

    async def end(self) -> None:
        """End the program for good. Idempotent."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])  # unlike await: fine also if it had failed
            self._keeper = None
        await self.child.end(grace_s=0.7)
        self.clean()

    def clean(self) -> None:
        """Remove what a killed run left behind."""
        if self.child.pid:
            remove_segments(self.child.pid)

    async def _start_once(self) -> None:
        self.clean()
        await self.child.start(self._environment, open_files=self._open_files)

    async def _keep(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            started = time.monotonic()
            how = describe_end(await self.child.wait())
            if time.monotonic() - started > STEADY_S:
                delay_s = FIRST_DELAY_S
            self._told(f"{self.child.name} {how}; starting it again.")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)
            await self._start_once()
            self._told(None)


class SocketHelper(Helper):
    """A helper that serves a Unix socket: an RFB server.

    Parameters
    ----------
    socket
        The path that it listens on.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: dict[str, str],
        log: Path,
        *,
        socket: Path,
        open_files: int | None = None,
        told: Callable[[str | None], None],
    ) -> None:
        super().__init__(name, argv, environment, log, open_files=open_files, told=told)
        self.socket = socket

    def clean(self) -> None:
        """Remove also the socket's file: it stays even after TERM (facts 32)."""
        super().clean()
        self.socket.unlink(missing_ok=True)

    async def connect(self, deadline_s: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the program, waiting while it starts.

        Raises
        ------
        Unreachable
            When it does not listen within `deadline_s` seconds.
        StartFailed
            When it does not even run then.
        """
        end = time.monotonic() + deadline_s
        while True:
            try:
                return await asyncio.open_unix_connection(str(self.socket), limit=1 << 20)
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    break
                await asyncio.sleep(0.01)
        kind = Unreachable if self.child.running else StartFailed
        raise kind(
            f"{self.child.name} does not take connections.",
            fix="jupyter xdisplay doctor",
            log=self.child.tail(),
        )
