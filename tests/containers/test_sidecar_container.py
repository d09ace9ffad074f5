"""A sidecar in a container of its own: its life, its pixels, its rights."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image
from PIL import Image as Pictures

from jupyter_xdisplay.containers import images
from jupyter_xdisplay.errors import ImageMissing, StartFailed, Unreachable
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.own_containers import DIRECTORY_LABEL
from jupyter_xdisplay.runtime.pod import PodSidecar
from jupyter_xdisplay.runtime.pod_create import OwnSpaces
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.containers.real_engine import containers_on
from tests.waiting import until, wait_until

MAX_BYTES = 450_000_000
SPEC = DisplaySpec(size=Size(320, 240))
DISPLAY_ID = "0123456789ab"

DRAW = """
import sys, time, xcffib, xcffib.xproto as x
connection = xcffib.connect()
screen = connection.get_setup().roots[0]
window = connection.generate_id()
connection.core.CreateWindow(
    0, window, screen.root, 0, 0, 100, 80, 0, x.WindowClass.InputOutput, screen.root_visual,
    x.CW.BackPixel | x.CW.OverrideRedirect, [0x00FF00, 1],
)
connection.core.MapWindow(window)
connection.flush()
time.sleep(60)
"""


async def start_alone(
    runtime: DockerRuntime, display_id: str, spaces: OwnSpaces | None = None
) -> PodSidecar:
    """Start a sidecar in a pod of its own, which ends with it."""
    pod = await runtime.make_pod(display_id, spaces or OwnSpaces())
    try:
        sidecar = await runtime.start_in(pod, display_id, SPEC)
    except BaseException:
        await pod.end()
        raise
    sidecar.owns_pod = True
    return sidecar


@pytest.fixture
async def sidecar(engine: docker.DockerClient, sidecar_image: Image) -> AsyncIterator[PodSidecar]:
    """Give a running sidecar."""
    sidecar = await start_alone(DockerRuntime(), DISPLAY_ID)
    yield sidecar
    await sidecar.end()


def test_the_image_is_small_and_current(engine: docker.DockerClient, sidecar_image: Image) -> None:
    """It is found by its name, and told from one that another version built."""
    assert sidecar_image.attrs["Size"] < MAX_BYTES
    assert images.find_sidecar(engine).id == sidecar_image.id
    with pytest.raises(ImageMissing, match="is not on this engine") as caught:
        images.find_sidecar(engine, "jupyter-xdisplay-sidecar:none")
    assert (caught.value.fix or "").startswith("jupyter xdisplay image build")
    sidecar_image.tag("another", "one")
    with pytest.raises(ImageMissing, match="another version"):
        images.find_sidecar(engine, "debian:bookworm")
    engine.images.remove("another:one")


async def test_a_display_in_a_container(
    engine: docker.DockerClient, sidecar: PodSidecar, sidecar_image: Image
) -> None:
    """A program in another container draws on it; its pixels come through the mounted socket."""
    path = str(sidecar.pod.inside)
    program = engine.containers.run(
        sidecar_image.id,
        ["-c", DRAW],
        entrypoint="python3",
        user=f"{os.getuid()}:{os.getgid()}",
        network_mode=f"container:{sidecar.pod.container.id}",
        ipc_mode=f"container:{sidecar.pod.container.id}",
        environment={"DISPLAY": sidecar.info.display, "XAUTHORITY": sidecar.info.xauthority},
        mounts=[docker.types.Mount(path, path, type="bind", read_only=True)],
        detach=True,
    )
    client = SidecarClient(sidecar.info.socket)

    def green() -> bool:
        picture = Pictures.open(io.BytesIO(client.screenshot())).convert("RGB")
        return picture.size == (320, 240) and picture.getpixel((50, 40)) == (0, 255, 0)

    try:
        await until(lambda: green() or program.reload() or program.status != "running")
        assert green(), program.logs().decode()
    finally:
        program.remove(force=True)


async def test_it_has_no_privileges(sidecar: PodSidecar) -> None:
    """No capability, nothing to write but its own folder and /tmp, never root but as ours."""
    code = "import json, pathlib as p; print(json.dumps(p.Path('/proc/self/status').read_text()))"
    status = json.loads(sidecar.pod.container.exec_run(["python3", "-c", code]).output)
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["CapEff"] == fields["CapPrm"] == fields["CapBnd"] == "0" * 16
    assert fields["NoNewPrivs"] == "1"
    assert fields["Uid"].split()[0] == str(os.getuid())
    for path in ("/usr/x", "/etc/x", "/var/x", "/opt/x"):
        assert sidecar.pod.container.exec_run(["touch", path]).exit_code != 0
    sidecar.pod.container.reload()
    assert sidecar.pod.container.attrs["HostConfig"]["PortBindings"] in (None, {})
    mounts = {mount["Destination"] for mount in sidecar.pod.container.attrs["Mounts"]}
    assert mounts == {str(sidecar.pod.inside), "/tmp/.X11-unix"}


async def test_process_one_reaps_and_stops(sidecar: PodSidecar) -> None:
    """Nobody stays a zombie, and the end is in peace: not by SIGKILL (137) after the deadline."""
    orphan = ["sh", "-c", "(sleep 0.2 &) ; exit"]
    for _ in range(3):
        assert sidecar.pod.container.exec_run(orphan).exit_code == 0
    states = ["sh", "-c", "cat /proc/[0-9]*/stat"]

    def zombies() -> list[str]:
        listed = sidecar.pod.container.exec_run(states).output.decode().splitlines()
        return [line for line in listed if line.rpartition(")")[2].split()[:1] == ["Z"]]

    await asyncio.sleep(0.5)
    await until(lambda: not zombies())
    await asyncio.to_thread(sidecar.pod.container.stop, timeout=2)
    sidecar.pod.container.reload()
    assert sidecar.pod.container.attrs["State"]["ExitCode"] == 0


async def test_displays_come_and_go_in_one_pod(sidecar: PodSidecar) -> None:
    """Another one beside the first; a killed one is cleaned up after; the pod stays."""
    pod, runtime = sidecar.pod, DockerRuntime()
    second = await runtime.start_in(pod, "ba9876543210", DisplaySpec(name="two"))
    assert second.info.display != sidecar.info.display
    assert {path.name for path in (pod.path / "x").iterdir()} == {"X0", "X1"}
    await second.end()
    assert {path.name for path in (pod.path / "x").iterdir()} == {"X0"}
    third = await runtime.start_in(pod, "ba9876543210", SPEC)
    kill(third, "KILL")
    assert await until(lambda: not _answers(third))
    await third.end()
    assert [path.name for path in pod.inside.iterdir()] == [DISPLAY_ID]
    assert SidecarClient(sidecar.info.socket).info().state == "running"
    stopped = await runtime.start_in(pod, "ba9876543210", SPEC)
    kill(stopped, "STOP")
    await stopped.end()
    assert not (pod.inside / "ba9876543210").exists()


def kill(sidecar: PodSidecar, signal: str) -> None:
    """Send a signal to a sidecar."""
    directory = Path(sidecar.info.socket).parent
    sidecar.pod.shell(f'kill -{signal} "$(cat "$0/pid")"', str(directory))


def _answers(sidecar: PodSidecar) -> bool:
    try:
        SidecarClient(sidecar.info.socket).info()
    except Unreachable:
        return False
    return True


async def test_what_cannot_start_leaves_nothing(
    engine: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """An X server that is refused its arguments: its log is told, the container is gone."""
    with pytest.raises(StartFailed, match="X server") as caught:
        await start_alone(DockerRuntime(xvfb_args=["-nonsense"]), DISPLAY_ID)
    assert any("nonsense" in line for line in caught.value.log)
    assert not containers_on(engine)
    with pytest.raises(StartFailed, match="network"):
        await start_alone(DockerRuntime(), DISPLAY_ID, OwnSpaces("no-such-network"))
    assert not _directories(leftovers)


HOLDER = """
import asyncio
from jupyter_xdisplay.runtime.docker import DockerRuntime
from tests.containers.test_sidecar_container import start_alone
async def main():
    sidecar = await start_alone(DockerRuntime(), "{id}")
    print(sidecar.pod.container.id, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def _directories(root: Path) -> list[Path]:
    return list(root.glob("d-*"))


def test_a_killed_holder(
    engine: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """Its sidecar ends by itself; what is left of it is reaped, and nothing of others."""
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER.format(id=display_id)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for display_id in ("0123456789ab", "ba9876543210")
    ]
    containers = []
    for holder in holders:
        assert holder.stdout is not None
        containers.append(engine.containers.get(holder.stdout.readline().decode().strip()))
    for index, (holder, container) in enumerate(zip(holders, containers, strict=True)):
        holder.kill()
        holder.wait()
        wait_until(lambda found=container: _state(found) == "exited", "it goes on")  # type: ignore[misc]
        assert DockerRuntime().reap() == 1
        assert Path(container.labels[DIRECTORY_LABEL]) not in _directories(leftovers)
        others = [other.id for other in containers[index + 1 :]]
        assert [found.id for found in containers_on(engine)] == others
    assert not _directories(leftovers)


def _state(container: Container) -> str:
    container.reload()
    return str(container.status)
