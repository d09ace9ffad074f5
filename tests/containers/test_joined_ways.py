"""A container that runs already, joined by what people use: REST and the magic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from tests.containers.real_engine import containers_on
from tests.containers.test_sidecar_container import DRAW
from tests.kernel.kernel_process import KernelProcess
from tests.server.documented import DocumentedServer
from tests.server.real_server import API, JupyterServer
from tests.waiting import wait_until


@pytest.fixture
def theirs(engine: docker.DockerClient, sidecar_image: Image) -> Iterator[list[Container]]:
    """Give two containers of somebody, `theirs` and `others`."""
    made = [
        engine.containers.run(
            sidecar_image.id,
            ["-c", "import time; time.sleep(600)"],
            entrypoint="python3",
            network_mode="none",
            name=name,
            user="4321:4321",
            init=True,
            detach=True,
        )
        for name in ("theirs", "others")
    ]
    yield made
    for container in made:
        container.remove(force=True)


@pytest.fixture
def server(leftovers: Path, tmp_path: Path) -> Iterator[JupyterServer]:
    """Give a server of the test's own."""
    server = JupyterServer(tmp_path / "server", leftovers)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


def draw(container: Container, display: str, xauthority: str) -> None:
    """Show a green window from inside a container."""
    told = {"DISPLAY": display, "XAUTHORITY": xauthority}
    container.exec_run(["python3", "-c", DRAW], environment=told, detach=True)


def test_rest(server: JupyterServer, theirs: list[Container], engine: docker.DockerClient) -> None:
    """A display for a container by its name; for a second one another display, never the same."""
    rest = DocumentedServer(server)
    asked = {"container": "theirs", "size": "320x240"}
    first = rest.ask("POST", API, asked).json
    assert (first["container"], first["runtime"]) == ("theirs", "docker")
    assert "engine at unix://" in first["chosen"]["runtime"]
    draw(theirs[0], first["display"], first["xauthority"])
    wait_until(lambda: server.info(first["id"])["clients"], "no program comes")
    assert rest.ask("POST", API, asked).json["id"] == first["id"]
    refused = rest.ask("POST", API, {"container": "others"})
    assert refused.status == 400
    assert "was there already, for programs of the container theirs" in refused.json["message"]
    second = rest.ask("POST", API, {"container": "others", "name": "other"}).json
    assert second["container"] == "others"
    assert second["id"] != first["id"]
    draw(theirs[1], second["display"], second["xauthority"])
    wait_until(lambda: server.info(second["id"])["clients"], "no program comes")
    for info in (first, second):
        assert rest.ask("DELETE", f"{API}/{info['id']}").status == 200
    names = sorted(str(one.name) for one in containers_on(engine))
    assert names == ["others", "theirs"]


def test_the_magic(leftovers: Path, theirs: list[Container], engine: docker.DockerClient) -> None:
    """In a kernel, with what is told of how programs in there find it; stopped, all is gone."""
    kernel = KernelProcess()
    try:
        kernel.ok("%load_ext jupyter_xdisplay")
        said = kernel.ok("%xdisplay start --runtime docker --container theirs --size 320x240").words
        assert "theirs" in said
        code = (
            "import jupyter_xdisplay as xd; i = xd.display().info; print(i.display, i.xauthority)"
        )
        draw(theirs[0], *kernel.ok(code).text.split()[-2:])
        clients = "print(len(xd.display().info.clients))"
        wait_until(lambda: kernel.ok(clients).text.split()[-1] == "1", "no program comes")
        assert "engine at unix://" in kernel.ok("%xdisplay status").words
        kernel.ok("%xdisplay stop")
        names = sorted(str(one.name) for one in containers_on(engine))
        assert names == ["others", "theirs"]
    finally:
        kernel.end()
