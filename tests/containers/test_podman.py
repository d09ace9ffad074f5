"""The same with podman, through the API that it shares with Docker; where it runs."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers.engine_info import is_podman
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime.exec_stream import output_of
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.containers.kernels import (
    SHOW,
    START,
    WINDOWS,
    ContainerKernel,
    until_printed,
    write_spec,
)
from tests.containers.podman_service import own_folder, podman_service
from tests.containers.real_engine import containers_on
from tests.containers.test_joined import environment, until_green
from tests.containers.test_sidecar_container import DRAW


@pytest.fixture(scope="module")
def podman(sidecar_image: Image, kernel_image: Image) -> Iterator[docker.DockerClient]:
    """Give podman's service, with the images that Docker built."""
    with own_folder() as folder, podman_service(folder, [sidecar_image, kernel_image]) as client:
        yield client


@pytest.fixture
async def kernel(
    podman: docker.DockerClient, kernel_image: Image, tmp_path: Path, leftovers: Path
) -> AsyncIterator[ContainerKernel]:
    """Give a kernel in one of its containers; nothing is left of it."""
    options = {"image": kernel_image.tags[0], "network": "none"}
    kernel = ContainerKernel(write_spec(tmp_path, options), tmp_path)
    await kernel.start()
    yield kernel
    await kernel.stop()
    assert not containers_on(podman)


async def test_a_kernel(podman: docker.DockerClient, kernel: ContainerKernel) -> None:
    """Windows come up, a restart keeps the display, the pids are the kernel's."""
    assert is_podman(podman.version())
    await kernel.run(f"{START}\n{SHOW}")
    await until_printed(kernel, WINDOWS, "['Figure 1']")
    told = await kernel.run("import os; print(xd.display().info.clients[0] == os.getpid())")
    assert told.strip() == "True"
    await kernel.manager.restart_kernel()
    await kernel.wait_until_ready()
    await kernel.run(f"{START}\n{SHOW}")
    await until_printed(kernel, WINDOWS, "['Figure 1']")


@pytest.fixture
def fake_gpu() -> Iterator[str]:
    """Describe a CDI device that is a variable and a file, as NVIDIA's toolkit describes GPUs."""
    name = f"xdisplay-test-{os.getpid()}"  # others may run this test at the same time
    path = Path(f"/etc/cdi/{name}.json")
    made = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    edits = {
        "env": ["FAKE_GPU=here"],
        "deviceNodes": [{"path": "/dev/fake-gpu", "hostPath": "/dev/null"}],
    }
    spec = {
        "cdiVersion": "0.3.0",
        "kind": f"jupyter.org/{name}",
        "devices": [{"name": "0", "containerEdits": edits}],
    }
    path.write_text(json.dumps(spec))
    yield f"cdi:jupyter.org/{name}=0"
    path.unlink()
    if made:
        with suppress(OSError):
            path.parent.rmdir()


LOOK = """
import os, stat
from pathlib import Path
caps = [line for line in Path("/proc/self/status").read_text().splitlines() if "CapBnd" in line]
limit = [path.read_text() for name in ("memory/memory.limit_in_bytes", "memory.max")
         if (path := Path("/sys/fs/cgroup", name)).exists()]
found = stat.S_ISCHR(os.stat("/dev/fake-gpu").st_mode), os.environ["FAKE_GPU"], os.environ["NAMED"]
print(*found, caps[0].split()[1], limit[0].strip(), os.getcwd())
"""


async def test_a_gpu(
    podman: docker.DockerClient,
    kernel_image: Image,
    tmp_path: Path,
    leftovers: Path,
    fake_gpu: str,
) -> None:
    """A CDI device is there, by podman's own API, and the container is as one without it."""
    options = {
        "image": kernel_image.tags[0],
        "network": "none",
        "gpus": fake_gpu,
        "memory": "1g",
        "cpus": 1.5,
        "env": {"NAMED": "too"},
    }
    kernel = ContainerKernel(write_spec(tmp_path, options), tmp_path)
    await kernel.start()
    try:
        told = await kernel.run(LOOK)
        assert told.split() == ["True", "here", "too", "0" * 16, str(1 << 30), str(tmp_path)]
        await kernel.run(f"{START}\n{SHOW}")
        await until_printed(kernel, WINDOWS, "['Figure 1']")
    finally:
        await kernel.stop()
    assert not containers_on(podman)


async def test_a_gpu_that_is_not_described(
    podman: docker.DockerClient, kernel_image: Image, tmp_path: Path, leftovers: Path
) -> None:
    """Podman's own words, and what describes GPUs to it; nothing is left."""
    options = {"image": kernel_image.tags[0], "network": "none", "gpus": "all"}
    with pytest.raises(StartFailed, match=r"nvidia\.com/gpu=all") as caught:
        await ContainerKernel(write_spec(tmp_path, options), tmp_path).start()
    assert "nvidia-ctk cdi generate" in (caught.value.fix or "")
    assert not containers_on(podman)


async def test_a_container_that_runs_already(
    podman: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """A display joins it; its IPC is shareable by default there."""
    theirs = podman.containers.run(
        sidecar_image.tags[0],
        ["-c", "import time; time.sleep(600)"],
        entrypoint="python3",
        name="theirs",
        network_mode="none",
        detach=True,
    )
    manager = DisplayManager()
    try:
        info = await manager.create(DisplaySpec(size=Size(320, 240), container="theirs"))
        assert "MIT-SHM" not in info.chosen["runtime"]
        theirs.exec_run(["python3", "-c", DRAW], environment=environment(info), detach=True)
        await until_green(manager, info)
        await manager.stop(info.id)
        assert output_of(theirs.exec_run(["ls", "-A", "/tmp"])) == b""
    finally:
        await manager.close()
        theirs.remove(force=True)
