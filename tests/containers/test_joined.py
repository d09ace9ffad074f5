"""A display for the programs of a container that somebody else started; with the real engine."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image
from PIL import Image as Pictures

from jupyter_xdisplay.errors import StartFailed, UsageError
from jupyter_xdisplay.runtime.exec_stream import output_of
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size
from tests.containers.fixtures import MakeContainer
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


@pytest.fixture
async def manager(engine: docker.DockerClient) -> AsyncIterator[DisplayManager]:
    """Give a manager of displays."""
    manager = DisplayManager()
    yield manager
    await manager.close()


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


async def until_green(manager: DisplayManager, info: DisplayInfo) -> None:
    """Wait until the window is there."""
    for _ in range(200):
        png = await manager.screenshot(info.id)
        if Pictures.open(io.BytesIO(png)).convert("RGB").getpixel((50, 40)) == GREEN:
            return
    raise AssertionError("nothing green")
