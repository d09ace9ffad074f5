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
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from traitlets import Enum, Float, Int, List, Tuple, Unicode
from traitlets.config import LoggingConfigurable

from jupyter_xdisplay.errors import ProgramMissing, StartFailed, error_from_json
from jupyter_xdisplay.paths import (
    PrivateDirectory,
    make_private_directory,
    write_private,
)
from jupyter_xdisplay.sidecar import config as sidecar_config
from jupyter_xdisplay.sidecar.left_over import clean_up, reap
from jupyter_xdisplay.spec import STREAMS, DisplayInfo, DisplaySpec, Size, check_depth, check_size

END_TIMEOUT_S = 4.0


class LocalRuntime(LoggingConfigurable):
    """Starts sidecars on this machine, in sessions of their own."""

    name = "local"

    size: Any = Tuple(
        Int(), Int(), default_value=(1280, 720), help="Default screen size in pixels."
    ).tag(config=True)
    inline_size: Any = Tuple(
        Int(),
        Int(),
        default_value=(1920, 1080),
        help="Default screen size in pixels where windows are shown one by one, under their cells: "
        "it has room for their menus.",
    ).tag(config=True)
    max_size: Any = Tuple(
        Int(),
        Int(),
        default_value=(3840, 2160),
        help="Largest screen size in pixels that a display can be resized to. Every display "
        "holds memory for it: about 4 bytes a pixel, touched or not.",
    ).tag(config=True)
    dpi = Int(96, help="Default dots per inch.").tag(config=True)
    depth = Int(24, help="Default bits per pixel: 24 or 16.").tag(config=True)
    stream = Enum(
        STREAMS,
        default_value="builtin",
        help="The RFB server: builtin (the sidecar's own, the fast one) or x11vnc.",
    ).tag(config=True)
    xvfb = Unicode("Xvfb", help="The X server: a name on PATH, or a path.").tag(config=True)
    openbox = Unicode("openbox", help="The window manager: a name on PATH, or a path.").tag(
        config=True
    )
    x11vnc = Unicode(
        "x11vnc", help="For the stream x11vnc: the RFB server, a name on PATH or a path."
    ).tag(config=True)
    xvfb_args: Any = List(Unicode(), help="Extra arguments for Xvfb.").tag(config=True)
    openbox_args: Any = List(Unicode(), help="Extra arguments for openbox.").tag(config=True)
    x11vnc_args: Any = List(Unicode(), help="Extra arguments for x11vnc.").tag(config=True)
    start_timeout_s = Float(
        15.0, help="Seconds that an X server may take until it names its display."
    ).tag(config=True)

    async def start(self, display_id: str, spec: DisplaySpec) -> LocalSidecar:
        """Start a sidecar; see `Runtime.start`."""
        largest = Size(*self.max_size)
        stream = spec.stream or self.stream
        default = self.inline_size if spec.inline else self.size
        settings = sidecar_config.SidecarConfig(
            display_id=display_id,
            name=spec.name,
            size=check_size(spec.size or Size(*default), largest=largest),
            max_size=largest,
            dpi=spec.dpi or self.dpi,
            depth=check_depth(spec.depth or self.depth) or 24,
            xvfb=_find(self.xvfb, "LocalRuntime.xvfb"),
            openbox=_find(self.openbox, "LocalRuntime.openbox"),
            x11vnc=_find(self.x11vnc, "LocalRuntime.x11vnc", sidecar_config.INSTALL_X11VNC)
            if stream == "x11vnc"
            else "",
            stream=stream,
            xvfb_args=tuple(self.xvfb_args),
            openbox_args=tuple(self.openbox_args),
            x11vnc_args=tuple(self.x11vnc_args),
            start_timeout_s=self.start_timeout_s,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
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
