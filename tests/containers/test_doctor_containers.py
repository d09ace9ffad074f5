"""The doctor on a real engine: what it finds is so, and it leaves nothing there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers import images
from jupyter_xdisplay.doctor import containers
from jupyter_xdisplay.doctor.check import Check
from jupyter_xdisplay.runtime.pod_folders import CHANNELS, SIDECARS, X
from tests.containers.real_engine import Engine, containers_on
from tests.other_user import AS_OTHER_USER, needs_other_user

CHECKS = """
import json
from jupyter_xdisplay.doctor.containers import container_checks
print(json.dumps([check.to_json() for check in container_checks()]))
"""


def found() -> dict[str, Check]:
    """Return the findings by their names."""
    return {check.name: check for check in containers.container_checks()}


def configure_image(folder: Path, tag: str) -> None:
    """Let Jupyter Server's configuration name the image of displays."""
    (folder / "jupyter_server_config.py").write_text(f"c.DockerRuntime.image = {tag!r}\n")


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of Jupyter's configuration."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    return tmp_path


def test_all_is_fine(engine: docker.DockerClient, sidecar_image: Image, leftovers: Path) -> None:
    """The image is current, a container of it is started and joined; none is left."""
    checks = found()
    names = ("engine socket", "container engine", "sidecar image", "sidecar container")
    assert [checks[name].status for name in names] == ["ok"] * len(names), checks
    assert "Docker" in checks["container engine"].detail
    assert images.SIDECAR_TAG in checks["sidecar image"].detail
    assert "DOCKER_HOST" in checks["container engine"].detail
    assert "was started and joined" in checks["sidecar container"].detail
    assert not list(leftovers.glob("*"))
    assert not [one for one in containers_on(engine) if "doctor" in str(one.name)]


def test_what_only_a_start_shows(
    engine: docker.DockerClient,
    sidecar_image: Image,
    leftovers: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that the kernel's container does not get, as with SELinux, is a problem."""
    monkeypatch.setattr("jupyter_xdisplay.runtime.kernel_container.PARTS", (X, SIDECARS, CHANNELS))
    check = found()["sidecar container"]
    assert check.status == "problem"
    assert "cannot read the folder" in check.detail
    assert not list(leftovers.glob("*"))


def test_an_image_that_is_missing_or_old(
    engine: docker.DockerClient, sidecar_image: Image, configuration: Path
) -> None:
    """Missing: a note, as nobody may want it; of another version: a problem. No container then."""
    configure_image(configuration, "my-displays:none")
    checks = found()
    assert checks["sidecar image"].status == "note"
    assert checks["sidecar image"].fix == "jupyter xdisplay image build --tag my-displays:none"
    assert "sidecar container" not in checks
    configure_image(configuration, "debian:bookworm")
    checks = found()
    assert checks["sidecar image"].status == "problem"
    assert "another version" in checks["sidecar image"].detail


def test_an_image_that_a_kernel_wants(
    engine: docker.DockerClient, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a kernel's specification asks for containers, a missing image is a problem."""
    configure_image(configuration, "my-displays:none")
    monkeypatch.setattr(containers, "kernels_in_containers", lambda: ("boxed",))
    assert found()["sidecar image"].status == "problem"


def test_folders_that_the_engine_does_not_see(
    engine: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """Jupyter whose private directory the engine cannot mount, as in a container of its own."""
    leftovers.mkdir(mode=0o700, exist_ok=True)
    script = f'mount -t tmpfs -o mode=0700 none {leftovers} && exec "$0" -c "$1"'
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, sys.executable, CHECKS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    check = {check["name"]: check for check in json.loads(result.stdout)}["sidecar container"]
    assert check["status"] == "note"
    assert "do not see the notebook's" in check["detail"]
    assert "at the same path" in check["fix"]


@needs_other_user
def test_a_socket_of_others(real_engine: Engine, tmp_path: Path) -> None:
    """Whoever may not use it is told how to, and that everybody may is told to all."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*AS_OTHER_USER, sys.executable, "-c", CHECKS]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert checks["container engine"]["status"] == "problem"  # DOCKER_HOST is set here
    assert "usermod -aG docker" in checks["container engine"]["fix"]
    mode = stat.S_IMODE(real_engine.socket.stat().st_mode)
    folder = stat.S_IMODE(real_engine.socket.parent.stat().st_mode)
    real_engine.socket.chmod(0o666)
    real_engine.socket.parent.chmod(0o755)
    try:
        check = found()["engine socket"]
        assert check.status == "problem"
        assert "chmod 660" in (check.fix or "")
    finally:
        real_engine.socket.chmod(mode)
        real_engine.socket.parent.chmod(folder)
