"""The main case: an ordinary user who may use Docker's engine, which runs as root."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator

import docker
import pytest
from docker.models.images import Image

from tests.containers.mapped_user import MappedUser, mapped_user
from tests.containers.podman_service import own_folder
from tests.containers.real_engine import Engine, RunningEngine, containers_on


@pytest.fixture
def user() -> Iterator[MappedUser]:
    """Give an ordinary user."""
    with own_folder() as folder, mapped_user(folder) as made:
        yield made


def test_an_ordinary_user(
    user: MappedUser,
    real_engine: Engine | RunningEngine,
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
) -> None:
    """In the socket's group: kernels run as that user, and what they write is that user's."""
    socket = real_engine.socket.stat()
    assert stat.S_IMODE(socket.st_mode) & 0o060 == 0o060
    root, folder = user.home / "x", user.home / "notebooks"
    for made in (root, folder):
        user.make(made)
    done = user.run_module(
        "tests.containers.kernel_of_user",
        kernel_image.tags[0],
        str(folder),
        group=socket.st_gid,
        DOCKER_HOST=f"unix://{real_engine.socket}",
        JUPYTER_XDISPLAY_RUNTIME_DIR=str(root),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "same display": True,
        "user in it": user.uid,
        "owner of its file": user.uid,
        "left": [],
    }
    assert not containers_on(engine)
    shutil.rmtree(folder)
