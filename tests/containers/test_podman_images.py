"""Images that podman builds: of displays and of kernels, by the commands that people run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay import __version__
from jupyter_xdisplay.cli import main
from jupyter_xdisplay.containers import images
from tests.containers import stand_in
from tests.containers.podman_service import own_folder, podman_service
from tests.containers.real_engine import BASE, download_wheels


@pytest.fixture(scope="module")
def podman(
    docker_client: docker.DockerClient, stand_in_image: Image
) -> Iterator[docker.DockerClient]:
    """Give podman's service with what images start from, and none of ours."""
    base = docker_client.images.get(BASE)
    with own_folder() as folder, podman_service(folder, [base, stand_in_image]) as client:
        yield client


def kernel_images(podman: docker.DockerClient) -> list[str]:
    """Return the names of the images that were made for kernels."""
    found = [tag for image in podman.images.list() for tag in image.tags]
    return [tag for tag in found if "jupyter-xdisplay-kernel-" in tag]


def untagged(podman: docker.DockerClient) -> list[str]:
    """Return the images that have no name: stages, and those that lost theirs."""
    return [str(image.id) for image in podman.images.list() if not image.tags]


def test_the_commands(
    podman: docker.DockerClient,
    kernel_wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The display's image is built; a kernel is added, anew, listed, and gone with its image."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    wheels = tmp_path / "wheels"
    download_wheels(wheels)
    build = ["image", "build", f"--base={BASE}", "--network=host", f"--wheels={wheels}"]
    assert main(build) == 0
    output = capsys.readouterr().out
    assert re.search(r"\[1/2\] STEP \d+/\d+: RUN", output)
    assert re.search(rf"jupyter-xdisplay-sidecar:{__version__}: \d+ MB", output)
    images.find_sidecar(podman)
    add = ["kernel", "add", f"--image={stand_in.TAG}", "--name=mine", "--build-network=host"]
    add += [f"--wheels={kernel_wheels}", "--toolkit=none"]
    assert main(add) == 0
    assert "Building the sidecar's image" not in capsys.readouterr().out
    [first] = [podman.images.get(tag) for tag in kernel_images(podman)]
    assert main([*add, "--pip=traitlets"]) == 0
    [second] = [podman.images.get(tag) for tag in kernel_images(podman)]
    assert second.id != first.id
    capsys.readouterr()
    assert main(["kernel", "list"]) == 0
    assert re.search(r"\nmine +stand-in:latest +\d+ MB +current\n", capsys.readouterr().out)
    assert main(["kernel", "remove", "mine"]) == 0
    assert "and its image" in capsys.readouterr().out
    assert not kernel_images(podman)
    assert not untagged(podman)
