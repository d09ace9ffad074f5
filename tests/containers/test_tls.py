"""An engine that is reached over TCP with TLS, as another machine's is: `DOCKER_TLS_VERIFY`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers import engine
from jupyter_xdisplay.errors import EngineUnreachable
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.containers.certificates import ADDRESS, make_certificates
from tests.containers.real_engine import Engine, require
from tests.containers.test_joined import environment, until_green
from tests.containers.test_sidecar_container import DRAW

PORT = 2376


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of certificates, as `docker` wants one."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def far_engine(
    certificates: Path, sidecar_image: Image, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """Give an engine of our own behind TLS that DOCKER_HOST names, with the sidecar's image."""
    require()
    files = [f"--tlscacert={certificates}/ca.pem", f"--tlscert={certificates}/cert.pem"]
    files += [f"--tlskey={certificates}/key.pem", "--tlsverify"]
    own = Engine(f"--host=tcp://{ADDRESS}:{PORT}", *files)
    try:
        own.wait_until_up()
        own.client.images.load(sidecar_image.save(named=sidecar_image.tags[0]))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{ADDRESS}:{PORT}")
        yield own
    finally:
        own.end()


async def test_an_engine_with_tls(
    far_engine: Engine,
    sidecar_image: Image,
    certificates: Path,
    leftovers: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without certificates it is said which variables it needs; with them windows come up."""
    with pytest.raises(EngineUnreachable) as caught:
        engine.connect()
    assert "export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH" in (caught.value.fix or "")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(leftovers))
    with pytest.raises(EngineUnreachable, match="with TLS and the certificates of") as caught:
        engine.connect()
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())  # of something else
    theirs = far_engine.client.containers.run(
        sidecar_image.tags[0],
        ["-c", "import time; time.sleep(600)"],
        entrypoint="python3",
        name="theirs",
        user="4321:4321",  # so that all goes through the engine
        network_mode="none",
        detach=True,
    )
    manager = DisplayManager()
    try:
        info = await manager.create(DisplaySpec(size=Size(320, 240), container="theirs"))
        assert f"engine at tcp://{ADDRESS}:{PORT} (DOCKER_HOST)" in info.chosen["runtime"]
        theirs.exec_run(["python3", "-c", DRAW], environment=environment(info), detach=True)
        await until_green(manager, info)
    finally:
        await manager.close()
    assert [one.name for one in far_engine.client.containers.list(all=True)] == ["theirs"]
