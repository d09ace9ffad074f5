"""Xvfb(1): argv and environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_xdisplay.spec import Size


def xvfb_argv(
    program: str,
    *,
    display_fd: int,
    auth_file: Path,
    screen: Size,
    depth: int,
    dpi: int,
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the command line of Xvfb.

    `screen` is the first size in pixels and the largest that RANDR gives later; without
    `-noreset` the modes set by RANDR are lost when the last client leaves (facts 6).
    """
    return [
        program,
        "-displayfd",
        str(display_fd),
        "-screen",
        "0",
        f"{screen.width}x{screen.height}x{depth}",
        "-dpi",
        str(dpi),
        "-auth",
        str(auth_file),
        "-nolisten",
        "tcp",
        "-noreset",
        "-s",
        "0",
        "+extension",
        "GLX",
        "+extension",
        "COMPOSITE",
        *extra,
    ]


def xvfb_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the X server process only (facts 5).

    Mesa is pinned: NVIDIA libraries that a container runtime puts in can crash Xvfb itself.
    Clients keep their own choice.
    """
    return {**environment, "__GLX_VENDOR_LIBRARY_NAME": "mesa", "LIBGL_ALWAYS_SOFTWARE": "1"}


def lock_file(display_number: int) -> Path:
    """Return the lock of a display (Xserver(1), "FILES"): it holds the server's pid."""
    return Path(f"/tmp/.X{display_number}-lock")


def socket_file(display_number: int) -> Path:
    """Return the Unix socket of a display (X(7), "DISPLAY NAMES")."""
    return Path(f"/tmp/.X11-unix/X{display_number}")
