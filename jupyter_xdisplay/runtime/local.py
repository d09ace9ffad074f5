"""Sidecars as local processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from traitlets import Unicode

from jupyter_xdisplay.errors import ProgramMissing, StartFailed, error_from_json
from jupyter_xdisplay.paths import (
    PrivateDirectory,
    make_private_directory,
    write_private,
)
from jupyter_xdisplay.runtime.base import ConfiguredRuntime
from jupyter_xdisplay.sidecar import config as sidecar_config
from jupyter_xdisplay.sidecar.left_over import clean_up, reap
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec

END_TIMEOUT_S = 4.0


class LocalRuntime(ConfiguredRuntime):
    """Starts sidecars on this machine, in sessions of their own."""

    name = "local"

    xvfb = Unicode("Xvfb", help="The X server: a name on PATH, or a path.").tag(config=True)
    openbox = Unicode("openbox", help="The window manager: a name on PATH, or a path.").tag(
        config=True
    )
    x11vnc = Unicode(
        "x11vnc", help="For the stream x11vnc: the RFB server, a name on PATH or a path."
    ).tag(config=True)

    async def start(self, display_id: str, spec: DisplaySpec) -> LocalSidecar:
        """Start a sidecar; see `Runtime.start`."""
        programs = {
            "xvfb": _find(self.xvfb, "LocalRuntime.xvfb"),
            "openbox": _find(self.openbox, "LocalRuntime.openbox"),
        }
        if (spec.stream or self.stream) == "x11vnc":
            install = sidecar_config.INSTALL_X11VNC
            programs["x11vnc"] = _find(self.x11vnc, "LocalRuntime.x11vnc", install)
        settings = self.sidecar_config(display_id, spec, **programs)
        directory = make_private_directory(display_id)
        try:
            write_private(directory.path / sidecar_config.FILE_NAME, settings.to_json().encode())
            sidecar = LocalSidecar(directory.path, _spawn(directory))
            await sidecar.read_answer(self.start_timeout_s + 10.0)
        except BaseException:
            os.close(directory.lock_fd)
            clean_up(directory.path)
            raise
        os.close(directory.lock_fd)
        return sidecar

    def reap(self) -> int:
        """Clean up after sidecars that were killed together with their holder."""
        found = reap()
        for path in found:
            self.log.info("Cleaned up after a display that was left: %s", path)
        return len(found)


class LocalSidecar:
    """A sidecar process.

    Parameters
    ----------
    directory
        Its private directory.
    process
        The process; its standard output gives one line.
    """

    info: DisplayInfo

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.process = process

    async def read_answer(self, timeout_s: float) -> None:
        """Wait for the line that says whether the display is up.

        Raises
        ------
        XDisplayError
            What the sidecar says, or StartFailed when it says nothing.
        """
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(
                asyncio.to_thread(self.process.stdout.readline), timeout_s
            )
            answer = json.loads(line)
        except (asyncio.TimeoutError, ValueError):
            answer = None
        except BaseException:
            await self.end()
            raise
        if answer is not None and "info" in answer:
            self.info = DisplayInfo.from_json(answer["info"])
            self.process.stdout.close()
            return
        log = _tail(self.directory / "sidecar.log")
        await self.end()
        if answer is not None:
            raise error_from_json(answer["error"])
        raise StartFailed("The sidecar did not come up.", fix="jupyter xdisplay doctor", log=log)

    async def end(self) -> None:
        """Ask it to end, make it end, clean up after it."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            if not await self._ended_within(END_TIMEOUT_S):
                self.process.kill()
                await self._ended_within(END_TIMEOUT_S)
        await asyncio.to_thread(clean_up, self.directory)

    async def _ended_within(self, timeout_s: float) -> bool:
        def wait() -> bool:
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return False
            return True

        return await asyncio.to_thread(wait)


def _spawn(directory: PrivateDirectory) -> subprocess.Popen[bytes]:
    """Start the program with a pidfd of this process and the directory's lock."""
    holder_fd = os.pidfd_open(os.getpid())
    try:
        write_private(directory.path / "sidecar.log", b"")
        with (directory.path / "sidecar.log").open("ab") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyter_xdisplay.sidecar",
                    "--directory",
                    str(directory.path),
                    "--holder",
                    f"pidfd:{holder_fd}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=directory.path,
                pass_fds=[holder_fd, directory.lock_fd],
                start_new_session=True,
            )
    finally:
        os.close(holder_fd)


def _find(program: str, setting: str, install: str = "jupyter xdisplay setup") -> str:
    found = shutil.which(program)
    if found is None:
        raise ProgramMissing(
            f"The program {program} is not installed (or not on PATH).",
            fix=f"{install}   (or set {setting} to its path)",
        )
    return found


def _tail(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-12:]
    except OSError:
        return []
