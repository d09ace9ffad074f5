"""Containers: what is told where there are none, where they are refused, and of their engine."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

import pytest

from jupyter_xdisplay.containers import address as address_module
from jupyter_xdisplay.containers.address import Address, Tls
from jupyter_xdisplay.doctor import container_trial, containers
from jupyter_xdisplay.doctor.containers import Place, Socket
from jupyter_xdisplay.errors import EngineUnreachable

DOCKER = {
    "Version": "27.5.1",
    "ApiVersion": "1.47",
    "Components": [{"Name": "Engine", "Version": "27.5.1"}],
}
PODMAN = {
    "Version": "4.3.1",
    "ApiVersion": "1.41",
    "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}],
}
ROOTLESS = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}
HERE = Address("unix:///var/run/docker.sock", "DOCKER_HOST")


class NoEngine(BaseHTTPRequestHandler):
    """Something else that speaks HTTP."""

    def do_GET(self) -> None:
        """Answer with a page."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>It works!</html>")

    def do_HEAD(self) -> None:
        """Answer without one."""
        self.send_response(200)
        self.end_headers()

    def address_string(self) -> str:
        """Return what is not there for Unix sockets."""
        return "unix"

    def log_message(self, *_arguments: Any) -> None:
        """Be quiet."""


class UnixServer(ThreadingMixIn, UnixStreamServer):
    """A server on a socket file."""

    daemon_threads = True


@pytest.fixture
def no_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of kernels that is empty, and an environment without an engine."""
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    for name in ("DEFAULT_SOCKET", "PODMAN_SOCKET"):
        monkeypatch.setattr(address_module, name, str(tmp_path / "none.sock"))
    return tmp_path


def add_kernel(folder: Path, provisioner: str) -> None:
    """Write the specification of a kernel."""
    kernel = folder / "kernels" / "boxed"
    kernel.mkdir(parents=True)
    value = {
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Boxed",
        "language": "python",
        "metadata": {"kernel_provisioner": {"provisioner_name": provisioner}},
    }
    (kernel / "kernel.json").write_text(json.dumps(value))


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Path]:
    """Give the path of a socket on which a web server listens that is no engine."""
    path = tmp_path / "web.sock"
    with UnixServer(str(path), NoEngine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()


def test_who_has_no_containers_is_not_alarmed(
    no_jupyter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an engine nor the SDK: one line that is fine."""
    monkeypatch.setattr(containers, "has_sdk", lambda: False)
    (check,) = containers.container_checks()
    assert check.status == "ok"
    assert "none are needed" in check.detail


@pytest.mark.parametrize(
    ("place", "status"),
    [
        (Place(sdk=False), "ok"),
        (Place(sdk=False, address=HERE), "note"),
        (Place(sdk=False, socket=Socket("/s", 0o660, 0, "docker", True)), "note"),
        (Place(sdk=False, others=("/run/user/1000/docker.sock",)), "note"),
        (Place(sdk=False, kernels=("boxed",)), "problem"),
    ],
)
def test_without_the_sdk(place: Place, status: str) -> None:
    """Only a kernel that runs in a container misses it."""
    check = containers.without_sdk(place)
    assert check.status == status
    assert status == "ok" or "jupyter-xdisplay[containers]" in (check.fix or "")


@pytest.mark.parametrize(
    ("place", "status"),
    [
        (Place(), "note"),
        (Place(address=HERE), "problem"),
        (Place(kernels=("boxed",)), "problem"),
    ],
)
def test_no_engine_answers(place: Place, status: str) -> None:
    """It is a problem where one was asked for; the fix is the one of the connection."""
    error = EngineUnreachable("No engine.", fix="start it", log=["refused"])
    check = containers.unusable(place, error)
    assert (check.status, check.fix) == (status, "start it")
    assert check.detail == "No engine. Its last line: refused"


def test_an_engine_of_this_user_is_named() -> None:
    """Where another place is named and nobody answers there, a socket of this user is told."""
    error = EngineUnreachable("No engine.", fix="start it")
    other = "/run/user/1000/podman/podman.sock"
    check = containers.unusable(Place(address=HERE, others=(other,)), error)
    assert other in check.detail
    assert check.fix == f"start it; or export DOCKER_HOST=unix://{other} before Jupyter starts"
    assert containers.unusable(Place(address=HERE), error).fix == "start it"


def test_other_sockets_and_kernels_are_found(
    no_jupyter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket in the session's folder, and a kernel whose specification asks for a container."""
    monkeypatch.setenv("JUPYTER_PATH", str(no_jupyter / "path"))
    add_kernel(no_jupyter / "path", "xdisplay-docker")
    (no_jupyter / "docker.sock").touch()
    (no_jupyter / "podman").mkdir()
    (no_jupyter / "podman" / "podman.sock").touch()
    place = containers.look_around({"XDG_RUNTIME_DIR": str(no_jupyter)})
    assert str(place.address) == f"unix://{no_jupyter}/docker.sock"
    assert place.socket is not None
    assert place.others == (f"{no_jupyter}/podman/podman.sock",)
    assert place.kernels == ("boxed",)
    assert place.sdk


def test_kernels_of_others(no_jupyter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another provisioner's kernel wants no container of ours."""
    monkeypatch.setenv("JUPYTER_PATH", str(no_jupyter / "path"))
    add_kernel(no_jupyter / "path", "local-provisioner")
    assert containers.kernels_in_containers() == ()


def test_a_folder_called_docker_is_not_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many projects have one beside their notebooks, and Python imports it."""
    (tmp_path / "docker").mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.delitem(__import__("sys").modules, "docker", raising=False)
    assert not containers.has_sdk()


def test_nothing_and_nobody_listens(no_jupyter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, and one that nobody serves: a problem, as DOCKER_HOST is set."""
    path = no_jupyter / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    (check,) = containers.container_checks()
    assert (check.name, check.status) == ("container engine", "problem")
    assert "systemctl start docker" in (check.fix or "")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        path.chmod(0o600)
    who, check = containers.container_checks()
    assert (who.name, who.status) == ("engine socket", "ok")
    assert "does not answer" in check.detail


def test_a_web_server_is_no_engine(
    no_jupyter: Path, listener: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What answers something else is told as that, without a traceback."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{listener}")
    *_, check = containers.container_checks()
    assert (check.name, check.status) == ("container engine", "problem")
    assert "does not answer" in check.detail
    assert check.fix


def test_one_that_never_answers(no_jupyter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline ends the wait."""
    path = no_jupyter / "silent.sock"
    monkeypatch.setattr(containers, "CONNECT_S", 1)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        *_, check = containers.container_checks()
    assert check.status == "problem"
    assert "imed out" in check.detail


@pytest.mark.parametrize(("mode", "status"), [(0o660, "ok"), (0o600, "ok"), (0o666, "problem")])
def test_a_socket_open_to_everybody(tmp_path: Path, mode: int, status: str) -> None:
    """Its mode decides, where everybody comes as far as to it."""
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    path.chmod(mode)
    found = containers.read_socket(str(path))
    assert found is not None
    assert (found.mode, found.owner) == (mode, os.getuid())
    assert not found.reached  # pytest's folders are private
    assert containers.judge_socket(found).status == "ok"
    assert containers.judge_socket(found._replace(reached=True)).status == status


def test_how_a_socket_is_closed() -> None:
    """Root's is given to a group, that of a rootless engine to its user."""
    path = "/var/run/docker.sock"
    roots = containers.judge_socket(Socket(path, 0o666, 0, "root", True))
    assert "become root" in roots.detail
    assert (roots.fix or "").startswith(f"sudo chgrp docker {path} && sudo chmod 660 {path}")
    users = containers.judge_socket(Socket(path, 0o666, 1000, "users", True))
    assert users.fix == f"chmod 600 {path}"


@pytest.mark.parametrize(
    ("url", "tls", "found"),
    [
        ("ssh://me@build", None, []),
        ("tcp://build:2376", Tls(Path("/certs")), []),
        ("tcp://build:2375", None, ["problem"]),
        ("tcp://127.0.0.1:2375", None, ["problem"]),
    ],
)
def test_an_engine_without_tls(url: str, tls: Tls | None, found: list[str]) -> None:
    """A port without TLS gives root to whoever reaches it."""
    checks = containers.address_checks(Place(address=Address(url, "DOCKER_HOST", tls=tls)))
    assert [check.status for check in checks] == found


FINE = {"folder": True, "channels": True, "x": True, "shm": True}


@pytest.mark.parametrize(
    ("found", "is_mounted", "status", "told"),
    [
        (FINE, True, "ok", "was started and joined"),
        (FINE, False, "note", "do not see the notebook's"),
        ({**FINE, "shm": "another IPC namespace"}, True, "problem", "without MIT-SHM: another"),
        ({**FINE, "folder": "PermissionError: x"}, True, "problem", "cannot read the folder"),
        ({**FINE, "channels": "PermissionError: x"}, True, "problem", "write nowhere"),
        ({"folder": True, "channels": True, "x": "refused"}, True, "problem", "cannot be reached"),
        ({}, True, "problem", "cannot read"),
    ],
)
def test_what_a_trial_means(
    found: dict[str, object], is_mounted: bool, status: str, told: str
) -> None:
    """What a container that joined the display's saw: each thing that fails has its words."""
    check = container_trial.judge_trial(found, is_mounted=is_mounted)
    assert check.status == status
    assert told in check.detail
    assert (check.fix is None) == (status == "ok")


def test_selinux_is_told() -> None:
    """That our containers are not confined, and where it says what it refused all the same."""
    check = container_trial.judge_trial(FINE, is_mounted=True, selinux=True)
    assert check.status == "ok"
    assert "label=disable" in check.detail
    check = container_trial.judge_trial({}, is_mounted=True, selinux=True)
    assert "ausearch" in (check.fix or "")


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("NanoCPUs can not be set, as your kernel does not support CPU CFS", "container limits"),
        ("mkdir /var/lib/docker: no space left on device", "docker image prune"),
        ("anything else", "journalctl -u docker"),
    ],
)
def test_why_a_container_cannot_be_made(message: str, fix: str) -> None:
    """Each known reason has its own fix."""
    assert fix in container_trial.create_fix(message)
