"""Kernels in containers whose Jupyter server restarts them, or was killed; with real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.images import Image

from tests.containers.kernels import containers_of, directories, write_spec
from tests.containers.real_engine import containers_on, stubborn
from tests.server.real_server import JupyterServer
from tests.waiting import wait_until

MakeServer = Callable[..., JupyterServer]
LONG_S = 60.0


@pytest.fixture
def make_server(
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    leftovers: Path,
    tmp_path: Path,
) -> Iterator[MakeServer]:
    """Give a function that starts servers that have a kernel in a container, called box."""
    options = {"image": kernel_image.tags[0], "network": "none"}
    variables = {"JUPYTER_PATH": str(write_spec(tmp_path, options).parent)}
    servers: list[JupyterServer] = []

    def make(**config: Any) -> JupyterServer:
        home = tmp_path / f"server{len(servers)}"
        servers.append(JupyterServer(home, leftovers, environment=variables, config=config))
        servers[-1].wait_until_up()
        return servers[-1]

    yield make
    for server in servers:
        server.stop()
    assert not directories(leftovers)


def test_a_killed_server(make_server: MakeServer, engine: docker.DockerClient) -> None:
    """The next server removes its kernels' containers; another server's kernels go on."""
    killed, other = make_server(), make_server()
    killed.post("api/kernels", {"name": "box"})
    mine = {one.id for one in containers_on(engine)}
    kernel_id = other.post("api/kernels", {"name": "box"})["id"]
    theirs = {one.id for one in containers_on(engine)} - mine
    assert len(mine) == len(theirs) == 2
    killed.process.kill()
    killed.process.wait()
    make_server()
    wait_until(lambda: {one.id for one in containers_on(engine)} == theirs, "not reaped", LONG_S)
    assert {one.status for one in containers_on(engine)} == {"running"}
    assert other.ask("DELETE", f"api/kernels/{kernel_id}").status == 204
    assert not containers_on(engine)


def test_a_kernel_that_cannot_be_cleaned_up(
    make_server: MakeServer, engine: docker.DockerClient
) -> None:
    """Its restarts fail, are counted, and it is dead then: not "restarting" for ever."""
    server = make_server(KernelRestarter={"restart_limit": 2, "time_to_dead": 0.3})
    server.post("api/kernels", {"name": "box"})
    [container] = containers_of(engine, "kernel-")
    with stubborn(container):
        container.kill()
        wait_until(lambda: server.get("api/kernels") == [], "it is never given up", LONG_S)
    assert f"docker rm --force {container.name}" in server.log.read_text()
    assert [one.id for one in containers_on(engine)] == [container.id]
    container.remove(force=True)


def test_a_kernel_comes_back_once_it_can(
    make_server: MakeServer, engine: docker.DockerClient
) -> None:
    """What kept the former container from being removed is gone before the restarts are over."""
    server = make_server(KernelRestarter={"restart_limit": 100, "time_to_dead": 0.3})
    server.post("api/kernels", {"name": "box"})
    [container] = containers_of(engine, "kernel-")
    failed = "could not be restarted"
    with stubborn(container):
        container.kill()
        wait_until(lambda: failed in server.log.read_text(), "no restart failed", LONG_S)

    def is_back() -> bool:
        others = [one for one in containers_of(engine, "kernel-") if one.id != container.id]
        return [one.status for one in others] == ["running"]

    wait_until(is_back, "it does not come back", LONG_S)
    [kernel] = server.get("api/kernels")
    path = f"api/kernels/{kernel['id']}"
    # while a restart goes on, jupyter_client cannot shut it down: InvalidStateError
    wait_until(lambda: server.ask("DELETE", path).status == 204, "it is not shut down", LONG_S)
    wait_until(lambda: not containers_on(engine), "something is left")
