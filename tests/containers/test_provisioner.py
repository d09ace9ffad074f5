"""A kernel in a container: its life, its displays, its rights, its end; with the real engine."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.images import Image
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from jupyter_xdisplay.provisioner import DockerProvisioner
from jupyter_xdisplay.runtime import kernel_container
from tests.containers.kernels import (
    SHOW,
    START,
    WINDOWS,
    MakeKernel,
    containers_of,
    directories,
    until_dead,
    until_printed,
    write_spec,
)
from tests.containers.real_engine import containers_on
from tests.waiting import wait_until


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
    display = await kernel.run(DISPLAY)
    [pod], [before] = containers_of(engine, ""), containers_of(engine, "kernel-")
    await kernel.manager.restart_kernel()
    await kernel.wait_until_ready()
    assert [one.id for one in containers_of(engine, "")] == [pod.id]
    assert [one.id for one in containers_of(engine, "kernel-")] != [before.id]
    assert (await kernel.run("import os; print(os.environ['DISPLAY'])")).strip() == ":0"
    await kernel.run(START)
    assert await kernel.run(DISPLAY) == display
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


DISPLAY = "import jupyter_xdisplay as xd; print(xd.display().info.id)"
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


def test_a_console(
    engine: docker.DockerClient,
    sidecar_image: Image,
    kernel_image: Image,
    tmp_path: Path,
    leftovers: Path,
) -> None:
    """Windows come up too where the launcher's event loop stands still between its calls."""
    options = {"image": kernel_image.tags[0], "network": "none"}
    specs = KernelSpecManager(kernel_dirs=[str(write_spec(tmp_path, options))])
    manager = KernelManager(
        kernel_name="box",
        kernel_spec_manager=specs,
        connection_file=str(tmp_path / "kernel.json"),
    )
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.blocking_client()
    printed: list[str] = []

    def run(code: str) -> str:
        printed.clear()
        reply = client.execute_interactive(code, timeout=60, output_hook=take)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed).strip()

    def take(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        run(f"{START}\n{SHOW}")
        wait_until(lambda: run(WINDOWS) == "['Figure 1']", "no window")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not containers_on(engine)
    assert not directories(leftovers)
