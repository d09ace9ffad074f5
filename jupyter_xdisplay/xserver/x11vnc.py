"""x11vnc(1): argv of the RFB server that attaches to any X display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

OPEN_FILES = 1024
"""Soft RLIMIT_NOFILE: under a huge one libvncserver spends minutes per connect (facts 4)."""


def x11vnc_argv(
    program: str,
    *,
    display: str,
    auth_file: Path,
    socket: Path,
    name: str,
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the command line of an x11vnc that listens on one Unix socket and nothing else.

    `-rfbport 0` alone leaves [::]:5900 open; `-rfbportv6 0` closes it (facts 2). The private
    directory of the socket is the access control, hence `-nopw`. `-wait` and `-defer` are in
    milliseconds; 5 gives the shortest delay of what was measured (design).
    """
    return [
        program,
        "-display",
        display,
        "-auth",
        str(auth_file),
        "-unixsock",
        str(socket),
        "-rfbport",
        "0",
        "-rfbportv6",
        "0",
        "-no6",
        "-noipv6",
        "-nopw",
        "-norc",
        "-noremote",
        "-nolookup",
        "-nodpms",
        "-nobell",
        "-forever",
        "-shared",
        "-xrandr",
        "resize",
        "-cursor",
        "most",
        "-xkb",
        "-add_keysyms",
        "-repeat",
        "-nowireframe",
        "-noscrollcopyrect",
        "-wait",
        "5",
        "-defer",
        "5",
        "-desktop",
        name,
        "-quiet",
        *extra,
    ]
