"""What killed launchers left on an engine is removed by the next one, and nothing of others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from jupyter_xdisplay.runtime import own_containers
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.own_containers import (
    OWNER_LABEL,
    ROOT_LABEL,
    own_labels,
    owner,
    read_time,
)
from jupyter_xdisplay.sidecar import left_over
from tests.containers.fixtures import MakeContainer
from tests.containers.real_engine import containers_on
from tests.containers.test_sidecar_container import HOLDER
from tests.waiting import wait_until

FIRST, SECOND = "0123456789ab", "ba9876543210"
JOINER = """
import asyncio
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec
async def main():
    info = await DisplayManager().create(DisplaySpec(container="theirs"))
    print(info.xauthority, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@contextmanager
def running(program: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a program that holds something; give it and the line that it prints."""
    command = [sys.executable, "-c", program]
    folder = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder) as holder:
        assert holder.stdout is not None
        try:
            yield holder, holder.stdout.readline().decode().strip()
        finally:
            holder.kill()


def left_by(engine: docker.DockerClient, display_id: str) -> Container:
    """Return a pod that has ended, of a launcher that was killed."""
    with running(HOLDER.format(id=display_id)) as (_, number):
        container = engine.containers.get(number)
    wait_until(lambda: _status(container) == "exited", "it goes on")
    return container


def _status(container: Container) -> str:
    container.reload()
    return str(container.status)


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give what makes all that has ended old: engines tell some times in whole seconds."""
    return lambda: monkeypatch.setattr(own_containers, "GRACE", timedelta(seconds=-2))


def test_a_root_that_was_lost(
    engine: docker.DockerClient,
    sidecar_image: Image,
    leftovers: Path,
    monkeypatch: pytest.MonkeyPatch,
    long_ago: Callable[[], None],
) -> None:
    """As by a reboot: what has ended is removed, after a while; what runs is left alone."""
    left_by(engine, FIRST)
    with running(HOLDER.format(id=SECOND)) as (_, number):
        shutil.rmtree(leftovers)
        leftovers.mkdir(mode=0o700)
        monkeypatch.setattr("platform.node", lambda: "renamed")
        assert DockerRuntime().reap() == 0  # its launcher might be about to look at it
        long_ago()
        assert DockerRuntime().reap() == 1
        assert [one.id for one in containers_on(engine)] == [number]
    wait_until(lambda: _status(engine.containers.get(number)) == "exited", "it goes on")
    assert DockerRuntime().reap() == 1


def test_what_others_left(
    engine: docker.DockerClient,
    sidecar_image: Image,
    leftovers: Path,
    tmp_path: Path,
    long_ago: Callable[[], None],
) -> None:
    """Another user, another machine, another root of this user: it is theirs."""
    uid, rest = owner().split(":", 1)
    root, machine = rest.split("@")
    assert (uid, root) == (str(os.getuid()), str(leftovers))
    long_ago()
    theirs = [f"4321:{rest}", f"{uid}:{tmp_path}@{machine}", f"{uid}:{root}@another"]
    for who in theirs:
        labels = {**own_labels(leftovers / "d-gone"), OWNER_LABEL: who}
        engine.containers.create(sidecar_image.id, labels=labels)
    engine.containers.create(sidecar_image.id, labels=own_labels(leftovers / "d-gone"))
    assert DockerRuntime().reap() == 1
    left = containers_on(engine)
    assert sorted(one.labels[OWNER_LABEL] for one in left) == sorted(theirs)
    for one in left:
        one.remove()


def test_a_directory_that_was_reaped_before(
    engine: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """As by a display of this machine that ended: in our root it was nobody else's."""
    left_by(engine, FIRST)
    assert left_over.reap() == [leftovers / f"d-{FIRST}"]
    assert DockerRuntime().reap() == 1


def test_what_was_never_started(
    engine: docker.DockerClient,
    sidecar_image: Image,
    leftovers: Path,
    long_ago: Callable[[], None],
) -> None:
    """A container and a volume that were just made may be somebody's; later they are nobody's."""
    labels = {**own_labels(leftovers / "d-gone"), ROOT_LABEL: "another"}
    engine.containers.create(sidecar_image.id, labels=labels)
    engine.volumes.create(name="xdisplay-test-left", labels=labels)
    assert DockerRuntime().reap() == 0
    assert engine.volumes.list(filters={"label": labels_of(labels)})
    long_ago()
    assert DockerRuntime().reap() == 1
    assert not engine.volumes.list(filters={"label": labels_of(labels)})


def labels_of(labels: dict[str, str]) -> list[str]:
    """Return labels as the engine filters by them."""
    return [f"{name}={value}" for name, value in labels.items()]


def test_a_cookie_in_a_joined_container(
    make_container: MakeContainer, engine: docker.DockerClient, leftovers: Path
) -> None:
    """What a killed launcher had written there is removed with its pod."""
    theirs = make_container(user="4321:4321")
    with running(JOINER) as (_, xauthority):
        [pod] = [one for one in containers_on(engine) if one.id != theirs.id]
        assert theirs.exec_run(["cat", xauthority]).exit_code == 0
    wait_until(lambda: _status(pod) == "exited", "it goes on")
    assert theirs.exec_run(["cat", xauthority]).exit_code == 0
    assert DockerRuntime().reap() == 1
    assert theirs.exec_run(["ls", "-A", "/tmp"]).output == b""


def test_times_of_engines() -> None:
    """As Docker and podman tell them; what is none is none."""
    moment = datetime(2026, 11, 29, 15, 49, 25, tzinfo=timezone.utc)
    for text in (
        "2026-11-29T15:49:25.155385337Z",
        "2026-11-29T15:49:25Z",
        "2026-11-29T16:49:25.1+01:00",
    ):
        assert read_time(text) == moment
    for text in ("", "None", "yesterday", "2026-11-29T15:49:25"):
        assert read_time(text) is None
