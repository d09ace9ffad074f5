"""What `jupyter xdisplay kernel add` makes of an image; with the real engine."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.cli import main
from jupyter_xdisplay.containers import kernel_image as kernel_images
from jupyter_xdisplay.containers import kernel_specs
from jupyter_xdisplay.containers.build import Setup
from jupyter_xdisplay.containers.kernel_recipe import Recipe
from jupyter_xdisplay.errors import ImageBuildFailed, ImageMissing
from tests.containers import stand_in
from tests.containers.real_engine import BASE

VERSIONS = """
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"].lower(): d.version for d in m.distributions()}))
"""
IMPORTS = """
import os, pathlib, jupyter_xdisplay, ipykernel, matplotlib, anywidget, PySide6.QtWidgets
import jupyter_xdisplay.kernel.session, jupyter_xdisplay.kernel.widget
(pathlib.Path.home() / "made").write_text("here")
print(os.getuid(), pathlib.Path(jupyter_xdisplay.__file__).parent)
"""


def run_in(client: docker.DockerClient, image: Image, code: str, **options: object) -> str:
    """Run Python in a container of an image; return what it prints."""
    output = client.containers.run(
        image.id,
        ["-c", code],
        entrypoint="python3",
        remove=True,
        network_mode="none",
        **options,
    )
    return output.decode().strip()


def test_what_is_on_top(
    engine: docker.DockerClient, stand_in_image: Image, kernel_image: Image
) -> None:
    """All that a kernel needs, for any user; what was there is as it was."""
    home = {"HOME": "/home/jovyan"}
    said = run_in(engine, kernel_image, IMPORTS, user="1234:1234", environment=home)
    assert said == "1234 /opt/jupyter-xdisplay/jupyter_xdisplay"
    assert kernel_image.attrs["Config"]["User"] == stand_in.USER
    before = json.loads(run_in(engine, stand_in_image, VERSIONS))
    after = json.loads(run_in(engine, kernel_image, VERSIONS))
    assert {name: after[name] for name in before} == before
    assert {"ipykernel", "anywidget", "wrapt", "jupyter-xdisplay"} <= after.keys()
    assert "jupyter-server" not in after  # not for kernels
    left = "import os; print(os.path.exists('/opt/jupyter-xdisplay/.install'))"
    assert run_in(engine, kernel_image, left) == "False"


def test_it_is_told_from_others(engine: docker.DockerClient, kernel_image: Image) -> None:
    """By its name, and by what it was built from; the fix names the command."""
    found = kernel_images.find_kernel(engine, kernel_image.tags[0])
    assert found.id == kernel_image.id
    with pytest.raises(ImageMissing, match="is not on this engine") as caught:
        kernel_images.find_kernel(engine, "jupyter-xdisplay-kernel-tf:1", base="tf:2")
    assert caught.value.fix == "jupyter xdisplay kernel add --image tf:2 --name tf"
    with pytest.raises(ImageMissing, match="another version, or not for kernels"):
        kernel_images.find_kernel(engine, BASE)


FOREIGN_PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(1024)
"""For aarch64 (elf(5), EM_AARCH64)."""


@pytest.fixture
def images_of_others(engine: docker.DockerClient) -> Iterator[None]:
    """Make images that no kernel can be made of: of another processor, and without a shell."""
    contents = {"foreign": {"bin/sh": FOREIGN_PROGRAM}, "empty": {"etc/motd": b"hello"}}
    for name, files in contents.items():
        engine.api.import_image_from_data(_archive(files), repository=name, tag="latest")
    yield
    for name in contents:
        engine.images.remove(f"{name}:latest", force=True)


def _archive(files: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return found.getvalue()


@pytest.mark.parametrize(
    ("base", "pip", "words"),
    [
        (BASE, (), "no Python on its PATH"),
        ("foreign:latest", (), "not for this engine's processor"),
        ("empty:latest", (), "no shell"),
        (stand_in.TAG, ("no-such-package-at-all",), "no-such-package-at-all"),
    ],
)
def test_images_that_cannot_become_a_kernel(
    engine: docker.DockerClient,
    stand_in_image: Image,
    kernel_setup: Setup,
    images_of_others: None,
    base: str,
    pip: tuple[str, ...],
    words: str,
) -> None:
    """It is said what they lack; no image is left, named or not."""
    before = {image.id for image in engine.images.list(all=True)}
    with pytest.raises(ImageBuildFailed) as caught:
        kernel_images.build_kernel(
            engine, Recipe("broken", base, pip=pip, toolkit="none"), kernel_setup
        )
    assert words in caught.value.message
    assert caught.value.fix
    assert {image.id for image in engine.images.list(all=True)} <= before


def test_an_image_that_cannot_be_had(engine: docker.DockerClient) -> None:
    """Neither there nor pulled."""
    with pytest.raises(ImageMissing, match="cannot be pulled") as caught:
        kernel_images.build_kernel(engine, Recipe("broken", "127.0.0.1:1/no/such:1"))
    assert "docker pull" in (caught.value.fix or "")


def test_the_command(
    engine: docker.DockerClient,
    stand_in_image: Image,
    sidecar_image: Image,
    kernel_wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Add, list, add with other options, remove: image and specification come and go together."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    build = ["--build-network", "host", "--wheels", str(kernel_wheels), "--toolkit", "none"]
    add = ["kernel", "add", "--image", stand_in.TAG, "--name", "mine", *build]
    assert main([*add, "--memory", "2g"]) == 0
    assert 'choose the kernel "mine (stand-in:latest)"' in capsys.readouterr().out
    assert main([*add, "--cpus", "1.5"]) == 0
    assert "As before: memory" in capsys.readouterr().out
    found = kernel_specs.find("mine")
    assert found is not None
    assert found.options is not None
    assert (found.options.memory, found.options.cpus) == ("2g", 1.5)
    assert main(["kernel", "list"]) == 0
    assert "current" in capsys.readouterr().out
    assert main(["kernel", "remove", "mine"]) == 0
    assert kernel_specs.find("mine") is None
    with pytest.raises(ImageMissing):
        kernel_images.find_kernel(engine, found.options.image)
