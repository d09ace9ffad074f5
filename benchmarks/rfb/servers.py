"""The RFB servers, each with its X server, window manager and Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rfb.processes import find_child, running
from benchmarks.rfb.relay import connect_rfb
from jupyter_xdisplay.paths import write_private
from jupyter_xdisplay.runtime.local import LocalRuntime, LocalSidecar
from jupyter_xdisplay.sidecar.xserver import make_socket_directory
from jupyter_xdisplay.spec import DisplaySpec, Size
from jupyter_xdisplay.xserver import xauth
from jupyter_xdisplay.xserver.openbox import CONFIGURATION, openbox_argv
from jupyter_xdisplay.xserver.x11vnc import OPEN_FILES

START_S = 15.0


@dataclass(frozen=True)
class Server:
    """A display with an RFB server.

    Attributes
    ----------
    display, xauthority
        For X clients.
    socket
        Where it takes viewers.
    upgrade
        Whether that socket wants an HTTP upgrade first, as our sidecar's does.
    rfb, xserver
        Process ids. Xvnc is both in one: it has no `xserver`.
    """

    display: str
    xauthority: Path
    socket: Path
    size: Size
    rfb: tuple[int, ...]
    xserver: tuple[int, ...]
    upgrade: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """For X clients."""
        return {**os.environ, "DISPLAY": self.display, "XAUTHORITY": str(self.xauthority)}


@contextlib.contextmanager
def x11vnc(folder: Path, size: Size, *, tuned: bool) -> Iterator[Server]:
    """x11vnc on an Xvfb, with what it does by default or with short waits."""
    xvfb = ("Xvfb", "-screen", "0", f"{size}x24", "-noreset", "+extension", "GLX")
    socket = folder / "rfb.sock"
    with _x_server(folder, xvfb) as (display, xauthority, pid):
        argv = [
            *("prlimit", f"--nofile={OPEN_FILES}", "x11vnc", "-display", display),
            *("-auth", str(xauthority), "-unixsock", str(socket), "-rfbport", "0"),
            *("-rfbportv6", "0", "-no6", "-noipv6", "-norc", "-nopw", "-forever", "-shared"),
            *(("-wait", "5", "-defer", "5") if tuned else ()),
        ]
        environment = {**os.environ, "DISPLAY": display, "XAUTHORITY": str(xauthority)}
        with running(argv, environment=environment, log=folder / "rfb.log") as process:
            _wait_for_rfb(socket)
            yield Server(display, xauthority, socket, size, (process.pid,), (pid,))


@contextlib.contextmanager
def tigervnc(folder: Path, size: Size) -> Iterator[Server]:
    """TigerVNC's Xvnc, which is its own X server."""
    socket = folder / "rfb.sock"
    xvnc = (
        *("Xvnc", "-geometry", str(size), "-depth", "24", "-SecurityTypes", "None"),
        *("-rfbunixpath", str(socket), "-rfbport", "-1", "-localhost", "-AlwaysShared"),
        *("-AcceptSetDesktopSize=0", "-noreset"),
    )
    with _x_server(folder, xvnc) as (display, xauthority, pid):
        _wait_for_rfb(socket)
        yield Server(display, xauthority, socket, size, (pid,), ())


@contextlib.contextmanager
def ours(folder: Path, size: Size) -> Iterator[Server]:
    """Our own, in its sidecar."""
    os.environ["JUPYTER_XDISPLAY_RUNTIME_DIR"] = str(folder / "x")

    async def start() -> LocalSidecar:
        return await LocalRuntime(stream="builtin").start("b" * 12, DisplaySpec(size=size))

    sidecar = asyncio.run(start())
    try:
        yield sidecar_server(sidecar.process.pid, sidecar.info.socket, size)
    finally:
        asyncio.run(sidecar.end())


def sidecar_server(pid: int, socket: str, size: Size) -> Server:
    """Describe a sidecar that runs."""
    from jupyter_xdisplay.sidecar.client import SidecarClient

    info = SidecarClient(socket).info()
    return Server(
        info.display,
        Path(info.xauthority),
        Path(socket),
        size,
        (pid,),
        (find_child(pid, "Xvfb"),),
        upgrade=True,
    )


@contextlib.contextmanager
def _x_server(folder: Path, argv: Sequence[str]) -> Iterator[tuple[str, Path, int]]:
    """Run an X server that chooses its number, and the window manager that ours has too."""
    make_socket_directory()
    cookie = xauth.new_cookie()
    server_auth, xauthority = folder / "server.auth", folder / "Xauthority"
    configuration = folder / "openbox.xml"
    write_private(server_auth, xauth.xauthority(cookie, None))
    configuration.write_text(CONFIGURATION)
    read, write = os.pipe()
    with contextlib.ExitStack() as stack:
        whole = (*argv, "-displayfd", str(write), "-auth", str(server_auth), "-nolisten", "tcp")
        try:
            process = stack.enter_context(
                running(whole, pass_fds=[write], log=folder / "xserver.log")
            )
        finally:
            os.close(write)
        display = f":{_read_line(read)}"
        write_private(xauthority, xauth.xauthority(cookie, int(display[1:])))
        environment = {**os.environ, "DISPLAY": display, "XAUTHORITY": str(xauthority)}
        manager = openbox_argv("openbox", configuration=configuration)
        stack.enter_context(running(manager, environment=environment))
        yield display, xauthority, process.pid


def _read_line(fd: int) -> str:
    """Read a line that has to come in time, to its end: the X server writes it in two parts."""
    text = b""
    while not text.endswith(b"\n"):
        assert select.select([fd], [], [], START_S)[0], "the X server named no display"
        data = os.read(fd, 64)
        assert data, "the X server did not come up"
        text += data
    os.close(fd)
    return text.decode().strip()


def _wait_for_rfb(path: Path) -> None:
    """Wait until a viewer is greeted."""
    with connect_rfb(path, upgrade=False, patience_s=START_S) as stream:
        stream.settimeout(START_S)
        assert stream.recv(4) == b"RFB "


SERVERS: dict[str, Callable[[Path, Size], contextlib.AbstractContextManager[Server]]] = {
    "x11vnc default": lambda folder, size: x11vnc(folder, size, tuned=False),
    "x11vnc tuned": lambda folder, size: x11vnc(folder, size, tuned=True),
    "TigerVNC": tigervnc,
    "ours": ours,
}
