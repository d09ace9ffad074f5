"""Podman's service, of root or of an ordinary user, with images and containers of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from tests.containers.mapped_user import MappedUser
from tests.waiting import wait_until

CONFIGURATION = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
"""Its own are larger than what a container of a test machine may have."""


@contextmanager
def podman_service(
    folder: Path, images: Sequence[Image], user: MappedUser | None = None
) -> Iterator[docker.DockerClient]:
    """Give a client of it; skip where it is not installed, or starts no container here.

    Parameters
    ----------
    folder
        For all that it has; with a user, it must be its home.
    images
        What is copied from Docker's engine.
    user
        As whom it runs; None: root.
    """
    if shutil.which("podman") is None:
        pytest.skip("NO TESTS OF PODMAN: it is not installed (scripts/setup.sh installs it)")
    (folder / "containers.conf").write_text(CONFIGURATION)
    address = f"unix://{folder}/podman.sock"
    runtime = ["--runtime", "runc"] if shutil.which("runc") else []  # crun refuses old cgroups
    store = ["--root", f"{folder}/root", "--runroot", f"{folder}/runroot"]
    driver = ["--storage-driver", "overlay"]  # rootless ones may copy whole images otherwise
    podman = ["podman", *runtime, *store, *driver, "--cgroup-manager", "cgroupfs"]
    variables = {"CONTAINERS_CONF": f"{folder}/containers.conf"}
    environment = {**os.environ, **variables}
    if user is not None:
        podman, environment = user.command(*podman), user.environment(**variables)

    def run(*arguments: str) -> None:
        subprocess.run([*podman, *arguments], env=environment, cwd=folder, check=False)

    with (folder / "log").open("wb") as log:
        command = [*podman, "system", "service", "--time=0", address]
        service = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        client = wait_until(lambda: _connect(address), "podman does not answer")
        for image in images:
            client.images.load(image.save(named=image.tags[0]))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            _skip_where_nothing_starts(client, images[0])
            yield client
        client.close()
    finally:
        service.terminate()
        service.wait()
        run("unmount", "--all")
        if user is not None:
            run("system", "migrate")  # ends the process that holds its user namespace
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give a folder on a disk, that everybody may enter; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="xdt-podman-", dir="/var/tmp") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def _connect(address: str) -> docker.DockerClient | None:
    with contextlib.suppress(docker.errors.DockerException):
        return docker.DockerClient(address, timeout=300)
    return None


def _skip_where_nothing_starts(client: docker.DockerClient, image: Image) -> None:
    options = {"entrypoint": "sh", "network_mode": "none", "remove": True}
    try:
        client.containers.run(image.tags[0], ["-c", ""], **options)
    except docker.errors.APIError as error:
        pytest.skip(f"NO TESTS OF PODMAN: it starts no container here: {error.explanation}")
