"""Runs Xvfb: cookie first, then the server, then a real handshake."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.errors import PrivateDirectoryError, StartFailed
from jupyter_xdisplay.paths import write_private
from jupyter_xdisplay.sidecar.child import Child, describe_end
from jupyter_xdisplay.sidecar.config import SidecarConfig
from jupyter_xdisplay.xserver import xauth, xvfb

X11_UNIX = Path("/tmp/.X11-unix")
SOCKETS_BOUND = Path("/proc/net/unix")
"""proc_pid_net(5): those that are bound but do not listen yet are listed, too."""

CLOCK_S = 1.0
"""Files' times are of a coarser clock."""


class XServer:
    """The X server of a sidecar.

    Parameters
    ----------
    directory
        The private directory.
    config
        Sizes, depth, DPI and the program.
    """

    def __init__(self, directory: Path, config: SidecarConfig) -> None:
        self._config = config
        self._cookie = xauth.new_cookie()
        self._server_auth = directory / "server.auth"
        self.xauthority = directory / "Xauthority"
        self.number: int | None = None
        self.child = Child("Xvfb", [], directory / "xvfb.log")

    @property
    def display(self) -> str:
        """Value for DISPLAY."""
        return f":{self.number}"

    async def launch(self) -> None:
        """Start the server, which then chooses a free display number.

        An X server without a readable cookie file lets in every local user (facts 1): the file
        is there, whole, before the server is.

        Raises
        ------
        XDisplayError
            When there is no such program, or no place for its files.
        """
        make_socket_directory()
        write_private(self._server_auth, xauth.xauthority(self._cookie, None))
        self._launched = time.time()
        self._number_fd, number_write = os.pipe2(os.O_CLOEXEC)
        config = self._config
        self.child.argv = xvfb.xvfb_argv(
            config.xvfb,
            display_fd=number_write,
            auth_file=self._server_auth,
            screen=config.max_size,
            depth=config.depth,
            dpi=config.dpi,
            extra=config.xvfb_args,
        )
        try:
            await self.child.start(xvfb.xvfb_environment(os.environ), pass_fds=[number_write])
        finally:
            os.close(number_write)

    async def wait_until_up(self) -> None:
        """Learn the display number and write the clients' cookie file.

        Raises
        ------
        StartFailed
            When the server ends or says no number within `start_timeout_s`.
        """
        try:
            self.number = await self._read_number(self._number_fd)
        finally:
            os.close(self._number_fd)
        write_private(self.xauthority, xauth.xauthority(self._cookie, self.number))
        self.child.empty_log()  # it tells of each display number that was taken

    async def end(self) -> None:
        """End the server and remove the lock and the socket that a killed one leaves."""
        await self.child.end(grace_s=1.0)
        if not self.child.pid:
            return
        for number in displays_since(self._launched) if self.number is None else [self.number]:
            remove_lock(number, self.child.pid)

    async def _read_number(self, fd: int) -> int:
        try:
            text = await asyncio.wait_for(_read_line(fd), self._config.start_timeout_s)
        except asyncio.TimeoutError:
            text = ""
        if text.isdigit():
            return int(text)
        if self.child.running:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.child.wait(), 0.2)
        how = "named no display in time"
        if not self.child.running:
            how = describe_end(await self.child.wait())
        await self.child.end(grace_s=1.0)
        raise StartFailed(
            f"The X server {self._config.xvfb} {how}.",
            fix="jupyter xdisplay doctor",
            log=self.child.tail(),
        )


async def _read_line(fd: int) -> str:
    """Read up to the newline or the end.

    The server writes number and newline apart, and ends if the reader has gone in between.
    """
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    text = b""
    loop.add_reader(fd, readable.set)
    try:
        while not text.endswith(b"\n"):
            await readable.wait()
            readable.clear()
            part = os.read(fd, 32)
            if not part:
                break
            text += part
    finally:
        loop.remove_reader(fd)
    return text.decode("ascii", "replace").strip()


def make_socket_directory() -> None:
    """Make /tmp/.X11-unix where it is missing: an X server that is not root does not (facts 37).

    Raises
    ------
    PrivateDirectoryError
        When it cannot be made.
    """
    if X11_UNIX.is_dir():
        return
    try:
        X11_UNIX.mkdir(mode=0o1777)
        X11_UNIX.chmod(0o1777)
    except FileExistsError:
        return
    except OSError as error:
        raise PrivateDirectoryError(
            f"{X11_UNIX} cannot be made: {error.strerror}.",
            fix=f"as root: install -d -m 1777 {X11_UNIX}",
        ) from error


def displays_since(start: float) -> list[int]:
    """Return the displays whose socket was made since `start` (seconds, Unix time) and nobody's.

    A server makes its socket before it minds TERM, and before it tells its number: one that is
    ended in between leaves a socket of which nothing else tells.
    """
    try:
        bound = set(SOCKETS_BOUND.read_text().split())
    except OSError:
        return []  # nobody can tell then: no socket of others is touched
    found = []
    for path in X11_UNIX.glob("X*"):
        with suppress(OSError, ValueError):
            status = path.stat()
            new = status.st_uid == os.geteuid() and status.st_mtime > start - CLOCK_S
            if new and str(path) not in bound:
                found.append(int(path.name[1:]))
    return found


def remove_lock(number: int, server_pid: int) -> None:
    """Remove lock and socket of a display if they are those of a server that has ended.

    With `-displayfd` Xvfb writes no lock file; a socket on which nobody listens is a dead one's.
    """
    lock, path = xvfb.lock_file(number), xvfb.socket_file(number)
    with suppress(OSError, ValueError):
        if int(lock.read_text()) == server_pid:
            lock.unlink()
    with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
