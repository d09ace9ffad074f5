"""Engines whose users are others outside: rootless ones, and Docker's with userns-remap."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers.engine_info import read_engine
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
from tests.containers.mapped_user import NAME, MappedUser, mapped_user
from tests.containers.podman_service import own_folder, podman_service
from tests.containers.real_engine import Engine, containers_on
from tests.containers.test_joined import environment, until_green
from tests.containers.test_sidecar_container import DRAW


@pytest.fixture(scope="module")
def user() -> Iterator[MappedUser]:
    """Give an ordinary user."""
    with own_folder() as folder, mapped_user(folder) as made:
        yield made


@pytest.fixture(scope="module")
def rootless(
    user: MappedUser, sidecar_image: Image, kernel_image: Image
) -> Iterator[docker.DockerClient]:
    """Give podman as that user runs it."""
    folder = user.home / "podman"
    user.make(folder)
    with podman_service(folder, [sidecar_image, kernel_image], user) as client:
        yield client


def test_a_rootless_engine(
    rootless: docker.DockerClient, user: MappedUser, kernel_image: Image
) -> None:
    """Windows come up, a restart keeps the display, files are the user's, nothing is left."""
    assert read_engine(rootless).rootless
    root, folder = user.home / "x", user.home / "notebooks"
    user.make(root)
    user.make(folder)
    done = user.run_module(
        "tests.containers.kernel_of_user",
        kernel_image.tags[0],
        str(folder),
        DOCKER_HOST=f"unix://{user.home}/podman/podman.sock",
        JUPYTER_XDISPLAY_RUNTIME_DIR=str(root),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "same display": True,
        "user in it": 0,
        "owner of its file": user.uid,
        "left": [],
    }
    assert not containers_on(rootless)


@pytest.fixture(scope="module")
def remapping(
    user: MappedUser, sidecar_image: Image, kernel_image: Image
) -> Iterator[docker.DockerClient]:
    """Give Docker's engine with userns-remap: what is user 0 in containers is none outside."""
    engine = Engine(f"--userns-remap={NAME}")
    try:
        engine.wait_until_up()
        for image in (sidecar_image, kernel_image):
            engine.client.images.load(image.save(named=image.tags[0]))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            yield engine.client
    finally:
        engine.end()


async def test_an_engine_that_remaps_users(
    remapping: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    tmp_path: Path,
    leftovers: Path,
) -> None:
    """Kernels run as this user all the same, without rights; their files are this user's."""
    assert read_engine(remapping).remaps_users
    options = {"image": kernel_image.tags[0], "network": "none"}
    kernel = ContainerKernel(write_spec(tmp_path, options), tmp_path)
    await kernel.start()
    try:
        await kernel.run(f"{START}\n{SHOW}\nopen('made.txt', 'w').close()")
        await until_printed(kernel, WINDOWS, "['Figure 1']")
        capabilities = await kernel.run("!grep CapBnd /proc/self/status")
        assert capabilities.split() == ["CapBnd:", "0" * 16]
    finally:
        await kernel.stop()
    assert (tmp_path / "made.txt").stat().st_uid == os.getuid()
    assert not containers_on(remapping)


async def test_a_container_of_mapped_users(
    remapping: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """A display joins a container whose root is a user of /etc/subuid."""
    theirs = remapping.containers.run(
        sidecar_image.tags[0],
        ["-c", "import time; time.sleep(600)"],
        entrypoint="python3",
        name="theirs",
        network_mode="none",
        ipc_mode="shareable",
        detach=True,
    )
    manager = DisplayManager()
    try:
        info = await manager.create(DisplaySpec(size=Size(320, 240), container="theirs"))
        assert "MIT-SHM" not in info.chosen["runtime"]
        theirs.exec_run(["python3", "-c", DRAW], environment=environment(info), detach=True)
        await until_green(manager, info)
    finally:
        await manager.close()
        theirs.remove(force=True)
