"""Kernels: one for each test that changes something; nothing may be left after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_xdisplay.kernel.display import Display
from jupyter_xdisplay.kernel.session import Session
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.kernel.iopub import Published, published
from tests.kernel.kernel_process import KernelProcess, Starter
from tests.waiting import wait_until

LOAD = "%load_ext jupyter_xdisplay"
INLINE = "%xdisplay\nimport subprocess, time, jupyter_xdisplay as xd; d = xd.display()"


@pytest.fixture
def start_kernel(leftovers: Path) -> Iterator[Starter]:
    """Give a function that starts a kernel with extra environment variables."""
    started: list[KernelProcess] = []

    def start(**environment: str) -> KernelProcess:
        started.append(KernelProcess(**environment))
        return started[-1]

    yield start
    for kernel in started:
        kernel.end()


@pytest.fixture
def kernel(start_kernel: Starter) -> KernelProcess:
    """Give a kernel with the extension loaded and no display yet."""
    kernel = start_kernel()
    kernel.ok(LOAD)
    return kernel


@pytest.fixture
def display(kernel: KernelProcess) -> KernelProcess:
    """Give a kernel with a display, and `d` for its Python object."""
    kernel.ok("%xdisplay desktop\nimport jupyter_xdisplay as xd; d = xd.display()")
    return kernel


@pytest.fixture
def front_end(kernel: KernelProcess) -> Iterator[Published]:
    """Give what a front end knows of a kernel whose windows are shown inline."""
    with published(kernel) as found:
        kernel.ok(INLINE)
        yield found


@pytest.fixture(scope="package")
def shared_kernel() -> Iterator[KernelProcess]:
    """Give a kernel for cells that change nothing."""
    kernel = KernelProcess()
    kernel.ok(LOAD)
    yield kernel
    kernel.end()


@pytest.fixture(scope="module")
def d() -> Iterator[Display]:
    """Give a display of this process, for tests that close their windows."""
    session = Session()
    display = session.start(DisplaySpec(name="automation", size=Size(1000, 700))).display
    yield display
    display.stop(force=True)
    session.host.close()


@pytest.fixture
def text_file(d: Display, tmp_path: Path) -> Iterator[Path]:
    """Give the file that an xterm called "Typing" writes its lines to."""
    path = tmp_path / "typed.txt"
    process = d.run(
        ["xterm", "-u8", "-title", "Typing", "-e", "sh", "-c", f"cat > {path}"],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    d.window("Typing")
    wait_until(path.exists, "no shell came up")
    yield path
    process.kill()
    process.wait()
    wait_until(lambda: not d.windows())
