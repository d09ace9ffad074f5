"""The network that kernels have unless told otherwise: the engine's own bridge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from tests.containers.kernels import (
    SHOW,
    START,
    WINDOWS,
    ContainerKernel,
    until_printed,
    write_spec,
)
from tests.containers.real_engine import Engine, containers_on

ADDRESS = "import socket; print(socket.gethostbyname(socket.gethostname()))"
LISTEN = """
import socket
server = socket.create_server(("0.0.0.0", 7777))
"""
CONNECT = """
import socket
for port in {ports}:
    with socket.socket() as stream:
        stream.settimeout(2)
        print(port, stream.connect_ex(("{address}", port)) == 0)
"""


@pytest.fixture
def bridged(sidecar_image: Image, kernel_image: Image) -> Iterator[docker.DockerClient]:
    """Give an engine with a bridge, in a network namespace of its own."""
    engine = Engine(own_network=True)
    try:
        engine.wait_until_up()
        for image in (sidecar_image, kernel_image):
            engine.client.images.load(image.save(named=image.tags[0]))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            yield engine.client
    finally:
        engine.end()


async def test_the_default_network(
    bridged: docker.DockerClient, kernel_image: Image, tmp_path: Path, leftovers: Path
) -> None:
    """Windows come up; another kernel there reaches ports, but none of a display or a channel."""
    kernels = write_spec(tmp_path, {"image": kernel_image.tags[0]})
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    one, two = (ContainerKernel(kernels, folder) for folder in folders)
    try:
        await one.start()
        await two.start()
        pods = [one.attrs["HostConfig"] for one in containers_on(bridged)]
        assert sorted(pod["NetworkMode"].partition(":")[0] for pod in pods) == [
            *(["bridge"] * 2),
            *(["container"] * 2),
        ]
        assert not any(pod["PortBindings"] for pod in pods)
        await one.run(f"{START}\n{SHOW}\n{LISTEN}")
        await until_printed(one, WINDOWS, "['Figure 1']")
        address = (await one.run(ADDRESS)).strip()
        assert address.startswith("172.")
        seen = await two.run(CONNECT.format(address=address, ports=(5900, 6000, 7777)))
        assert seen.split() == ["5900", "False", "6000", "False", "7777", "True"]
    finally:
        await one.stop()
        await two.stop()
    assert not containers_on(bridged)
