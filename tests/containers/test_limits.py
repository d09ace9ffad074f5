"""The limits of a sidecar's container: in force in its control group, and never more than fits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.containers.engine_info import EngineInfo, too_many_processors
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.pod_sidecar import PodSidecar
from tests.containers.test_sidecar_container import DISPLAY_ID, start_alone

MEGABYTE = 1 << 20
LIMITS = {
    "memory.max": "memory/memory.limit_in_bytes",
    "cpu.max": "cpu/cpu.cfs_quota_us",
    "pids.max": "pids/pids.max",
}
"""Files of version 2 of control groups and those of version 1 (cgroups(7))."""

FILL = "b = bytearray(400 << 20); b[::4096] = bytes([1]) * (len(b) // 4096)"
FORK = """
import os, time
made = 0
try:
    while made < 100:
        if not os.fork():
            time.sleep(60)
        made += 1
except BlockingIOError:
    pass
print(made)
"""


@pytest.fixture
async def limited(engine: docker.DockerClient, sidecar_image: Image) -> AsyncIterator[PodSidecar]:
    """Give a sidecar with limits of its own."""
    runtime = DockerRuntime(memory="300m", cpus=0.5, pids_limit=64)
    sidecar = await start_alone(runtime, DISPLAY_ID)
    yield sidecar
    await sidecar.end()


async def test_limits_are_in_force(limited: PodSidecar) -> None:
    """The kernel of Linux has them, kills what needs more memory, and refuses processes."""
    container = limited.pod.container
    found = {}
    for name, old in LIMITS.items():
        script = f'cat "$0/{name}" 2>/dev/null || cat "$0/{old}"'
        found[name] = limited.pod.shell(script, "/sys/fs/cgroup").split()[0]
    assert found == {"memory.max": str(300 * MEGABYTE), "cpu.max": "50000", "pids.max": "64"}
    assert container.exec_run(["python3", "-c", FILL]).exit_code == 137
    made = int(container.exec_run(["python3", "-c", FORK]).output)
    assert 0 < made < 64
    assert container.exec_run(["sh", "-c", "kill -9 -1"]).exit_code in {0, 137}


async def test_more_processors_than_there_are(
    engine: docker.DockerClient, sidecar_image: Image, leftovers: Path
) -> None:
    """An engine refuses such a limit: on a machine with one processor nothing would start."""
    there = engine.info()["NCPU"]
    sidecar = await start_alone(DockerRuntime(cpus=there + 1.0), DISPLAY_ID)
    try:
        sidecar.pod.container.reload()
        assert sidecar.pod.container.attrs["HostConfig"]["NanoCpus"] == there * 10**9
    finally:
        await sidecar.end()


def test_what_is_said_of_too_few_processors() -> None:
    """Only where the limit is above what the engine tells."""
    assert too_many_processors(2.0, 2) is None
    assert too_many_processors(2.0, None) is None
    assert "2 processors is not reached: the engine's machine has 1 processor" in (
        too_many_processors(2.0, 1) or ""
    )
    assert EngineInfo.from_json({"NCPU": 1}, {}).nano_cpus(2.0) == 10**9
    assert EngineInfo.from_json({}, {}).nano_cpus(2.0) == 2 * 10**9
    assert EngineInfo.from_json({"NCPU": 8}, {}).nano_cpus(0.5) == 5 * 10**8
