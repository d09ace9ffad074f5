"""Jupyter, or a kernel, that runs in a container itself: a sidecar joins it, or X is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from jupyter_xdisplay.runtime.exec_stream import output_of
from jupyter_xdisplay.runtime.joined import own_container
from tests.containers.fixtures import MakeContainer
from tests.containers.real_engine import containers_on
from tests.containers.test_sidecar_container import DRAW

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


def with_package(inside: Path) -> dict[str, Any]:
    """Return the options of a container that has this package, and this environment's others."""
    return {
        "volumes": {
            str(inside): {"bind": "/inside", "mode": "ro"},
            sysconfig.get_path("purelib"): {"bind": "/site", "mode": "ro"},
        },
        "environment": {"PYTHONPATH": "/inside:/site"},
    }


def with_engine(inside: Path) -> dict[str, Any]:
    """Return the options of a container that has the engine's socket too, and starts as root."""
    options = with_package(inside)
    socket = os.environ["DOCKER_HOST"].removeprefix("unix://")
    options["volumes"][socket] = {"bind": "/var/run/docker.sock"}
    return {**options, "user": "0:0"}


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


SERVE = """
import json, os, pathlib, subprocess, sys, time, urllib.request
from jupyter_client import BlockingKernelClient
home = pathlib.Path(os.environ["HOME"])
(home / "config").mkdir()
own = {"ServerApp": {"jpserver_extensions": {"jupyterlab": False, "jupyter_xdisplay": True}}}
(home / "config" / "jupyter_server_config.json").write_text(json.dumps(own))
os.environ |= {"JUPYTER_CONFIG_DIR": f"{home}/config", "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
    "JUPYTER_DATA_DIR": f"{home}/data", "IPYTHONDIR": f"{home}/ipython"}
log = open(f"{home}/log", "w")
server = subprocess.Popen([sys.executable, "-m", "jupyter_server", "--no-browser", "--port=8888",
    "--ip=127.0.0.1", "--IdentityProvider.token=secret", f"--ServerApp.root_dir={home}"],
    stdout=log, stderr=log)
def ask(path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:8888/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "token secret"})
    return json.load(urllib.request.urlopen(request))
def wait(what):
    end = time.monotonic() + 60
    while True:
        try:
            if found := what():
                return found
        except OSError as error:
            found = error
        assert server.poll() is None and time.monotonic() < end, (found, open(log.name).read())
        time.sleep(0.1)
wait(lambda: ask("api/status"))
kernel = ask("api/kernels", {"name": "python3"})["id"]
file = home / "runtime" / f"kernel-{kernel}.json"
wait(file.exists)
client = BlockingKernelClient(connection_file=str(file))
client.load_connection_file()
client.start_channels()
client.wait_for_ready(60)
printed = []
def run(code):
    def hook(m):
        if m["msg_type"] == "stream": printed.append(m["content"]["text"])
    reply = client.execute_interactive(code, output_hook=hook, timeout=60)["content"]
    assert reply["status"] == "ok", (reply, open(log.name).read())
run(f"%load_ext jupyter_xdisplay\\n%xdisplay start --runtime {sys.argv[1]} --size 320x240")
run(f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {sys.argv[2]!r}])")
[display] = ask("xdisplay/api/displays")
wait(lambda: ask(f"xdisplay/api/displays/{display['id']}")["clients"])
run("import jupyter_xdisplay as xd; print('pixel', xd.display().snapshot().convert('RGB')"
    ".getpixel((50, 40)))")
print(os.getuid(), display["runtime"], *printed)
client.stop_channels()
server.terminate()
server.wait()
"""
PIXEL = "pixel (0, 255, 0)"


def serve(container: Container, runtime: str, user: list[str]) -> str:
    """Run a Jupyter server in a container, and a kernel that shows a window; return what it says.

    It is this environment's, so its packages have to be for the container's Python.
    """
    if sys.version_info[:2] != (3, 11):
        pytest.skip(
            "NO TESTS OF JUPYTER IN CONTAINERS: packages for Debian's Python 3.11 are not here"
        )
    command = ["python3", *user, "-c", SERVE, runtime, DRAW]
    return output_of(container.exec_run(command)).decode()


def test_jupyter_without_x(
    real_engine: object,
    make_container: MakeContainer,
    engine: docker.DockerClient,
    kernel_image: Image,
    inside: Path,
) -> None:
    """In an image without Xvfb, as somebody who is not root, with the engine's socket."""
    container = make_container(kernel_image, **with_engine(inside))
    assert container.exec_run(["sh", "-c", "command -v Xvfb"]).exit_code
    said = serve(container, "docker", ["-c", DROP])
    assert said.split()[:2] == ["4321", "docker"], said
    assert PIXEL in said
    assert [one.id for one in containers_on(engine)] == [container.id]


def test_jupyter_with_x(
    make_container: MakeContainer,
    engine: docker.DockerClient,
    sidecar_image: Image,
    inside: Path,
) -> None:
    """In an image that has Xvfb the display is a process beside it, and no engine is asked."""
    container = make_container(sidecar_image, user="4321:4321", **with_package(inside))
    said = serve(container, "local", [])
    assert said.split()[:2] == ["4321", "local"], said
    assert PIXEL in said


def test_the_own_container_is_known() -> None:
    """From the files that Docker mounts into each (proc(5), mountinfo)."""
    number = "4bd9a5d2f4a7" + "0" * 52
    mounts = (
        "711 700 8:1 / / rw - overlay overlay rw\n"
        f"726 711 8:1 /var/lib/docker/containers/{number}/hostname /etc/hostname rw - ext4 x rw\n"
    )
    assert own_container(mounts) == number
    assert own_container("711 700 8:1 / / rw - ext4 /dev/sda1 rw\n") is None
