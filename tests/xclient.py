"""X clients for the tests: a bare handshake, and programs run as processes (`tests.xprogram`)."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_xdisplay.spec import DisplayInfo

REPOSITORY = Path(__file__).parents[1]
TK_WINDOW = """
import sys, tkinter
root = tkinter.Tk()
root.title(sys.argv[1])
root.geometry("200x100+40+40")
root.update()
print("ready", flush=True)
if sys.argv[2:] == ["busy"]:
    # answers nothing until a line comes
    root.after(1, sys.stdin.readline)
root.mainloop()
"""


def handshake(display: str, cookie: bytes = b"", *, abstract: bool = False) -> int:
    """Return what an X server answers to a new connection: 1 success, 0 refused.

    X11 protocol, "Connection Setup".
    """
    path = f"/tmp/.X11-unix/X{display.removeprefix(':')}"
    name = b"MIT-MAGIC-COOKIE-1" if cookie else b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(10)
        stream.connect(f"\0{path}" if abstract else path)
        stream.sendall(
            struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
            + name
            + bytes(-len(name) % 4)
            + cookie
            + bytes(-len(cookie) % 4)
        )
        return stream.recv(1)[0]


def cookie_of(xauthority: str) -> bytes:
    """Return the cookie at the end of an Xauthority file of ours."""
    return Path(xauthority).read_bytes()[-16:]


def environment(info: DisplayInfo) -> dict[str, str]:
    """Return the environment in which programs find a display."""
    return {**os.environ, "DISPLAY": info.display, "XAUTHORITY": info.xauthority}


@contextmanager
def running(
    info: DisplayInfo, *arguments: str, program: list[str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a client that prints a line when it is ready; end it afterwards."""
    process = subprocess.Popen(
        [*(program or [sys.executable, "-m", "tests.xprogram"]), *arguments],
        env=environment(info),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()


def tk_window(info: DisplayInfo, title: str, *arguments: str) -> Any:
    """Run a Tk program."""
    return running(info, "-c", TK_WINDOW, title, *arguments, program=[sys.executable])
