"""Displays in containers beside local ones: start, memory, and the ways of their pixels.

One run on one machine, the ways in turn, again and again; each figure is the median of the
repeats with its spread.

- `local`: a sidecar that is a process of this machine.
- `mounted`: a sidecar in a container, its socket mounted.
- `exec`: the same, through the engine (`docker exec`), as on an engine of another machine.

`fps` counts distinct frames of a photograph that moves over the whole screen, 60 times a second,
and a click lasts until the update is whole that has its change: both at the socket, as in the
benchmark `rfb`. For that the container shares IPC and PIDs with this machine, where the drawing
program runs. The start is to a display that answers, with the image there. The memory is what the
engine counts for a container with one idle display, without files that could be dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks.report import print_table, summary, write
from benchmarks.rfb import at_socket, workloads
from benchmarks.rfb.picture import FOLDER_VARIABLE
from benchmarks.rfb.probes import COUNTER
from benchmarks.rfb.servers import Server, ours, sidecar_server
from jupyter_xdisplay.runtime import pod_create
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.pod import Pod
from jupyter_xdisplay.runtime.pod_create import OwnSpaces
from jupyter_xdisplay.runtime.pod_sidecar import PodSidecar
from jupyter_xdisplay.runtime.relay import Relay
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.containers.real_engine import engine_with_sidecar

SIZE = Size(1280, 720)
REPEATS = 5
MOTION_S = 2.5
CLICKS = 10
MiB = 1 << 20

Figures = dict[str, dict[str, list[float]]]


def main(_arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    found: Figures = defaultdict(lambda: defaultdict(list))
    with engine_with_sidecar() as image, _pictures():
        for repeat in range(REPEATS):
            _starts(found)
            ways = ["local", "mounted", "exec"]
            for place in range(len(ways)):
                _pixels(found, ways[(place + repeat) % len(ways)])
        found["image"]["MB"] = [image.attrs["Size"] / 1e6]
    result: dict[str, object] = {"repeats": REPEATS}
    for measure, rows in found.items():
        summaries = {name: summary(values) for name, values in rows.items()}
        print_table(measure, measure.split("_")[-1], summaries)
        result[measure] = summaries
    result["ratios_to_local"] = {
        f"{measure} {way}": round(_ratio(found[measure][way], found[measure]["local"]), 3)
        for measure in ("fps", "click_p50_ms")
        for way in ("mounted", "exec")
    }
    print(result["ratios_to_local"])
    write("containers", result)


def _starts(found: Figures) -> None:
    """Start and end a display in a pod of its own, and another in that pod."""

    async def measure() -> None:
        runtime, spec = DockerRuntime(), DisplaySpec(size=SIZE)
        began = time.monotonic()
        pod = await runtime.make_pod("c" * 12, OwnSpaces())
        first = await runtime.start_in(pod, "a" * 12, spec)
        up = time.monotonic()
        found["start_s"]["pod and display"].append(up - began)
        second = await runtime.start_in(pod, "b" * 12, spec)
        found["start_s"]["another display"].append(time.monotonic() - up)
        await second.end()
        await asyncio.sleep(1)
        found["memory_MiB"]["pod with one display"].append(_memory(pod))
        began = time.monotonic()
        await first.end()
        await pod.end()
        found["end_s"]["display and pod"].append(time.monotonic() - began)

    with _root():
        asyncio.run(measure())


def _memory(pod: Pod) -> float:
    usage = pod.container.stats(stream=False)["memory_stats"]
    stats = usage["stats"]
    dropped = stats.get("total_inactive_file", stats.get("inactive_file", 0))
    return float(usage["usage"] - dropped) / MiB


def _pixels(found: Figures, way: str) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as folder,
        _server(way, Path(folder)) as server,
    ):
        with workloads.MOTION.on(server) as motion:
            moving = at_socket.frames(server, COUNTER, MOTION_S, program=motion)
        clicks = at_socket.clicks(server, CLICKS)
    found["fps"][way].append(moving["fps"])
    found["drawn_fps"][way].append(moving["drawn_fps"])
    for name in ("click_p50_ms", "click_p95_ms", "click_small_p50_ms"):
        found[name][way].append(clicks[name])


@contextlib.contextmanager
def _server(way: str, folder: Path) -> Iterator[Server]:
    if way == "local":
        with ours(folder, SIZE) as server:
            yield server
        return
    with (
        _root(),
        mock.patch.object(pod_create, "_namespaces", _spaces_of_this_machine),
        contextlib.ExitStack() as stack,
    ):
        sidecar = asyncio.run(_start())
        stack.callback(sidecar.end_now)
        socket = Path(sidecar.info.socket)
        [pid] = _sidecars(sidecar.pod)
        server = sidecar_server(pid, str(socket), SIZE)
        if way == "exec":
            relay = Relay(folder / "relay.sock", lambda: sidecar.pod.connect(socket))
            stack.callback(relay.close)
            server = dataclasses.replace(server, socket=folder / "relay.sock")
        yield server


async def _start() -> PodSidecar:
    runtime = DockerRuntime()
    pod = await runtime.make_pod("d" * 12, OwnSpaces())
    sidecar = await runtime.start_in(pod, "a" * 12, DisplaySpec(size=SIZE))
    sidecar.owns_pod = True
    return sidecar


def _spaces_of_this_machine(*_: object) -> dict[str, str]:
    return {"network_mode": "host", "ipc_mode": "host", "pid_mode": "host"}


def _sidecars(pod: Pod) -> list[int]:
    """Return the pids of the sidecars in a pod, which shares ours."""
    top = pod.container.top(ps_args="-eo pid,args")["Processes"]
    return [int(pid) for pid, words in top if "jupyter_xdisplay.sidecar --directory" in words]


@contextlib.contextmanager
def _root() -> Iterator[None]:
    """Give a root of private directories, apart from the user's own."""
    with (
        tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as root,
        mock.patch.dict(os.environ, JUPYTER_XDISPLAY_RUNTIME_DIR=root),
    ):
        yield


@contextlib.contextmanager
def _pictures() -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as pictures,
        mock.patch.dict(os.environ, {FOLDER_VARIABLE: pictures}),
    ):
        yield


def _ratio(values: list[float], others: list[float]) -> float:
    ratios = [value / other for value, other in zip(values, others, strict=True)]
    return float(summary(ratios)["median"])
