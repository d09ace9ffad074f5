"""Kernels in containers, started as nbconvert and consoles start theirs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from tests.containers.real_engine import containers_on

READY_S = 60.0
HIDE = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o mode=700 none "$0" && exec "$@"')
"""Runs a program that has the folder after it in a file system that no engine has."""

START = "%load_ext jupyter_xdisplay\n%xdisplay"
SHOW = "import matplotlib.pyplot as plt; plt.figure('Figure 1'); plt.plot([1, 2]); plt.show()"
WINDOWS = "import jupyter_xdisplay as xd; print([w.title for w in xd.display().windows()])"


def write_spec(folder: Path, options: dict[str, Any], *, name: str = "box", **more: Any) -> Path:
    """Write the specification of a kernel in a container; return the folder of kernels."""
    kernels = folder / "kernels"
    (kernels / name).mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": ["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {
            "kernel_provisioner": {
                "provisioner_name": "xdisplay-docker",
                "config": {"options": options},
            }
        },
        **more,
    }
    (kernels / name / "kernel.json").write_text(json.dumps(spec))
    return kernels


def containers_of(engine: docker.DockerClient, kind: str) -> list[Container]:
    """Return the containers of kernels ("kernel-") or of their displays ("")."""
    prefix = "jupyter-xdisplay-"
    found = containers_on(engine)
    named = [(str(container.name).removeprefix(prefix), container) for container in found]
    return [one for name, one in named if name.startswith("kernel-") == bool(kind)]


def directories(root: Path) -> list[Path]:
    """Return the private directories that are there."""
    return sorted(root.iterdir())


class ContainerKernel:
    """A kernel in a container and a client of it.

    Parameters
    ----------
    kernels
        The folder with its specification.
    cwd
        Its working directory.
    """

    def __init__(self, kernels: Path, cwd: Path) -> None:
        specs = KernelSpecManager(kernel_dirs=[str(kernels)])
        self.manager = AsyncKernelManager(
            kernel_name="box", kernel_spec_manager=specs, connection_file=str(cwd / "kernel.json")
        )
        self._cwd = cwd
        self._client: AsyncKernelClient | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await self.manager.start_kernel(cwd=str(self._cwd))
        self._client = self.manager.client()
        self._client.start_channels()
        await self.wait_until_ready()

    async def wait_until_ready(self) -> None:
        """Wait until it answers, perhaps after a restart."""
        assert self._client is not None
        await self._client.wait_for_ready(timeout=READY_S)

    async def run(self, code: str, *, fails: bool = False, dies: bool = False) -> str:
        """Run a cell; return what it printed, or its traceback where it is to fail."""
        assert self._client is not None
        if dies:
            self._client.execute(code)
            return ""
        printed: list[str] = []

        def take(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = await self._client.execute_interactive(code, output_hook=take, timeout=READY_S)
        content = reply["content"]
        assert (content["status"] == "error") == fails, content.get("traceback", printed)
        return "\n".join(content["traceback"]) if fails else "".join(printed)

    async def stop(self) -> None:
        """Shut it down."""
        if self._client is not None:
            self._client.stop_channels()
        if self.manager.has_kernel:
            await self.manager.shutdown_kernel(now=True)


async def until_printed(kernel: ContainerKernel, code: str, wanted: str) -> None:
    """Run a cell until it prints what is wanted."""
    printed = ""
    for _ in range(100):
        printed = (await kernel.run(code)).strip()
        if printed == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(printed)


async def until_dead(kernel: ContainerKernel) -> None:
    """Wait until Jupyter would say that the kernel is dead."""
    for _ in range(400):
        if not await kernel.manager.is_alive():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the kernel counts as alive")


MakeKernel = Callable[..., Awaitable[ContainerKernel]]
"""Starts a kernel with options of its container, in a folder (`cwd`)."""
