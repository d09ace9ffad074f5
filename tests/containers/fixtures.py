"""Fixtures, for browser tests too: one engine, its images; each test is judged by what it leaves.

With `XDISPLAY_TEST_ENGINE` it is an engine that runs already, and images that are current are
taken as they are. Others may use it at the same time, so nobody is judged there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from jupyter_xdisplay.containers import images
from jupyter_xdisplay.containers import kernel_image as kernel_image_module
from jupyter_xdisplay.containers.build import Setup
from jupyter_xdisplay.containers.kernel_recipe import Recipe
from jupyter_xdisplay.errors import ImageMissing
from tests.containers import stand_in
from tests.containers.kernels import ContainerKernel, MakeKernel, write_spec
from tests.containers.real_engine import (
    Engine,
    RunningEngine,
    build_sidecar,
    containers_on,
    download_kernel_wheels,
    require,
    start,
)

FOLDER = Path(__file__).parent
MakeContainer = Callable[..., Container]
TIMEOUT_S = 600
"""Of the first test that asks for an image: it is built in its time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests the time in which images are built."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session")
def real_engine() -> Iterator[Engine | RunningEngine]:
    """Give an engine that has the base image."""
    require()
    engine = start()
    try:
        engine.wait_until_up()
        engine.import_base()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            yield engine
    finally:
        engine.end()


@pytest.fixture(scope="session")
def docker_client(real_engine: Engine | RunningEngine) -> docker.DockerClient:
    """Give the engine's client."""
    return real_engine.client


@pytest.fixture(scope="session")
def sidecar_image(
    real_engine: Engine | RunningEngine, tmp_path_factory: pytest.TempPathFactory
) -> Image:
    """Give the sidecar's image, as `jupyter xdisplay image build` makes it."""
    try:
        return images.find_sidecar(real_engine.client)
    except ImageMissing:
        return build_sidecar(real_engine.client, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def kernel_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of wheels that kernels' images are made with, without an index."""
    wheels = tmp_path_factory.mktemp("kernel-wheels")
    download_kernel_wheels(wheels)
    return wheels


@pytest.fixture(scope="session")
def kernel_setup(kernel_wheels: Path) -> Setup:
    """Say how kernels' images are built here."""
    return Setup(network="host", wheels=kernel_wheels)


@pytest.fixture(scope="session")
def stand_in_image(
    real_engine: Engine | RunningEngine, tmp_path_factory: pytest.TempPathFactory
) -> Image:
    """Give an image such as researchers have: see `stand_in`."""
    return stand_in.make(real_engine.client, tmp_path_factory.mktemp("stand-in"))


@pytest.fixture(scope="session")
def kernel_image(
    real_engine: Engine | RunningEngine, stand_in_image: Image, request: pytest.FixtureRequest
) -> Image:
    """Give what `jupyter xdisplay kernel add` makes of the stand-in."""
    client = real_engine.client
    recipe = Recipe("stand-in", stand_in.TAG, apt=("mesa-utils",), pip=("matplotlib",))
    try:
        image = kernel_image_module.find_kernel(client, recipe.tag)
        if image.labels[kernel_image_module.BASE_ID_LABEL] == stand_in_image.id:
            return image
    except ImageMissing:
        pass
    setup = request.getfixturevalue("kernel_setup")  # its wheels are brought only if they are used
    return kernel_image_module.build_kernel(client, recipe, setup)


@pytest.fixture(scope="session")
def tensorflow_image(
    real_engine: Engine | RunningEngine,
    stand_in_image: Image,
    tmp_path_factory: pytest.TempPathFactory,
) -> Image:
    """Give a kernel's image with TensorFlow in it: 600 MB of wheels, for the test on request."""
    wheels = tmp_path_factory.mktemp("tensorflow")
    download_kernel_wheels(wheels, "tensorflow-cpu")
    recipe = Recipe("tensorflow", stand_in.TAG, pip=("tensorflow-cpu",))
    setup = Setup(network="host", wheels=wheels)
    return kernel_image_module.build_kernel(real_engine.client, recipe, setup)


@pytest.fixture
def engine(real_engine: Engine | RunningEngine, leftovers: Path) -> Iterator[docker.DockerClient]:
    """Give the engine's client; a test leaves no container, network or volume."""
    client = real_engine.client
    if real_engine.shared:
        yield client
        return
    before = _things(client)
    yield client
    left = _things(client) - before
    for container in containers_on(client):
        container.remove(force=True)
    assert not left


def _things(client: docker.DockerClient) -> set[str]:
    return {
        *(f"container {found.name}" for found in containers_on(client)),
        *(f"network {found.name}" for found in client.networks.list()),
        *(f"volume {found.name}" for found in client.volumes.list()),
    }


@pytest.fixture
def make_container(engine: docker.DockerClient, sidecar_image: Image) -> Iterator[MakeContainer]:
    """Start a container as anybody does, that waits."""
    made: list[Container] = []

    def make(image: Image = sidecar_image, **options: object) -> Container:
        settings = {"network_mode": "none", "name": "theirs", **options}
        command = ["-c", "import time; time.sleep(600)"]
        made.append(
            engine.containers.run(
                image.id, command, entrypoint="python3", init=True, detach=True, **settings
            )
        )
        return made[-1]

    yield make
    for container in made:
        with suppress(docker.errors.NotFound):
            container.remove(force=True)


@pytest.fixture
async def make_kernel(
    engine: docker.DockerClient, sidecar_image: Image, kernel_image: Image, tmp_path: Path
) -> AsyncIterator[MakeKernel]:
    """Start kernels; all are shut down at the end."""
    kernels: list[ContainerKernel] = []

    async def make(cwd: Path = tmp_path, **options: Any) -> ContainerKernel:
        wanted = {"image": kernel_image.tags[0], "network": "none", **options}
        kernel = ContainerKernel(write_spec(tmp_path, wanted), cwd)
        kernels.append(kernel)
        await kernel.start()
        return kernel

    yield make
    for kernel in kernels:
        await kernel.stop()
