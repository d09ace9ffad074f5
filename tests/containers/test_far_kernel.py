"""A kernel whose engine does not see our files, as on another machine; with the real engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import docker
from docker.models.images import Image

from tests.containers.kernels import HIDE, write_spec
from tests.containers.real_engine import containers_on

BREAK = """
import os, pathlib, signal
for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if b"jupyter_xdisplay.sidecar.listen" in path.read_bytes():
        os.kill(int(path.parent.name), signal.SIGKILL)
        print("killed")
"""
ASK = """
import time
for attempt in range(100):
    try:
        get_ipython().run_line_magic("xdisplay", "start --name two --size 320x240")
    except Exception:
        time.sleep(0.2)
    else:
        get_ipython().run_line_magic("xdisplay", "stop --name two")
        print("two is up")
        break
"""
PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from tests.containers.kernels import SHOW, START, WINDOWS, ContainerKernel, until_printed
from tests.containers.test_far_kernel import ASK, BREAK

async def main():
    kernel = ContainerKernel(Path(sys.argv[1]), Path(sys.argv[2]))
    await kernel.start()
    try:
        told = await kernel.run(START)
        assert "does not see the notebook's folder" in told, told
        await kernel.run(SHOW)
        await until_printed(kernel, WINDOWS, "['Figure 1']")
        first = await kernel.run("import os; print(xd.display().info.id, os.getcwd())")
        assert first.split()[1] == "/home/jovyan", first
        png = await kernel.run("print(xd.display().snapshot().size)")
        assert png.strip() == "(1920, 1080)", png
        pending = asyncio.ensure_future(kernel.run("import time; time.sleep(600)", fails=True))
        await asyncio.sleep(0.5)
        await kernel.manager.interrupt_kernel()
        assert "KeyboardInterrupt" in await pending
        # what listens there for the server ends while the kernel lives: another one comes
        assert "killed" in await kernel.run(BREAK)
        assert "two is up" in await kernel.run(ASK)
        await kernel.manager.restart_kernel()
        await kernel.wait_until_ready()
        await kernel.run(f"{START}\\n{SHOW}")
        await until_printed(kernel, WINDOWS, "['Figure 1']")
        assert first.split()[0] in await kernel.run("print(xd.display().info.id)")
    finally:
        await kernel.stop()
    left = sorted(os.listdir(os.environ["JUPYTER_XDISPLAY_RUNTIME_DIR"]))
    assert not left, left

asyncio.run(main())
"""


def test_an_engine_that_does_not_see_our_files(
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    leftovers: Path,
    tmp_path: Path,
) -> None:
    """Windows come up, cells are interrupted, a restart keeps the display; nothing is left."""
    kernels = write_spec(tmp_path, {"image": kernel_image.tags[0], "network": "none"})
    program = [sys.executable, "-c", PROGRAM, str(kernels), str(tmp_path)]
    done = subprocess.run(
        [*HIDE, str(leftovers), *program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert not containers_on(engine)
