"""One engine and one image for all tests; each test is judged by the containers that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers import images
from tests.containers.real_engine import BASE, Engine, download_wheels, require


@pytest.fixture(scope="session")
def real_engine() -> Iterator[Engine]:
    """Give an engine that has the base image."""
    require()
    engine = Engine()
    try:
        engine.wait_until_up()
        engine.import_base()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            yield engine
    finally:
        engine.end()


@pytest.fixture(scope="session")
def sidecar_image(real_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Give the sidecar's image, as `jupyter xdisplay image build` makes it."""
    wheels = tmp_path_factory.mktemp("wheels")
    download_wheels(wheels)
    return images.build_sidecar(real_engine.client, base=BASE, wheels=wheels, network="host")


@pytest.fixture
def engine(real_engine: Engine, leftovers: Path) -> Iterator[docker.DockerClient]:
    """Give the engine's client; a test leaves no container, network or volume."""
    client = real_engine.client
    before = _things(client)
    yield client
    left = _things(client) - before
    for container in client.containers.list(all=True):
        container.remove(force=True)
    assert not left


def _things(client: docker.DockerClient) -> set[str]:
    return {
        *(f"container {found.name}" for found in client.containers.list(all=True)),
        *(f"network {found.name}" for found in client.networks.list()),
        *(f"volume {found.name}" for found in client.volumes.list()),
    }
