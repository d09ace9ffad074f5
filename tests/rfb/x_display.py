"""X displays of the tests' own: an X server, a picture on its root window, and its pixels."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto

from jupyter_xdisplay.rfb import Pixels
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.xserver.x11vnc import OPEN_FILES
from jupyter_xdisplay.xserver.xauth import new_cookie, xauthority
from tests.waiting import wait_until

START_S = 30.0
_BAND_BYTES = 200_000


def limit_files() -> None:
    """Lower the soft limit of open files in a child (facts 4)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))


@contextlib.contextmanager
def program(
    argv: Sequence[str], log: Path, *, pass_fds: Sequence[int] = (), **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with few open files; end it afterwards, by its pid."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            pass_fds=pass_fds,
            preexec_fn=limit_files,  # noqa: PLW1509
            env={**os.environ, **environment},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class XDisplay:
    """A running X server, with a connection of ours.

    Parameters
    ----------
    number
        The display's number.
    auth_file
        Its cookie.
    """

    def __init__(self, number: int, auth_file: Path) -> None:
        self.name = f":{number}"
        self.auth_file = auth_file
        self.x = X11Connection(self.name, auth_file)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which programs find the display."""
        return {"DISPLAY": self.name, "XAUTHORITY": str(self.auth_file)}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        geometry = self.x.core.GetGeometry(self.x.root).reply()
        return geometry.width, geometry.height

    def show(self, pixels: Pixels) -> None:
        """Make a picture the background of the root window."""
        height, width = pixels.shape[:2]
        core, pixmap, context = self.x.core, self.x.raw.generate_id(), self.x.raw.generate_id()
        core.CreatePixmap(24, pixmap, self.x.root, width, height)
        core.CreateGC(context, pixmap, 0, [])
        step = max(1, _BAND_BYTES // (width * 4))
        for top in range(0, height, step):
            band = np.ascontiguousarray(pixels[top : top + step])
            core.PutImage(
                xcffib.xproto.ImageFormat.ZPixmap,
                pixmap,
                context,
                width,
                len(band),
                0,
                top,
                0,
                24,
                band.nbytes,
                band.tobytes(),
            )
        core.ChangeWindowAttributes(self.x.root, xcffib.xproto.CW.BackPixmap, [pixmap])
        core.ClearArea(False, self.x.root, 0, 0, 0, 0)
        core.FreePixmap(pixmap)
        core.GetInputFocus().reply()

    def pixels(self, window: int | None = None) -> Pixels:
        """Return what a window shows (GetImage)."""
        window = self.x.root if window is None else window
        geometry = self.x.core.GetGeometry(window).reply()
        reply = self.x.core.GetImage(
            xcffib.xproto.ImageFormat.ZPixmap,
            window,
            0,
            0,
            geometry.width,
            geometry.height,
            0xFFFFFFFF,
        ).reply()
        data = np.frombuffer(bytes(reply.data.buf()), np.uint8)
        return data.reshape(geometry.height, geometry.width, 4)

    def copy_area(
        self, source: tuple[int, int], size: tuple[int, int], to: tuple[int, int]
    ) -> None:
        """Copy a part of the root window to another place of it."""
        context = self.x.raw.generate_id()
        inferiors = [xcffib.xproto.SubwindowMode.IncludeInferiors]
        self.x.core.CreateGC(context, self.x.root, xcffib.xproto.GC.SubwindowMode, inferiors)
        self.x.core.CopyArea(self.x.root, self.x.root, context, *source, *to, *size)
        self.x.core.GetInputFocus().reply()

    def pointer(self) -> Any:
        """Return where the pointer is and what is pressed (QueryPointer)."""
        return self.x.core.QueryPointer(self.x.root).reply()


@contextlib.contextmanager
def x_server(argv: Sequence[str], folder: Path) -> Iterator[XDisplay]:
    """Run an X server that takes `-displayfd` and `-auth`; give its display."""
    auth_file = folder / "auth"
    auth_file.touch(0o600)
    auth_file.write_bytes(xauthority(new_cookie(), None))
    read_end, write_end = os.pipe()
    extra = ["-displayfd", str(write_end), "-auth", str(auth_file), "-nolisten", "tcp"]
    log = folder / "xserver.log"
    try:
        with program([*argv, *extra, "-noreset"], log, pass_fds=[write_end]):
            os.close(write_end)
            number = _read_number(read_end, log)
            display = wait_until(lambda: _connect(number, auth_file), log.read_text())
            yield display
            display.x.close()
    finally:
        os.close(read_end)


def _connect(number: int, auth_file: Path) -> XDisplay:
    return XDisplay(number, auth_file)


def _read_number(read_end: int, log: Path) -> int:
    """Read the display's number with a deadline (facts 9)."""
    end, line = time.monotonic() + START_S, b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([read_end], [], [], max(0, end - time.monotonic()))
        part = os.read(read_end, 32) if ready else b""
        assert part, f"the X server did not start:\n{log.read_text(errors='replace')}"
        line += part
    return int(line)
