"""What engines are asked for where SELinux confines containers; no such machine runs these tests.

Engines without it take the same requests, and pass over what they say of labels.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers.engine_info import EngineInfo
from jupyter_xdisplay.doctor.container_trial import trial_check
from jupyter_xdisplay.runtime import podman_create
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.runtime.own_containers import DIRECTORY_LABEL, no_rights
from jupyter_xdisplay.runtime.pod_create import OwnSpaces
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.containers.fixtures import MakeContainer
from tests.containers.test_joined import environment, until_green
from tests.containers.test_sidecar_container import DRAW


@pytest.fixture
def runtime(
    engine: docker.DockerClient, sidecar_image: Image, monkeypatch: pytest.MonkeyPatch
) -> DockerRuntime:
    """Give a runtime whose engine says that it uses SELinux."""
    runtime = DockerRuntime()
    info = dataclasses.replace(runtime.engine_info(), selinux=True)
    monkeypatch.setattr(runtime, "engine_info", lambda: info)
    return runtime


@pytest.mark.parametrize(
    ("options", "selinux"),
    [
        (["name=seccomp,profile=default", "name=selinux", "name=cgroupns"], True),
        (["name=apparmor", "name=seccomp,profile=builtin"], False),
        (None, False),
    ],
)
def test_which_engines_use_it(options: list[str] | None, *, selinux: bool) -> None:
    """It is one of an engine's security options."""
    assert EngineInfo.from_json({"SecurityOptions": options}, {}).selinux == selinux


def test_what_a_container_is_asked_to_be() -> None:
    """Unconfined with folders, on such engines alone; never with a right more."""
    for selinux, has_folders in ((False, True), (False, False), (True, False)):
        asked = no_rights(EngineInfo(selinux=selinux), has_folders=has_folders)
        assert asked == {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
    asked = no_rights(EngineInfo(selinux=True), has_folders=True)
    assert asked["security_opt"] == ["no-new-privileges", "label=disable"]
    assert asked["cap_drop"] == ["ALL"]


def test_a_pod(runtime: DockerRuntime, leftovers: Path) -> None:
    """Its container is unconfined, and nothing is relabelled: mounts have no such mode."""
    pod = runtime.create_pod("selinux", OwnSpaces())
    try:
        settings = pod.container.attrs["HostConfig"]
        assert settings["SecurityOpt"] == ["no-new-privileges", "label=disable"]
        assert not settings["Binds"]  # there alone `:z` could be
        assert settings["Mounts"]
    finally:
        pod.end_now()


def test_a_kernel_joins_it(runtime: DockerRuntime, leftovers: Path) -> None:
    """As the doctor tries it, which says what that means."""
    check = trial_check(runtime)
    assert check.status == "ok", check
    assert "SELinux does not confine our containers (label=disable)" in check.detail


async def test_a_container_that_runs_already(
    runtime: DockerRuntime,
    make_container: MakeContainer,
    engine: docker.DockerClient,
    leftovers: Path,
) -> None:
    """The pod takes the label of what it joins, so it is given no folder; windows come up."""
    info = runtime.engine_info()
    theirs = make_container(user=info.user)
    manager = DisplayManager(docker=runtime)
    try:
        display = await manager.create(DisplaySpec(size=Size(320, 240), container="theirs"))
        [pod] = engine.containers.list(filters={"label": DIRECTORY_LABEL})
        settings = pod.attrs["HostConfig"]
        assert settings["SecurityOpt"] == ["no-new-privileges"]
        assert not settings.get("Mounts")
        assert settings["PidMode"] == f"container:{theirs.id}"
        theirs.exec_run(["python3", "-c", DRAW], environment=environment(display), detach=True)
        await until_green(manager, display)
    finally:
        await manager.close()


def test_podmans_own_request() -> None:
    """By its own API it is a field of its own."""
    client = docker.APIClient("unix:///nowhere", version="1.41")
    for options, wanted in (([], []), (["label=disable"], ["disable"])):
        config = client.create_container_config(
            "image",
            ["true"],
            environment={},
            host_config=client.create_host_config(
                network_mode="none",
                ipc_mode="private",
                pid_mode="host",
                mounts=[],
                cap_drop=["ALL"],
                security_opt=["no-new-privileges", *options],
            ),
        )
        asked = podman_create.specification({**config, "Entrypoint": []}, [])
        assert asked["selinux_opts"] == wanted
        assert asked["no_new_privileges"]
