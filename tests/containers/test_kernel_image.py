"""Images of kernels, made by a real engine of images such as researchers have."""

from __future__ import annotations

import io
import json
import re
import struct
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay import __version__
from jupyter_xdisplay.cli import main
from jupyter_xdisplay.containers import context, kernel_specs
from jupyter_xdisplay.containers.build import Setup
from jupyter_xdisplay.containers.kernel_image import (
    BASE_LABEL,
    build_kernel,
    find_kernel,
    remove_images,
)
from jupyter_xdisplay.containers.kernel_recipe import Recipe
from jupyter_xdisplay.errors import ImageBuildFailed, ImageMissing
from tests.containers import stand_in
from tests.containers.real_engine import BASE, download

ANYBODY = "54321:54321"
MAX_MORE_BYTES = 780_000_000
"""What is added: Qt and Mesa mostly; a fifth of it wheels, which an index would not leave."""

VERSIONS = """
import importlib.metadata as metadata, json
print(json.dumps({found.metadata["Name"]: found.version for found in metadata.distributions()}))
"""
IMPORTS = """
import ipykernel.kernelapp, matplotlib, os, pathlib, PySide6, sys
import importlib.metadata as metadata
import jupyter_xdisplay, jupyter_xdisplay.kernel.display
from jupyter_xdisplay.kernel import javascript
assert len(javascript.bundle()) > 100_000 > len(javascript.loader()) > 1000
assert metadata.version("jupyter-xdisplay") == jupyter_xdisplay.__version__
assert "__pycache__" in jupyter_xdisplay.__cached__ and os.path.exists(jupyter_xdisplay.__cached__)
assert not {"xcffib", "jupyter_server"} & set(sys.modules)
(pathlib.Path.home() / "mine").write_text("")
print(os.getuid(), jupyter_xdisplay.__file__)
"""


def run(client: docker.DockerClient, image: str, code: str, **options: Any) -> str:
    """Run Python in a container, as somebody whom the image does not know; return its output."""
    output: bytes = client.containers.run(
        image,
        ["python3", "-c", code],
        network_mode="none",
        remove=True,
        **{"user": ANYBODY, "environment": {"HOME": "/home/jovyan"}, **options},
    )
    return output.decode()


def test_what_the_kernel_needs_is_there(engine: docker.DockerClient, kernel_image: Image) -> None:
    """For any user, without a network, with a folder for what programs write at home."""
    output = run(engine, str(kernel_image.id), IMPORTS)
    assert output.split() == ["54321", "/opt/jupyter-xdisplay/jupyter_xdisplay/__init__.py"]


def test_what_the_image_had_is_as_it_was(
    engine: docker.DockerClient, kernel_image: Image, stand_in_image: Image
) -> None:
    """Its user, and every package's version: numpy's above all, which is not the newest."""
    assert kernel_image.attrs["Config"]["User"] == stand_in.USER
    before = json.loads(run(engine, str(stand_in_image.id), VERSIONS))
    after = json.loads(run(engine, str(kernel_image.id), VERSIONS))
    assert {name: after[name] for name in before} == before
    assert before["numpy"].startswith("2.3.")
    assert after["jupyter-xdisplay"] == __version__


def test_it_is_thin(
    engine: docker.DockerClient, kernel_image: Image, stand_in_image: Image
) -> None:
    """Nothing of the installation is left: no lists, no wheels, no caches."""
    assert kernel_image.attrs["Size"] - stand_in_image.attrs["Size"] < MAX_MORE_BYTES
    code = """
import pathlib
for folder in ("/opt/jupyter-xdisplay/.install", "/var/lib/apt/lists", "/var/cache/apt"):
    print(*pathlib.Path(folder).glob("*"))
print(*pathlib.Path("/usr").rglob("pip-*"), *pathlib.Path("/root/.cache").glob("*"))
"""
    assert not run(engine, str(kernel_image.id), code, user="0").strip()


def test_whether_it_is_current(engine: docker.DockerClient, kernel_image: Image) -> None:
    """It is told from images that are not there, and from those of other versions."""
    tag = f"jupyter-xdisplay-kernel-stand-in:{__version__}"
    assert find_kernel(engine, tag).id == kernel_image.id
    assert kernel_image.labels[BASE_LABEL] == stand_in.TAG
    with pytest.raises(ImageMissing, match="is not on this engine") as caught:
        find_kernel(engine, "jupyter-xdisplay-kernel-none:0", base="some/image")
    assert caught.value.fix == "jupyter xdisplay kernel add --image some/image --name none"
    with pytest.raises(ImageMissing, match="another version"):
        find_kernel(engine, stand_in.TAG)


@pytest.fixture
def images(engine: docker.DockerClient) -> Iterator[list[str]]:
    """Collect names of images that are removed again; a failed build leaves none."""
    before = {image.id for image in engine.images.list()}
    made: list[str] = []
    yield made
    for tag in made:
        engine.images.remove(tag, force=True)
    assert {image.id for image in engine.images.list()} <= before


def _derive(
    client: docker.DockerClient, tag: str, dockerfile: str, more: Mapping[str, bytes] | None = None
) -> None:
    files = {"Dockerfile": dockerfile.encode(), **(more or {})}
    client.images.build(
        fileobj=context.archive(files), custom_context=True, tag=tag, rm=True, network_mode="host"
    )


def _import(client: docker.DockerClient, tag: str, name: str, content: bytes) -> None:
    """Make an image of one program."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    file.seek(0)
    repository, _, version = tag.partition(":")
    client.api.import_image_from_data(file, repository=repository, tag=version)


def _relabel(client: docker.DockerClient, tag: str, architecture: str) -> None:
    """Let an image say that it is for another architecture, as one does that was pulled so."""
    image = client.images.get(tag)
    saved, changed = io.BytesIO(b"".join(image.save(named=tag))), io.BytesIO()
    with tarfile.open(fileobj=saved) as old, tarfile.open(fileobj=changed, mode="w") as new:
        [manifest] = json.loads(_content(old, "manifest.json"))
        for entry in old:
            content = _content(old, entry.name) if entry.isfile() else b""
            if entry.name == manifest["Config"]:
                config = {**json.loads(content), "architecture": architecture}
                content = json.dumps(config).encode()
                entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
    client.images.remove(tag)
    client.images.load(changed.getvalue())


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def _refused(client: docker.DockerClient, setup: Setup, base: str, **more: Any) -> ImageBuildFailed:
    with pytest.raises(ImageBuildFailed) as caught:
        build_kernel(client, Recipe("refused", base, **more), setup)
    assert not client.images.list(name="jupyter-xdisplay-kernel-refused")
    return caught.value


def test_no_python(engine: docker.DockerClient, images: list[str]) -> None:
    """A Debian alone; one whose Python is old; a program without a shell."""
    error = _refused(engine, Setup(), BASE)
    assert "it has no Python on its PATH" in error.message
    assert "--name refused   (an image with Python 3.10 or newer)" in (error.fix or "")
    assert error.log
    images.append("old-python:test")
    script = r"printf '#!/bin/sh\necho 3.6.9\nexit 1\n' > /usr/bin/python3"
    _derive(engine, images[-1], f"FROM {BASE}\nRUN {script} && chmod +x /usr/bin/python3\n")
    error = _refused(engine, Setup(), images[-1])
    assert "its Python is older than 3.10" in error.message
    assert "3.6.9" in error.log
    images.append("no-shell:test")
    _import(engine, images[-1], "program", b"#!/nothing")
    assert "it has no shell" in _refused(engine, Setup(), images[-1]).message


def test_programs_of_another_processor(engine: docker.DockerClient, images: list[str]) -> None:
    """An ELF program (System V ABI) for one that this machine is not: 8 is MIPS."""
    elf = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    elf += struct.pack("<HHIQQQIHHHHHH", 2, 8, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 120, 120, 4096)
    images.append("other-processor:test")
    _import(engine, images[-1], "bin/sh", elf)
    error = _refused(engine, Setup(), images[-1])
    assert "not for this engine's processor" in error.message
    here = engine.version()["Arch"]
    other = "amd64" if here == "arm64" else "arm64"
    _relabel(engine, images[-1], other)
    error = _refused(engine, Setup(), images[-1])
    assert f"it is for {other}, and this engine runs {here}" in error.message
    assert f"docker pull --platform linux/{here} {images[-1]}" in (error.fix or "")


def test_what_cannot_be_installed(
    engine: docker.DockerClient, stand_in_image: Image, kernel_setup: Setup, images: list[str]
) -> None:
    """Packages that do not exist, of both kinds; and no apt-get, where it is needed."""
    options: dict[str, Any] = {"toolkit": "none"}
    error = _refused(
        engine, kernel_setup, stand_in.TAG, pip=("no-such-package-anywhere",), **options
    )
    assert "there is no no-such-package-anywhere for its Python" in error.message
    assert "--pip" in (error.fix or "")
    error = _refused(engine, kernel_setup, stand_in.TAG, apt=("no-such-thing",), **options)
    assert "leave out --apt no-such-thing" in (error.fix or "")
    images.append("no-apt:test")
    _derive(engine, images[-1], f"FROM {stand_in.TAG}\nUSER 0\nRUN rm /usr/bin/apt-get\n")
    error = _refused(engine, kernel_setup, images[-1])
    assert "no apt-get" in error.message
    assert "--toolkit none" in (error.fix or "")
    image = build_kernel(engine, Recipe("no-apt", images[-1], toolkit="none"), kernel_setup)
    run(engine, str(image.id), "import jupyter_xdisplay, ipykernel")
    assert image.attrs["Config"]["User"] == "0"
    assert remove_images(engine, "no-apt") == 1


def test_pip_comes_from_the_distribution(
    engine: docker.DockerClient, stand_in_image: Image, kernel_setup: Setup, tmp_path: Path
) -> None:
    """Without pip in the image, and no wheel of it, it is fetched, used and not left behind."""
    assert kernel_setup.wheels is not None
    for path in kernel_setup.wheels.glob("*.whl"):
        if not re.match("pip-|pyside6|shiboken6", path.name):
            (tmp_path / path.name).symlink_to(path)
    setup = Setup(network="host", wheels=tmp_path)
    image = build_kernel(engine, Recipe("fetched-pip", stand_in.TAG, toolkit="tk"), setup)
    run(engine, str(image.id), "import tkinter, jupyter_xdisplay, ipykernel")
    code = "import importlib.util as u; print(u.find_spec('pip'))"
    assert run(engine, str(image.id), code).strip() == "None"
    assert remove_images(engine, "fetched-pip") == 1


def test_packages_that_are_too_old(
    engine: docker.DockerClient,
    stand_in_image: Image,
    kernel_setup: Setup,
    images: list[str],
    tmp_path: Path,
) -> None:
    """They are replaced, as there is no other way; numpy is not."""
    download(tmp_path, "pip", "traitlets==5.8.*", dependencies=False)
    images.append("old-traitlets:test")
    wheels = {f"wheels/{path.name}": path.read_bytes() for path in tmp_path.glob("*.whl")}
    install = (
        'python3 "$(echo /wheels/pip-*.whl)/pip" install --no-index --break-system-packages '
        "/wheels/traitlets-*.whl"
    )
    _derive(
        engine,
        images[-1],
        f"FROM {stand_in.TAG}\nUSER 0\nCOPY wheels/ /wheels/\nRUN {install}\n",
        wheels,
    )
    recipe = Recipe("old-traitlets", images[-1], toolkit="none")
    image = build_kernel(engine, recipe, kernel_setup)
    versions = json.loads(run(engine, str(image.id), VERSIONS))
    assert versions["numpy"].startswith("2.3.")
    assert not versions["traitlets"].startswith("5.8.")
    assert remove_images(engine, recipe.name) == 1


def test_an_image_that_is_nowhere(engine: docker.DockerClient) -> None:
    """It is neither here nor in a registry (port 1 has none)."""
    with pytest.raises(ImageMissing, match="cannot be pulled") as caught:
        build_kernel(engine, Recipe("missing", "localhost:1/none:1"))
    assert caught.value.log
    assert "docker pull localhost:1/none:1" in (caught.value.fix or "")


def test_the_command(
    engine: docker.DockerClient,
    sidecar_image: Image,
    stand_in_image: Image,
    kernel_wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Added, added anew with an option kept, listed, and removed with its image."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    add = ["kernel", "add", f"--image={stand_in.TAG}", "--name=mine", "--build-network=host"]
    add += [f"--wheels={kernel_wheels}"]
    assert main([*add, "--toolkit=none", "--env=A=b=c", "--memory=1g", "--network=none"]) == 0
    output = capsys.readouterr().out
    assert re.search(rf"kernel-mine:{__version__}: \d+ MB, \d+ MB more than stand-in", output)
    assert output.splitlines()[-1].startswith('In JupyterLab choose the kernel "mine (stand-in')
    first = engine.images.get(f"jupyter-xdisplay-kernel-mine:{__version__}")
    assert main([*add, "--display-name=Mine", "--memory=2g", "--pip=traitlets"]) == 0
    assert "As before: env, network" in capsys.readouterr().out
    found = kernel_specs.find("mine")
    assert found is not None
    assert found.options is not None
    assert found.recipe is not None
    assert found.options.to_json() == {
        "image": f"jupyter-xdisplay-kernel-mine:{__version__}",
        "base": stand_in.TAG,
        "network": "none",
        "env": {"A": "b=c"},
        "memory": "2g",
    }
    assert (found.recipe.toolkit, found.display_name) == ("none", "Mine")
    assert first.id not in {image.id for image in engine.images.list()}
    assert main(["kernel", "list"]) == 0
    assert re.search(r"\nmine +stand-in:latest +\d+ MB +current\n", capsys.readouterr().out)
    user = engine.containers.create(found.options.image, "true")
    assert main(["kernel", "remove", "mine"]) == 1
    assert "shut the kernels down" in capsys.readouterr().err
    assert kernel_specs.find("mine") is not None
    user.remove()
    assert main(["kernel", "remove", "mine"]) == 0
    assert "and its image" in capsys.readouterr().out
    assert kernel_specs.find("mine") is None
    assert not engine.images.list(name="jupyter-xdisplay-kernel-mine")


def test_a_failed_build_writes_no_specification(
    engine: docker.DockerClient,
    sidecar_image: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And what failed is said with the end of the log and a fix."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert main(["kernel", "add", f"--image={BASE}", "--name=nothing"]) == 1
    error = capsys.readouterr().err
    assert "it has no Python" in error
    assert "Its last lines:" in error
    assert "To mend it: jupyter xdisplay kernel add" in error
    assert kernel_specs.find("nothing") is None
