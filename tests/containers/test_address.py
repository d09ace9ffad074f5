"""Which engine is used: what is named, else what is here; with contexts that `docker` made."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_xdisplay.containers import address, engine
from jupyter_xdisplay.containers.address import find_address
from jupyter_xdisplay.errors import EngineUnreachable
from tests.containers.certificates import make_certificates
from tests.containers.real_engine import Engine, RunningEngine

CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")

Docker = Callable[..., None]


@pytest.fixture
def docker_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Give the `docker` command with a configuration of its own, and no engine that is named."""
    if shutil.which("docker") is None:
        pytest.skip("the docker command is not installed")
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("DEFAULT_SOCKET", "PODMAN_SOCKET"):
        monkeypatch.setattr(address, name, str(tmp_path / "nowhere.sock"))

    def run(*arguments: str) -> None:
        subprocess.run(["docker", *arguments], check=True, capture_output=True)

    return run


def test_a_context(real_engine: Engine | RunningEngine, docker_command: Docker) -> None:
    """What `docker context use` chose is used, as rootless Docker's set-up does it."""
    assert not engine.may_be_there()
    url = f"unix://{real_engine.socket}"
    docker_command("context", "create", "rootless", "--docker", f"host={url}")
    assert not engine.may_be_there()
    docker_command("context", "use", "rootless")
    assert engine.may_be_there()
    found = find_address()
    assert (found.url, found.why, found.named) == (url, "the Docker context rootless", True)
    client = engine.connect()
    assert client.info()["ID"] == real_engine.client.info()["ID"]
    client.close()


def test_what_counts_first(docker_command: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_HOST, then DOCKER_CONTEXT, then what was chosen; its default is no context."""
    for name in ("chosen", "asked"):
        docker_command("context", "create", name, "--docker", f"host=unix:///{name}.sock")
    docker_command("context", "use", "chosen")
    assert find_address().url == "unix:///chosen.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "asked")
    assert find_address().url == "unix:///asked.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://build:2376")
    assert find_address().url == "tcp://build:2376"
    assert find_address().is_remote
    monkeypatch.setenv("DOCKER_HOST", "")
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert not find_address().named


def test_a_context_with_certificates(docker_command: Docker, tmp_path: Path) -> None:
    """They are where `docker` keeps them, and whether to verify is what was asked."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    make_certificates(tmp_path)
    given = [f"{name.removesuffix('.pem')}={tmp_path / name}" for name in CERTIFICATES]
    options = ",".join(["host=tcp://build:2376", *given])
    docker_command("context", "create", "build", "--docker", options)
    docker_command("context", "use", "build")
    tls = find_address().tls
    assert tls is not None
    assert tls.verify
    for name in CERTIFICATES:
        path = tls.file(name.removesuffix(".pem"))
        assert path is not None
        assert Path(path).read_text() == (tmp_path / name).read_text()


def test_a_context_that_is_gone(docker_command: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said with its name, and nothing else is used in its place."""
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    assert engine.may_be_there()
    with pytest.raises(EngineUnreachable, match="context 'gone' \\(DOCKER_CONTEXT\\)") as caught:
        engine.connect()
    assert "docker context ls" in (caught.value.fix or "")


def test_sockets_of_this_user(docker_command: Docker, tmp_path: Path) -> None:
    """Docker's usual one, then a rootless one, then podman's; each where it may be used."""
    podman = tmp_path / "podman" / "podman.sock"
    podman.parent.mkdir()
    variables = {"XDG_RUNTIME_DIR": str(tmp_path), "DOCKER_CONFIG": os.environ["DOCKER_CONFIG"]}
    for path in (podman, tmp_path / "docker.sock", tmp_path / "nowhere.sock"):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            found = find_address(variables)
            assert (found.socket, found.named) == (path, False)


@pytest.mark.parametrize(
    ("url", "shown", "remote"),
    [
        ("tcp://me:secret@build:2375", "tcp://build:2375", True),
        ("ssh://me@build", "ssh://build", True),
        ("tcp://127.0.0.1:2376", "tcp://127.0.0.1:2376", False),
        ("tcp://[::1]:2376", "tcp://[::1]:2376", False),
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock", False),
        ("unix://var/run/docker.sock", "unix://var/run/docker.sock", False),
    ],
)
def test_addresses(url: str, shown: str, *, remote: bool) -> None:
    """They are shown without a password; their name tells whether they are elsewhere."""
    found = address.Address(url, "a test")
    assert str(found) == shown
    assert found.is_remote == remote
    if url.startswith("unix:"):
        assert found.socket == Path("/var/run/docker.sock")


def test_an_engine_behind_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, and the fix brings its socket here."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@build:2222")
    with pytest.raises(EngineUnreachable, match="DOCKER_HOST names ssh://me@build:2222") as caught:
        engine.connect()
    fix = caught.value.fix or ""
    assert "ssh -nNT -L $HOME/engine.sock:/var/run/docker.sock -p 2222 me@build" in fix
    assert "DOCKER_HOST=unix://$HOME/engine.sock" in fix
