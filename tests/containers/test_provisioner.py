"""A kernel in a container: its life, its displays, its rights, its end; with the real engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from jupyter_xdisplay.errors import EngineUnreachable, ImageMissing, StartFailed, UsageError
from jupyter_xdisplay.provisioner import DockerProvisioner
from jupyter_xdisplay.runtime import kernel_container
from tests.containers.kernels import ContainerKernel, directories, write_spec
from tests.containers.real_engine import Engine, containers_on
from tests.waiting import until

START = "%load_ext jupyter_xdisplay\n%xdisplay"
SHOW = "import matplotlib.pyplot as plt; plt.figure('Figure 1'); plt.plot([1, 2]); plt.show()"
WINDOWS = "import jupyter_xdisplay as xd; print([w.title for w in xd.display().windows()])"

MakeKernel = Callable[..., Awaitable[ContainerKernel]]


@pytest.fixture
async def make_kernel(
    engine: docker.DockerClient, sidecar_image: Image, kernel_image: Image, tmp_path: Path
) -> AsyncIterator[MakeKernel]:
    """Start kernels; all are shut down at the end."""
    kernels: list[ContainerKernel] = []

    async def make(cwd: Path = tmp_path, **options: Any) -> ContainerKernel:
        wanted = {"image": kernel_image.tags[0], "network": "none", **options}
        kernel = ContainerKernel(write_spec(tmp_path, wanted), cwd)
        kernels.append(kernel)
        await kernel.start()
        return kernel

    yield make
    for kernel in kernels:
        await kernel.stop()


def containers_of(engine: docker.DockerClient, kind: str) -> list[Container]:
    """Return the containers of kernels ("kernel-") or of their displays ("")."""
    prefix = "jupyter-xdisplay-"
    found = containers_on(engine)
    named = [(str(container.name).removeprefix(prefix), container) for container in found]
    return [one for name, one in named if name.startswith("kernel-") == bool(kind)]


async def test_a_figure_in_a_container(make_kernel: MakeKernel, tmp_path: Path) -> None:
    """DISPLAY is there before the first cell; windows come up; files are the user's own."""
    kernel = await make_kernel()
    shown = await kernel.run("import os; print(os.environ['DISPLAY'], os.getcwd(), os.getuid())")
    assert shown.split() == [":0", str(tmp_path), str(os.getuid())]
    home = "import pathlib; (pathlib.Path.home() / 'made').touch(); print(pathlib.Path.home())"
    assert (await kernel.run(home)).strip() == "/home/jovyan"
    await kernel.run(START)
    await kernel.run(f"{SHOW}\nopen('made', 'w').write('here')")
    await until_printed(kernel, WINDOWS, "['Figure 1']")
    assert (tmp_path / "made").read_text() == "here"
    assert (tmp_path / "made").stat().st_uid == os.getuid()
    await kernel.run("%xdisplay run glxgears")
    await until_printed(kernel, WINDOWS, "['Figure 1', 'glxgears']")
    # the pids that X tells are those of the kernel, so that its display is parked, not ended
    told = await kernel.run("print(xd.display().info.clients[0] == os.getpid())")
    assert told.strip() == "True"
    assert "parked" in await kernel.run("%xdisplay stop")
    await kernel.run("%xdisplay start --name two --size 640x480")
    assert (await kernel.run("print(os.environ['DISPLAY'])")).strip() == ":1"


async def test_restart_and_interrupt(make_kernel: MakeKernel, engine: docker.DockerClient) -> None:
    """A restart keeps the display and closes its windows; an interrupt reaches a program too."""
    kernel = await make_kernel()
    await kernel.run(f"{START}\n%xdisplay run glxgears")
    await until_printed(kernel, WINDOWS, "['glxgears']")
    [pod], [before] = containers_of(engine, ""), containers_of(engine, "kernel-")
    await kernel.manager.restart_kernel()
    await kernel.wait_until_ready()
    assert [one.id for one in containers_of(engine, "")] == [pod.id]
    assert [one.id for one in containers_of(engine, "kernel-")] != [before.id]
    assert (await kernel.run("import os; print(os.environ['DISPLAY'])")).strip() == ":0"
    await kernel.run(START)
    assert (await kernel.run(WINDOWS)).strip() == "[]"
    for code in ("import time; time.sleep(600)", "!sleep 600", "import os; os.system('sleep 600')"):
        asked = asyncio.ensure_future(kernel.run(f"{code}\nraise KeyboardInterrupt", fails=True))
        await asyncio.sleep(1)
        await kernel.manager.interrupt_kernel()
        assert "KeyboardInterrupt" in await asyncio.wait_for(asked, 10)


async def test_it_runs_longer_than_one_request(
    make_kernel: MakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for its end is asked anew, as often as it takes."""
    monkeypatch.setattr(kernel_container, "WAIT_S", 1)
    monkeypatch.setattr(kernel_container, "ENGINE_GONE_S", 2.0)
    kernel = await make_kernel()
    await asyncio.sleep(6)
    assert await kernel.manager.is_alive()
    await kernel.run("import os; os._exit(3)", dies=True)
    await until_dead(kernel)


async def test_on_a_machine_with_a_screen(
    make_kernel: MakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The display beside the kernel may have the number of this machine's own."""
    monkeypatch.setenv("DISPLAY", ":0")
    kernel = await make_kernel()
    assert (await kernel.run("import os; print(os.environ['DISPLAY'])")).strip() == ":0"


async def test_a_kernel_that_went_without_a_word(
    make_kernel: MakeKernel, engine: docker.DockerClient
) -> None:
    """Who lets go of its displays removes its containers too."""
    kernel = await make_kernel()
    provisioner = kernel.manager.provisioner
    assert isinstance(provisioner, DockerProvisioner)
    assert provisioner.displays is not None
    assert len(containers_on(engine)) == 2
    await provisioner.displays.close()
    assert not containers_on(engine)


async def test_nothing_is_left(
    make_kernel: MakeKernel, engine: docker.DockerClient, leftovers: Path
) -> None:
    """After a shutdown: no container, no directory."""
    kernel = await make_kernel()
    await kernel.manager.shutdown_kernel()
    assert not containers_on(engine)
    assert not directories(leftovers)


async def test_it_has_no_rights(make_kernel: MakeKernel) -> None:
    """No capability, nothing of the host's X server, no engine's socket, no other kernel's."""
    first, second = await make_kernel(), await make_kernel()
    rights = """
import json, os, pathlib
status = dict(l.split(":\\t", 1) for l in open("/proc/self/status") if ":\\t" in l)
print(json.dumps({
    "capabilities": {status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd")}.__repr__(),
    "privileges": status["NoNewPrivs"].strip(),
    "x": os.listdir("/tmp/.X11-unix"),
    "sockets": [s for s in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(s)],
    "private": os.listdir(pathlib.Path(os.environ["XAUTHORITY"]).parents[3]),
}))
"""
    seen = json.loads(await first.run(rights))
    other = json.loads(await second.run(rights))
    assert seen["capabilities"] == "{'0000000000000000'}"
    assert (seen["privileges"], seen["x"], seen["sockets"]) == ("1", ["X0"], [])
    assert not [name for name in seen["private"] if name in other["private"]]
    assert (await first.run("print(len(os.listdir('/tmp/.X11-unix')))")).strip() == "1"
    for write in (
        "os.rename(f'{pod}/x', f'{pod}/y')",  # what is mounted at the next start
        "open(f'{pod}/t/kernel.json', 'w')",
        "open(f'{pod}/s/mine', 'w')",
        "os.remove('/tmp/.X11-unix/X0')",
        "os.remove(os.environ['JUPYTER_XDISPLAY_SOCKET'])",
    ):
        pod = "import os, pathlib; pod = pathlib.Path(os.environ['XAUTHORITY']).parents[2]"
        assert "[Errno" in await first.run(f"{pod}\n{write}", fails=True)
    await first.run("%load_ext jupyter_xdisplay")
    asked = "%xdisplay start --name theirs --container jupyter-xdisplay-theirs"
    assert "sees its own displays only" in await first.run(asked, fails=True)


ATTACH = """
import ctypes as c
x, extensions, libc = c.CDLL("libX11.so.6"), c.CDLL("libXext.so.6"), c.CDLL(None)
class Info(c.Structure):
    _fields_ = [("segment", c.c_ulong), ("id", c.c_int), ("at", c.c_void_p), ("read", c.c_int)]
x.XOpenDisplay.restype = c.c_void_p
x.XSync.argtypes = [c.c_void_p, c.c_int]
extensions.XShmAttach.argtypes = [c.c_void_p, c.POINTER(Info)]
display = x.XOpenDisplay(None)
info = Info(0, libc.shmget(0, 4096, 0o1600), None, 0)
assert extensions.XShmAttach(display, c.byref(info))
x.XSync(display, 0)
libc.shmctl(info.id, 0, None)
[line] = open("/proc/sysvipc/shm").read().splitlines()[1:]
print("attached by", line.split()[6])
"""


async def test_shared_memory_with_the_display(make_kernel: MakeKernel, tmp_path: Path) -> None:
    """MIT-SHM works: the X server attaches a segment of the kernel's; Qt shows its windows."""
    kernel = await make_kernel()
    await kernel.run(START)
    (tmp_path / "attach.py").write_text(ATTACH)
    assert "attached by 1" in await kernel.run("!python3 attach.py")
    said = await kernel.run(
        "import PySide6.QtWidgets as q\n"
        "app = q.QApplication([]); label = q.QLabel('x'); label.resize(400, 300)\n"
        "label.setStyleSheet('background: #ff0000'); label.show()\n"
    )
    assert said == ""
    red = "app.processEvents(); print(xd.display().snapshot().convert('RGB').getcolors(1 << 20))"
    for _ in range(100):
        if "(255, 0, 0)" in await kernel.run(f"import jupyter_xdisplay as xd\n{red}"):
            return
    raise AssertionError("no red window")


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


INTERFACES = "import socket; print(sorted(name for _, name in socket.if_nameindex()))"


async def test_networks(make_kernel: MakeKernel, engine: docker.DockerClient) -> None:
    """None has the loopback interface only, host all of the machine's, a made one one more."""
    assert (await (await make_kernel()).run(INTERFACES)).strip() == "['lo']"
    here = str(sorted(name for _, name in socket.if_nameindex()))
    assert (await (await make_kernel(network="host")).run(INTERFACES)).strip() == here
    network = engine.networks.create("xdisplay-test", driver="bridge")
    try:
        kernel = await make_kernel(network="xdisplay-test")
        assert (await kernel.run(INTERFACES)).strip() == "['eth0', 'lo']"
        await kernel.run(f"{START}\n{SHOW}")
        await until_printed(kernel, WINDOWS, "['Figure 1']")
        await kernel.manager.shutdown_kernel(now=True)
    finally:
        network.remove()


ELSEWHERE = """
mount -t tmpfs -o mode=700 none "$0" && exec "$@"
"""
START_ELSEWHERE = """
import asyncio, sys
from pathlib import Path
from tests.containers.kernels import ContainerKernel
asyncio.run(ContainerKernel(Path(sys.argv[1]), Path(sys.argv[2])).start())
"""


def test_an_engine_that_does_not_see_our_files(
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    leftovers: Path,
    tmp_path: Path,
) -> None:
    """As on another machine: it is said that kernels cannot run there, and what can be done."""
    kernels = write_spec(tmp_path, {"image": kernel_image.tags[0], "network": "none"})
    program = [sys.executable, "-c", START_ELSEWHERE, str(kernels), str(tmp_path)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ELSEWHERE, str(leftovers), *program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert "does not see this machine's files" in done.stderr
    assert "--runtime docker" in done.stderr
    assert not containers_on(engine)


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


async def until_dead(kernel: ContainerKernel) -> None:
    """Wait until Jupyter would say that the kernel is dead."""
    for _ in range(400):
        if not await kernel.manager.is_alive():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the kernel counts as alive")


async def until_printed(kernel: ContainerKernel, code: str, wanted: str) -> None:
    """Run a cell until it prints what is wanted."""
    printed = ""
    for _ in range(100):
        printed = (await kernel.run(code)).strip()
        if printed == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(printed)
