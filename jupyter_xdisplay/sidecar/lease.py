"""Whoever holds the sidecar, watched: when it is gone, however it died, the sidecar ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from jupyter_xdisplay.errors import UsageError


def watch_holder(holder: str, gone: Callable[[], None]) -> None:
    """Call `gone` once the holder has ended.

    Parameters
    ----------
    holder
        `pidfd:N`, an inherited descriptor of the holder (pidfd_open(2): it is readable once the
        process has ended, also after kill -9, and forked workers cannot keep it alive as they do
        a pipe, facts 31); `pid:N`; or `stdin`, for a holder in another container: end of file.
    gone
        Called in the running event loop.

    Raises
    ------
    UsageError
        When `holder` is none of these.
    """
    kind, _, value = holder.partition(":")
    if kind == "stdin":
        fd = 0
    elif kind == "pidfd" and value.isdecimal():
        fd = int(value)
    elif kind == "pid" and value.isdecimal():
        try:
            fd = os.pidfd_open(int(value))
        except ProcessLookupError:
            asyncio.get_running_loop().call_soon(gone)
            return
    else:
        raise UsageError(f"{holder!r} is no holder.", fix="give pidfd:N, pid:N or stdin")
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if kind == "stdin":
            with suppress(BlockingIOError):
                if os.read(fd, 4096):
                    return
        loop.remove_reader(fd)
        gone()

    if kind == "stdin":
        os.set_blocking(fd, False)
    loop.add_reader(fd, readable)
