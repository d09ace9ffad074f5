"""A real display for the checks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_xdisplay.kernel.local_host import LocalHost
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size


@pytest.fixture(scope="module")
def display() -> Iterator[DisplayInfo]:
    """Give a display of this process, as kernels have it."""
    host = LocalHost()
    try:
        yield host.create(DisplaySpec(name="checked", size=Size(800, 600)))
    finally:
        host.close()


@pytest.fixture
def start_xvfb() -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], int]]]:
    """Give a function that starts a bare Xvfb; all are ended afterwards, their files removed."""
    started: list[tuple[subprocess.Popen[bytes], int]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[bytes], int]:
        read_fd, write_fd = os.pipe()
        process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_fd), "-nolisten", "tcp", "-noreset", *arguments],
            pass_fds=[write_fd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            number = int(pipe.readline())
        started.append((process, number))
        return process, number

    yield start
    for process, number in started:
        process.terminate()
        process.wait(10)
        if process.returncode != 0:  # killed by the test: it could not remove its files itself
            Path(f"/tmp/.X{number}-lock").unlink(missing_ok=True)
            Path(f"/tmp/.X11-unix/X{number}").unlink(missing_ok=True)


@pytest.fixture
def doctor_command() -> list[str]:
    """Give the command line of `jupyter xdisplay doctor`."""
    return [sys.executable, "-m", "jupyter_xdisplay.cli", "doctor"]
