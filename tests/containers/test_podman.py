"""The same with podman, through the API that it shares with Docker; where it runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers.engine import is_podman
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime.exec_stream import output_of
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.containers.kernels import ContainerKernel, write_spec
from tests.containers.real_engine import containers_on
from tests.containers.test_joined import environment, until_green
from tests.containers.test_provisioner import SHOW, START, WINDOWS, until_printed
from tests.containers.test_sidecar_container import DRAW
from tests.waiting import wait_until

CONFIGURATION = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
"""Its own are larger than what a container of a test machine may have."""


@pytest.fixture(scope="module")
def podman(sidecar_image: Image, kernel_image: Image) -> Iterator[docker.DockerClient]:
    """Give podman's service, with the images that Docker built."""
    if shutil.which("podman") is None:
        pytest.skip("NO TESTS OF PODMAN: it is not installed (scripts/setup.sh installs it)")
    folder = Path(tempfile.mkdtemp(prefix="xdt-podman-", dir="/var/tmp"))
    (folder / "containers.conf").write_text(CONFIGURATION)
    address = f"unix://{folder}/podman.sock"
    runtime = ["--runtime", "runc"] if shutil.which("runc") else []  # crun refuses old cgroups
    store = ["--root", str(folder / "root"), "--runroot", str(folder / "run")]
    command = ["podman", *runtime, *store, "--cgroup-manager", "cgroupfs"]
    variables = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")}
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            [*command, "system", "service", "--time=0", address],
            env=variables,
            stdout=log,
            stderr=log,
        )
    try:
        client = wait_until(lambda: _connect(address), "podman does not answer")
        for image in (sidecar_image, kernel_image):
            client.images.load(image.save(named=image.tags[0]))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            _skip_where_nothing_starts(client, sidecar_image)
            yield client
        client.close()
    finally:
        service.terminate()
        service.wait()
        subprocess.run([*command, "unmount", "--all"], env=variables, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _connect(address: str) -> docker.DockerClient | None:
    with contextlib.suppress(docker.errors.DockerException):
        return docker.DockerClient(address, timeout=300)
    return None


def _skip_where_nothing_starts(client: docker.DockerClient, image: Image) -> None:
    try:
        client.containers.run(image.tags[0], ["-c", ""], entrypoint="sh", remove=True)
    except docker.errors.APIError as error:
        pytest.skip(f"NO TESTS OF PODMAN: it starts no container here: {error.explanation}")


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


async def test_a_gpu_is_refused(
    podman: docker.DockerClient, kernel_image: Image, tmp_path: Path, leftovers: Path
) -> None:
    """Podman would leave it out silently."""
    options = {"image": kernel_image.tags[0], "network": "none", "gpus": "all"}
    with pytest.raises(StartFailed, match="leaves GPUs out"):
        await ContainerKernel(write_spec(tmp_path, options), tmp_path).start()
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
