"""A display for the programs of a container that somebody else started; with the real engine."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image
from PIL import Image as Pictures

from jupyter_xdisplay.errors import StartFailed, UsageError
from jupyter_xdisplay.runtime.exec_stream import output_of
from jupyter_xdisplay.runtime.joined import own_container
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size
from tests.containers.real_engine import containers_on
from tests.containers.test_sidecar_container import DRAW
from tests.waiting import until

SPEC = DisplaySpec(size=Size(320, 240), container="theirs")
GREEN = (0, 255, 0)

LIST_EXTENSIONS = """
import xcffib, xcffib.xproto
names = xcffib.connect().core.ListExtensions().reply().names
print([name.name.to_string() for name in names])
"""

MakeContainer = Callable[..., Container]


@pytest.fixture
async def manager(engine: docker.DockerClient) -> AsyncIterator[DisplayManager]:
    """Give a manager of displays."""
    manager = DisplayManager()
    yield manager
    await manager.close()


@pytest.fixture
def make_container(engine: docker.DockerClient, sidecar_image: Image) -> Iterator[MakeContainer]:
    """Start a container as anybody does, that waits."""
    made: list[Container] = []

    def make(image: Image = sidecar_image, **options: object) -> Container:
        settings = {"network_mode": "none", "name": "theirs", **options}
        command = ["-c", "import time; time.sleep(600)"]
        made.append(
            engine.containers.run(
                image.id, command, entrypoint="python3", init=True, detach=True, **settings
            )
        )
        return made[-1]

    yield make
    for container in made:
        with suppress(docker.errors.NotFound):
            container.remove(force=True)


def environment(info: DisplayInfo) -> dict[str, str]:
    """Return what programs of the container need."""
    return {"DISPLAY": info.display, "XAUTHORITY": info.xauthority}


async def test_its_programs_appear(
    make_container: MakeContainer, manager: DisplayManager, engine: docker.DockerClient
) -> None:
    """With a private IPC namespace: without MIT-SHM, and it is said why; nothing is left in it."""
    theirs = make_container(user=f"{os.getuid()}:{os.getgid()}")
    info = await manager.create(SPEC)
    assert info.runtime == "docker"
    assert "MIT-SHM is off" in info.chosen["runtime"]
    assert "shareable" in info.chosen["runtime"]
    theirs.exec_run(["python3", "-c", DRAW], environment=environment(info), detach=True)
    await until_green(manager, info)
    [pid] = await until(lambda: manager.get(info.id).clients)
    told = theirs.exec_run(["cat", f"/proc/{pid}/cmdline"])
    assert b"CreateWindow" in output_of(told)
    extensions = output_of(
        theirs.exec_run(["python3", "-c", LIST_EXTENSIONS], environment=environment(info))
    )
    assert b"RANDR" in extensions
    assert b"MIT-SHM" not in extensions
    await manager.stop(info.id)
    assert output_of(theirs.exec_run(["ls", "-A", "/tmp"])) == b""
    assert [one.id for one in containers_on(engine)] == [theirs.id]


async def test_another_user_and_shared_memory(
    make_container: MakeContainer, manager: DisplayManager
) -> None:
    """The sidecar runs as that user, through the engine; a stranger in there sees nothing."""
    theirs = make_container(user="4321:4321", ipc_mode="shareable")
    info = await manager.create(SPEC)
    assert "MIT-SHM" not in info.chosen["runtime"]
    theirs.exec_run(["python3", "-c", DRAW], environment=environment(info), detach=True)
    await until_green(manager, info)
    for user in ("4322:4322", "4322:4321"):
        refused = theirs.exec_run(
            ["python3", "-c", "import xcffib; xcffib.connect()"],
            environment=environment(info),
            user=user,
        )
        assert refused.exit_code != 0
        assert theirs.exec_run(["cat", info.xauthority], user=user).exit_code != 0
    resized = await manager.resize(info.id, DisplaySpec(size=Size(400, 300)))
    assert resized.size == (400, 300)


IN_A_FILE = """
import pathlib, socket, stat, sys
place = pathlib.Path("/tmp/.X11-unix/X" + sys.argv[1])
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(str(place))
print(stat.S_ISSOCK(place.stat().st_mode))
"""


def reaches_file(container: Container, info: DisplayInfo, **options: str) -> bool:
    """Tell whether programs come to the X server without abstract sockets (libxcb over 1.17)."""
    command = ["python3", "-c", IN_A_FILE, info.display.lstrip(":")]
    return container.exec_run(command, **options).exit_code == 0


async def test_its_socket_is_a_file_too(
    make_container: MakeContainer, manager: DisplayManager
) -> None:
    """For programs that know no abstract sockets, and for that user alone; gone afterwards."""
    theirs = make_container(user="4321:4321")
    left = "mkdir -m 1777 /tmp/.X11-unix && ln -s /proc/1/gone /tmp/.X11-unix/X0"
    theirs.exec_run(["sh", "-c", left])  # by a display that was killed
    info = await manager.create(SPEC)
    assert "libxcb" not in info.chosen["runtime"]
    assert reaches_file(theirs, info)
    assert not reaches_file(theirs, info, user="4322:4322")
    other = await manager.create(dataclasses.replace(SPEC, name="other"))
    assert other.display != info.display
    assert reaches_file(theirs, other)
    await manager.stop(info.id)
    assert not reaches_file(theirs, info)
    assert reaches_file(theirs, other)
    await manager.stop(other.id)
    assert output_of(theirs.exec_run(["ls", "-A", "/tmp"])) == b""


async def test_an_abstract_socket_alone(
    make_container: MakeContainer, manager: DisplayManager
) -> None:
    """A container with the machine's PIDs gets no link; that newer programs fail is said, so."""
    theirs = make_container(user="4321:4321", pid_mode="host")
    info = await manager.create(SPEC)
    assert "a libxcb newer than 1.17 do not know: its PIDs are not" in info.chosen["runtime"]
    assert not reaches_file(theirs, info)
    theirs.exec_run(["python3", "-c", DRAW], environment=environment(info), detach=True)
    await until_green(manager, info)


QT = """
import PySide6.QtWidgets as q
app = q.QApplication([])
window = q.QWidget()
window.setStyleSheet("background: #00ff00")
window.setGeometry(0, 0, 300, 200)
window.show()
app.exec()
"""


async def test_a_qt_program_without_shared_memory(
    make_container: MakeContainer, manager: DisplayManager, kernel_image: Image
) -> None:
    """Qt draws by MIT-SHM where it can; where IPC cannot be shared it does without, and shows."""
    theirs = make_container(kernel_image, user="4321:4321")
    info = await manager.create(SPEC)
    assert "MIT-SHM is off" in info.chosen["runtime"]
    told = {**environment(info), "HOME": "/tmp"}
    _, output = theirs.exec_run(["python3", "-c", QT], environment=told, stream=True)
    await until_green(manager, info)
    await manager.stop(info.id)
    assert "SHM" not in b"".join(output).decode()  # ended with its X server


PLANT = 'mkdir -p "$0"; ln -s /tmp/mine "$0/Xauthority"'
SCRIPT = """
import os, jupyter_xdisplay as xd
with xd.display(container="theirs", size="320x240") as display:
    print(display.info.container, os.environ.get("DISPLAY"))
    assert xd.display(container="theirs").info.id == display.info.id
    try:
        xd.display(container="stranger")
    except Exception as error:
        print(type(error).__name__, "container theirs" in str(error))
"""


async def test_the_cookie_goes_nowhere_else(
    make_container: MakeContainer, manager: DisplayManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where somebody in there was first, with a folder of that name, nothing is started."""
    theirs = make_container(user="4321:4321")
    number = uuid.UUID("0123456789ab" + "0" * 20)
    monkeypatch.setattr("jupyter_xdisplay.runtime.manager.uuid.uuid4", lambda: number)
    theirs.exec_run(["sh", "-c", PLANT, "/tmp/.xdisplay-0123456789ab"], user="0:0")
    with pytest.raises(StartFailed, match="cookie"):
        await manager.create(SPEC)
    assert theirs.exec_run(["ls", "/tmp/mine"]).exit_code != 0


def test_this_process_stays_where_it_is(make_container: MakeContainer) -> None:
    """DISPLAY of another container means nothing here, and a display is for one of them."""
    make_container()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["theirs", "None", "UsageError", "True"]


async def test_another_container_sees_nothing(
    make_container: MakeContainer, manager: DisplayManager
) -> None:
    """Neither the X server nor the cookie of one container is there in another."""
    make_container()
    stranger = make_container(name="stranger")
    info = await manager.create(SPEC)
    connect = ["python3", "-c", "import xcffib; xcffib.connect()"]
    assert stranger.exec_run(connect, environment=environment(info)).exit_code != 0
    assert stranger.exec_run(["cat", info.xauthority]).exit_code != 0


async def test_its_container_ends(
    make_container: MakeContainer, manager: DisplayManager, engine: docker.DockerClient
) -> None:
    """The display ends with it, and says so; its sidecar's container is gone."""
    theirs = make_container()
    info = await manager.create(SPEC)
    theirs.remove(force=True)
    await until(lambda: manager.get(info.id).state == "ended")
    await until(lambda: not containers_on(engine))


@pytest.mark.parametrize(
    ("name", "state"), [("no-such-container", "There is no"), ("theirs", "does not run")]
)
async def test_what_cannot_be_joined(
    make_container: MakeContainer, manager: DisplayManager, name: str, state: str
) -> None:
    """Who is not there, or does not run."""
    make_container().stop(timeout=0)
    with pytest.raises(UsageError, match=state) as caught:
        await manager.create(DisplaySpec(container=name))
    assert caught.value.fix


async def test_no_container_is_named(manager: DisplayManager) -> None:
    """On a machine that is none itself, the fix names both ways."""
    with pytest.raises(UsageError, match="none is named") as caught:
        await manager.create(DisplaySpec(runtime="docker"))
    assert "kernel add" in (caught.value.fix or "")


INSIDE = """
import jupyter_xdisplay as xd, subprocess, sys, time
display = xd.display(runtime="docker", size="320x240")
subprocess.Popen(["python3", "-c", "import PySide6.QtWidgets as q; a = q.QApplication([]); "
    "w = q.QWidget(); w.setStyleSheet('background: #00ff00'); w.setGeometry(0, 0, 300, 200); "
    "w.show(); a.exec()"])
end = time.monotonic() + 30
while time.monotonic() < end:
    if display.snapshot().convert("RGB").getpixel((150, 120)) == (0, 255, 0):
        print("green")
        break
    time.sleep(0.1)
print(display.info.chosen["runtime"])
display.stop()
"""
SDK = ("docker", "requests", "urllib3", "certifi", "idna", "charset_normalizer")


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with this package, the SDK, and what runs in a container."""
    folder = tmp_path_factory.mktemp("inside")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(folder), str(Path(__file__).parents[2])], check=True)
    [wheel] = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder, "zip")
    for name in SDK:
        found = metadata.distribution(name).locate_file(name)
        shutil.copytree(str(found), folder / name)
    (folder / "inside.py").write_text(INSIDE)
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    return folder


def with_engine(inside: Path) -> dict[str, object]:
    """Return the options of a container that has the engine's socket."""
    socket = os.environ["DOCKER_HOST"].removeprefix("unix://")
    return {
        "user": "0:0",
        "volumes": {
            socket: {"bind": "/var/run/docker.sock"},
            str(inside): {"bind": "/inside", "mode": "ro"},
        },
        "environment": {"PYTHONPATH": "/inside"},
    }


DROP = """
import os, sys
os.setgroups([os.stat("/var/run/docker.sock").st_gid])
os.setgid(4321)
os.setuid(4321)
os.environ["HOME"] = "/tmp"
os.execvp("python3", ["python3", *sys.argv[1:]])
"""


@pytest.mark.parametrize("drop", [[], ["-c", DROP]], ids=["root", "dropped"])
def test_from_inside_a_container(
    real_engine: object,
    make_container: MakeContainer,
    engine: docker.DockerClient,
    kernel_image: Image,
    inside: Path,
    drop: list[str],
) -> None:
    """With the engine's socket and without Xvfb: a sidecar joins the container that asks.

    It runs as whoever asks there: images start as root, and become who NB_UID names.
    """
    container = make_container(kernel_image, **with_engine(inside))
    done = container.exec_run(["python3", *drop, "/inside/inside.py"])
    said = output_of(done).decode()
    assert "green" in said, said
    assert "in the network of container theirs" in said
    assert [one.id for one in containers_on(engine)] == [container.id]


def test_the_own_container_is_known() -> None:
    """From the files that Docker mounts into each (proc(5), mountinfo)."""
    number = "4bd9a5d2f4a7" + "0" * 52
    mounts = (
        "711 700 8:1 / / rw - overlay overlay rw\n"
        f"726 711 8:1 /var/lib/docker/containers/{number}/hostname /etc/hostname rw - ext4 x rw\n"
    )
    assert own_container(mounts) == number
    assert own_container("711 700 8:1 / / rw - ext4 /dev/sda1 rw\n") is None


async def until_green(manager: DisplayManager, info: DisplayInfo) -> None:
    """Wait until the window is there."""
    for _ in range(200):
        png = await manager.screenshot(info.id)
        if Pictures.open(io.BytesIO(png)).convert("RGB").getpixel((50, 40)) == GREEN:
            return
    raise AssertionError("nothing green")
