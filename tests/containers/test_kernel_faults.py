"""Kernels in containers that do not start, or end otherwise than by us; with the real engine."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.errors import EngineUnreachable, ImageMissing, StartFailed, UsageError
from jupyter_xdisplay.runtime import own_containers
from jupyter_xdisplay.runtime.docker import DockerRuntime
from tests.containers.kernels import (
    START,
    WINDOWS,
    ContainerKernel,
    MakeKernel,
    containers_of,
    directories,
    until_dead,
    write_spec,
)
from tests.containers.real_engine import Engine, containers_on, stubborn
from tests.waiting import until

FAILURES: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ({"image": "no-such-image:1"}, {}, ImageMissing, "no-such-image"),
    ({"gpus": "all"}, {}, StartFailed, "device driver"),
    ({"volumes": ["/nowhere/at/all:/data"]}, {}, StartFailed, "/nowhere/at/all"),
    ({"privileged": True}, {}, UsageError, "privileged"),
    ({"network": "no-such-network"}, {}, StartFailed, "no-such-network"),
    ({}, {"argv": ["no-such-program"]}, StartFailed, "no-such-program"),
    ({}, {"argv": ["python3", "-m", "no_such_module"]}, StartFailed, "No module named"),
]


@pytest.mark.parametrize(("options", "spec", "kind", "words"), FAILURES)
async def test_what_does_not_start_is_told(
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    leftovers: Path,
    tmp_path: Path,
    options: dict[str, Any],
    spec: dict[str, Any],
    kind: type[Exception],
    words: str,
) -> None:
    """With the last lines of what failed and a fix; nothing is left."""
    wanted = {"image": kernel_image.tags[0], "network": "none", **options}
    kernel = ContainerKernel(write_spec(tmp_path, wanted, **spec), tmp_path)
    with pytest.raises(kind, match="(?s)" + words) as caught:
        await kernel.start()
    assert "To mend it" in str(caught.value)
    assert not containers_on(engine)
    assert not directories(leftovers)


async def test_no_engine(
    sidecar_image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leftovers: Path
) -> None:
    """It is said where it was looked for."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineUnreachable, match=r"docker\.sock"):
        await ContainerKernel(write_spec(tmp_path, {"image": "x"}), tmp_path).start()
    assert not directories(leftovers)


@pytest.mark.parametrize("kind", ["kernel-", ""])
async def test_a_name_in_use(
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    leftovers: Path,
    tmp_path: Path,
    kind: str,
) -> None:
    """Somebody else's container is left alone; it is said which one it is."""
    kernel_id = "0123456789ab-rest"
    name = f"jupyter-xdisplay-{kind}0123456789ab"
    theirs = engine.containers.create(sidecar_image.id, name=name)
    kernels = write_spec(tmp_path, {"image": kernel_image.tags[0], "network": "none"})
    kernel = ContainerKernel(kernels, tmp_path)
    try:
        with pytest.raises(StartFailed, match=f"called {name}") as caught:
            await kernel.manager.start_kernel(cwd=str(tmp_path), kernel_id=kernel_id)
        assert "docker rename" in (caught.value.fix or "")
        assert [one.id for one in containers_on(engine)] == [theirs.id]
    finally:
        theirs.remove()
    assert not directories(leftovers)


async def test_out_of_memory(make_kernel: MakeKernel) -> None:
    """The next process of the kernel says why the last one ended."""
    kernel = await make_kernel(memory="300m")
    fill = "b = bytearray(1 << 32); b[::4096] = bytes([1]) * (len(b) // 4096)"
    pending = asyncio.ensure_future(kernel.run(fill))
    await until_dead(kernel)
    pending.cancel()
    await kernel.manager.restart_kernel(now=True)
    await kernel.wait_until_ready()
    assert "ran out of memory (300m)" in await kernel.run(START)


CHILD = """
import subprocess, sys
fill = "b = bytearray(1 << 32); b[::4096] = bytes([1]) * (len(b) // 4096)"
print(subprocess.run([sys.executable, "-c", fill]).returncode)
"""


async def test_a_child_ran_out_of_memory(make_kernel: MakeKernel) -> None:
    """The kernel lived on, and was restarted later by its user: nothing else is said."""
    kernel = await make_kernel(memory="300m")
    assert (await kernel.run(CHILD)).strip() == "-9"
    for now in (False, True):
        await kernel.manager.restart_kernel(now=now)
        await kernel.wait_until_ready()
        assert "memory" not in await kernel.run(START)


async def test_more_processors_than_there_are(
    make_kernel: MakeKernel, engine: docker.DockerClient
) -> None:
    """Docker would refuse: the kernel gets all that there are, and is told so."""
    kernel = await make_kernel(cpus=4000)
    assert "the limit of 4000 processors is not reached" in await kernel.run(START)
    [container] = containers_of(engine, "kernel-")
    limit = container.attrs["HostConfig"]["NanoCpus"]
    assert limit == engine.info()["NCPU"] * 10**9


async def test_a_container_that_cannot_be_removed(
    make_kernel: MakeKernel,
    engine: docker.DockerClient,
    leftovers: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told, with what mends it; all else is cleaned up, and a later reap removes it."""
    kernel = await make_kernel()
    [container] = containers_of(engine, "kernel-")
    with stubborn(container):
        await kernel.stop()
        assert f"docker rm --force {container.name}" in caplog.text
        assert [one.id for one in containers_on(engine)] == [container.id]
        assert not directories(leftovers)
    monkeypatch.setattr(own_containers, "GRACE", timedelta(0))
    assert DockerRuntime().reap() == 1


@pytest.mark.parametrize("kind", ["kernel-", ""])
async def test_removed_by_hand(
    make_kernel: MakeKernel, engine: docker.DockerClient, kind: str
) -> None:
    """The kernel counts as dead; a restart brings all back, at the same place, and says why."""
    kernel = await make_kernel()
    [container] = containers_of(engine, kind)
    container.remove(force=True)
    await until_dead(kernel)
    await kernel.manager.restart_kernel(now=True)
    await kernel.wait_until_ready()
    assert "removed" in await kernel.run(START)
    assert (await kernel.run(WINDOWS)).strip() == "[]"


HOLDER = """
import asyncio, sys
from pathlib import Path
from tests.containers.kernels import ContainerKernel
async def main():
    kernel = ContainerKernel(Path(sys.argv[1]), Path(sys.argv[2]))
    await kernel.start()
    print("up", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def start_holder(kernels: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start another process that launches a kernel."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(kernels), str(folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


async def test_a_killed_launcher(
    make_kernel: MakeKernel, engine: docker.DockerClient, kernel_image: Image, tmp_path: Path
) -> None:
    """After kill -9 its kernel ends; the next start removes what is left, and nothing of others."""
    other = await make_kernel()
    mine = {one.id for one in containers_on(engine)}
    folder = tmp_path / "killed"
    folder.mkdir()
    kernels = write_spec(folder, {"image": kernel_image.tags[0], "network": "none"})
    holder = start_holder(kernels, folder)
    assert holder.stdout is not None
    assert (await asyncio.to_thread(holder.stdout.readline)).strip() == b"up"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    await until(lambda: {one.id for one in containers_on(engine, ended=False)} == mine)
    await make_kernel()
    left = {one.id for one in containers_on(engine)} - mine
    assert len(left) == 2  # those of the new one
    assert (await other.run("print(1)")).strip() == "1"


async def test_the_engine_restarts(
    make_kernel: MakeKernel, real_engine: Engine, engine: docker.DockerClient
) -> None:
    """What ran in it has ended; once it is back, a restart of the kernel mends all."""
    kernel = await make_kernel()
    await asyncio.to_thread(real_engine.restart)
    await until_dead(kernel)
    await kernel.manager.restart_kernel(now=True)
    await kernel.wait_until_ready()
    assert (await kernel.run(f"{START}\n{WINDOWS}")).endswith("[]\n")
