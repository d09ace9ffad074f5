"""An engine whose disk is full: it is said, with what mends it; nothing is left."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers.build import Setup
from jupyter_xdisplay.containers.kernel_image import build_kernel
from jupyter_xdisplay.containers.kernel_recipe import Recipe
from jupyter_xdisplay.errors import ImageBuildFailed, StartFailed
from jupyter_xdisplay.runtime.docker import DockerRuntime
from tests.containers.kernels import directories
from tests.containers.real_engine import Engine, containers_on
from tests.containers.test_sidecar_container import DISPLAY_ID, start_alone

DISK_MB = 1000


@pytest.fixture
def small_engine(sidecar_image: Image, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Give an engine with the sidecar's image on a small disk."""
    engine = Engine(disk_megabytes=DISK_MB)
    try:
        engine.wait_until_up()
        engine.client.images.load(sidecar_image.save(named=sidecar_image.tags[0]))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
        yield engine
    finally:
        engine.end()


async def test_a_full_disk(small_engine: Engine, sidecar_image: Image, leftovers: Path) -> None:
    """Neither an image nor a display's container can be made; with space both can."""
    filler = small_engine.data / "filler"
    _fill(filler)
    recipe = Recipe("full", sidecar_image.tags[0], toolkit="none")
    with pytest.raises(ImageBuildFailed, match="no space left") as failed:
        build_kernel(small_engine.client, recipe, Setup(network="host"))
    assert "docker image prune" in (failed.value.fix or "")
    with pytest.raises(StartFailed, match="no space left") as refused:
        await start_alone(DockerRuntime(), DISPLAY_ID)
    assert "docker image prune" in (refused.value.fix or "")
    assert not containers_on(small_engine.client)
    assert not directories(leftovers)
    filler.unlink()
    await (await start_alone(DockerRuntime(), DISPLAY_ID)).end()


def _fill(path: Path) -> None:
    """Write until there is no space."""
    done = subprocess.run(
        ["dd", "if=/dev/zero", f"of={path}", "bs=1M"], check=False, stderr=subprocess.PIPE
    )
    assert b"No space left" in done.stderr
