"""What a kernel in a container cannot reach: this machine, its displays' processes, its like."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from jupyter_xdisplay.runtime.local import LocalRuntime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec
from tests.containers.kernels import START, ContainerKernel, MakeKernel
from tests.containers.real_engine import Engine, RunningEngine

Engines = Engine | RunningEngine


@pytest.fixture
def beside_the_socket(real_engine: Engines) -> Iterator[Path]:
    """Give a folder on the file system of the engine's socket: a link to it can be made there."""
    folder = Path(tempfile.mkdtemp(prefix="served-", dir=real_engine.socket.parent))
    yield folder
    shutil.rmtree(folder)


CONNECT = """
import os, socket

def reached(path):
    with socket.socket(socket.AF_UNIX) as stream:
        try:
            stream.connect(path)
        except OSError:
            return False
    return True

found = []
for top in {tops}:
    for folder, _, names in os.walk(top):
        found += [f"{{folder}}/{{name}}" for name in names if name.endswith(".sock")]
print([path for path in found if reached(path)], sorted(os.listdir({tops}[0])))
"""


async def test_the_engines_socket_is_out_of_reach(
    beside_the_socket: Path,
    real_engine: Engines,
    make_kernel: MakeKernel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither in the folder that is served, nor where a folder above it is mounted."""
    own = beside_the_socket / ".docker" / "run"
    own.mkdir(parents=True)
    (own / "docker.sock").hardlink_to(real_engine.socket)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{own}/docker.sock")
    kernel = await make_kernel(
        beside_the_socket, volumes=[f"{beside_the_socket}:/data", f"{own.parent}:/more:ro"]
    )
    tops = [str(beside_the_socket), "/data", "/more"]
    seen = await kernel.run(CONNECT.format(tops=tops))
    assert seen.startswith("[] ['.docker', ")
    # what is looked for can be found: a socket that is nobody's secret
    plain = beside_the_socket / "plain.sock"
    plain.hardlink_to(real_engine.socket)
    seen = await kernel.run(CONNECT.format(tops=tops))
    assert str(plain) in seen


async def test_our_own_directories_are_out_of_reach(
    make_kernel: MakeKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a folder above them is mounted at another place."""
    above = Path(tempfile.mkdtemp(prefix="xdt-", dir="/tmp"))
    try:
        monkeypatch.setenv("JUPYTER_XDISPLAY_RUNTIME_DIR", str(above / "x"))
        first = await make_kernel()
        second = await make_kernel(volumes=[f"{above}:/data"])
        assert len(list((above / "x").glob("d-*"))) >= 2
        assert (await second.run("import os; print(os.listdir('/data/x'))")).strip() == "[]"
        await first.stop()
        await second.stop()
    finally:
        shutil.rmtree(above)


X_SOCKETS = "/tmp/.X11-unix"
SEEN = f"""
import json, os
found = [entry.stat() for entry in os.scandir("{X_SOCKETS}")]
print(json.dumps([[one.st_dev, one.st_ino] for one in found]))
"""
ABSTRACT = """
import socket
with socket.socket(socket.AF_UNIX) as stream:
    print(stream.connect_ex("\\0/tmp/.X11-unix/X{number}"))
"""


def stat_of(path: Path) -> os.stat_result:
    """Return what identifies a file."""
    return path.stat()


async def test_an_x_server_of_this_machine(make_kernel: MakeKernel, root: Path) -> None:
    """With a socket of its own, which the kernel's folder of such sockets does not have."""
    manager = DisplayManager(runtime=LocalRuntime(size=(320, 240), max_size=(640, 480)))
    try:
        info = await manager.create(DisplaySpec())
        number = info.display.removeprefix(":")
        hosts = stat_of(Path(f"{X_SOCKETS}/X{number}"))
        kernel = await make_kernel()
        seen = json.loads(await kernel.run(SEEN))
        assert len(seen) == 1  # its own
        assert [hosts.st_dev, hosts.st_ino] not in seen
        if number != "0":  # else it would be its own, in its own network
            assert (await kernel.run(ABSTRACT.format(number=number))).strip() != "0"
    finally:
        await manager.close()


SCAN = """
import os, subprocess, threading, time
tried, opened, over = set(), set(), threading.Event()
child = subprocess.Popen(["sleep", "600"])

def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])

def is_mine(pid):
    while pid not in (0, os.getpid()):
        pid = parent(pid)
    return pid != 0

def attempt(pid):
    for what, work in {
        "root": lambda: os.listdir(f"/proc/{pid}/root/"),
        "fd": lambda: os.readlink(f"/proc/{pid}/fd/0"),
        "cwd": lambda: os.listdir(f"/proc/{pid}/cwd/"),
        "mem": lambda: open(f"/proc/{pid}/mem", "rb").close(),
        "environ": lambda: open(f"/proc/{pid}/environ", "rb").read(),
    }.items():
        try:
            name = open(f"/proc/{pid}/comm").read().strip()
            work()
        except OSError:
            continue
        yield what, name

def scan():
    while not over.is_set():
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            try:
                if is_mine(pid):
                    continue
                tried.add(open(f"/proc/{pid}/comm").read().strip())
            except OSError:
                continue
            opened.update(attempt(pid))

threading.Thread(target=scan, daemon=True).start()
"""
SCANNED = """
over.set()
import json
print(json.dumps([sorted(tried), sorted(opened), sorted(what for what, _ in attempt(child.pid))]))
child.kill()
"""


async def test_processes_of_its_displays_are_closed(make_kernel: MakeKernel) -> None:
    """With the same user and the same PIDs, it gets into none of them, at no time of their life."""
    kernel = await make_kernel()
    await kernel.run(f"{START}\n{SCAN}")
    await kernel.run("%xdisplay start --name two --size 320x240\n%xdisplay snapshot")
    await kernel.run("%xdisplay stop --name two")
    tried, opened, own = json.loads(await kernel.run(SCANNED))
    assert {"Xvfb", "openbox", "python3"} <= set(tried)
    assert own == ["cwd", "environ", "fd", "mem", "root"]  # what is open is found
    assert opened == []


FACTS = """
import glob, json, os, pathlib, socket, threading
server = socket.create_server(("0.0.0.0", 7777))
threading.Thread(target=lambda: [server.accept() for _ in range(9)], daemon=True).start()
told = pathlib.Path(os.environ["XAUTHORITY"])
listening = set()
for table in ("/proc/net/tcp", "/proc/net/tcp6"):
    for line in open(table).read().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and not fields[1].partition(":")[0].endswith("7F"):  # 127.0.0.0/8
            listening.add(int(fields[1].rpartition(":")[2], 16))
print(json.dumps({
    "address": socket.gethostbyname(socket.gethostname()),
    "cookie": told.read_bytes().hex(),
    "files": [
        str(told), os.environ["JUPYTER_XDISPLAY_SOCKET"], *glob.glob(f"{told.parent}/*.sock"),
        *glob.glob(f"{told.parents[2]}/k/*"), f"{told.parents[2]}/t/kernel.json",
    ],
    "listening": sorted(listening),
}))
"""
REACH = """
import json, os, socket
def port_is_open(port):
    try:
        socket.create_connection(({address!r}, port), 2).close()
    except OSError:
        return False
    return True
ports = [*range(5900, 5910), *range(6000, 6010), 7777]
print(json.dumps([
    [path for path in {files} if os.path.exists(path)],
    [port for port in ports if port_is_open(port)],
]))
"""


async def test_two_kernels_on_one_network(
    make_kernel: MakeKernel, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """They reach each other's ports, and nothing of each other's displays: none has a port."""
    network = engine.networks.create("xdisplay-isolation", driver="bridge", internal=True)
    kernels: list[ContainerKernel] = []
    try:
        kernels += [await make_kernel(network="xdisplay-isolation") for _ in range(2)]
        facts = [json.loads(await kernel.run(FACTS)) for kernel in kernels]
        for kernel, other in zip(kernels, reversed(facts), strict=True):
            assert other["listening"] == [7777]
            assert len(other["files"]) >= 9
            files, ports = json.loads(await kernel.run(REACH.format(**other)))
            assert files == []
            assert ports == [7777]
        assert facts[0]["cookie"] != facts[1]["cookie"]
    finally:
        for kernel in kernels:
            await kernel.stop()
        network.remove()


async def test_a_folder_with_sockets_is_not_served(make_kernel: MakeKernel, tmp_path: Path) -> None:
    """It is not mounted; the first line that is printed says so, and what to do."""
    folder = Path(tempfile.mkdtemp(prefix="xdt-", dir="/run"))
    try:
        kernel = await make_kernel(folder)
        told = await kernel.run(START)
        assert f"does not see the notebook's folder: with {folder}" in told
        assert "jupyter lab" in told
        assert (await kernel.run("import os; print(os.getcwd())")).strip() == "/home/jovyan"
        await kernel.stop()
    finally:
        shutil.rmtree(folder)


async def test_a_link_that_a_kernel_puts_in_the_place_of_a_folder(
    make_kernel: MakeKernel, tmp_path: Path
) -> None:
    """The next process of the kernel is not given what it leads to."""
    served = tmp_path / "served"
    (served / "data").mkdir(parents=True)
    kernel = await make_kernel(served, volumes=[f"{served}/data:/data"])
    await kernel.run("import os; os.rename('data', 'old'); os.symlink('/', 'data')")
    with pytest.raises(Exception, match="is not mounted into kernels"):
        await kernel.manager.restart_kernel(now=True)
    (served / "data").unlink()
    (served / "data").symlink_to("old")
    with pytest.raises(Exception, match="is a symbolic link"):
        await kernel.manager.restart_kernel(now=True)
