"""A pod that is started for the checks and joined as kernels join theirs, and removed again.

What an engine was asked for says little: whether folders can be read (SELinux), memory is shared,
and the X server is reached, is seen from inside the container that joins.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers import engine
from jupyter_xdisplay.containers.options import KernelOptions
from jupyter_xdisplay.doctor.check import Check, note, ok, one_line, problem
from jupyter_xdisplay.errors import StartFailed, XDisplayError
from jupyter_xdisplay.spec import DisplaySpec, Size

if TYPE_CHECKING:
    from jupyter_xdisplay.runtime.docker import DockerRuntime
    from jupyter_xdisplay.runtime.pod import Pod
    from jupyter_xdisplay.spec import DisplayInfo

NAME = "sidecar container"
WORD = b"read"
ANSWER_S = 30.0

PROBE = """
import json, sys
from pathlib import Path
from jupyter_xdisplay.x11.capture import Capture
from jupyter_xdisplay.x11.connection import X11Connection

told, channels, display, xauthority = sys.argv[1:]
found = {}
def look(name, what):
    try:
        found[name] = what()
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
look("folder", lambda: Path(told).read_text() == "read")
look("channels", lambda: bool(Path(channels).write_text("written")))
def draw():
    capture = Capture(X11Connection(display, Path(xauthority)))
    found["shm"] = capture.why or True
    return True
look("x", draw)
print(json.dumps(found))
"""
"""Runs where a kernel would: reads and writes its folders, and is an X client with MIT-SHM."""


def trial_check(runtime: DockerRuntime) -> Check:
    """Start a pod with a display, join it, and judge what is seen from in there."""
    try:
        found, is_mounted = _try(runtime)
    except XDisplayError as error:
        fix = create_fix(one_line(error)) if isinstance(error, StartFailed) else error.fix
        return problem(NAME, one_line(error), fix)
    return judge_trial(found, is_mounted=is_mounted, selinux=runtime.engine_info().selinux)


def _try(runtime: DockerRuntime) -> tuple[dict[str, Any], bool]:
    from jupyter_xdisplay.runtime.pod_create import OwnSpaces

    with ExitStack() as stack:
        pod = runtime.create_pod(f"doctor{os.getpid()}", OwnSpaces())
        stack.callback(pod.end_now)
        pod.launch()
        spec = DisplaySpec(name="doctor", size=Size(320, 240))
        sidecar = asyncio.run(runtime.start_in(pod, uuid.uuid4().hex[:12], spec))
        stack.callback(sidecar.end_now)
        return _look_from_inside(runtime, pod, sidecar.info), pod.is_mounted


def _look_from_inside(runtime: DockerRuntime, pod: Pod, info: DisplayInfo) -> dict[str, Any]:
    """Run the probe in a container that is made as a kernel's is."""
    from jupyter_xdisplay.runtime.kernel_container import KernelContainer
    from jupyter_xdisplay.runtime.kernel_mounts import Mounts
    from jupyter_xdisplay.runtime.kernel_run import KernelRun

    assert pod.folders is not None  # a pod that owns its namespaces has them
    told = pod.told / "word"
    pod.folders.write(told, WORD)
    name = f"jupyter-xdisplay-kernel-doctor{os.getpid()}"
    container = KernelContainer(runtime.engine(), runtime.engine_info(), pod, name)
    paths = [str(told), str(pod.channels / "word"), info.display, info.xauthority]
    run = KernelRun(
        image_id=str(pod.container.attrs["Image"]),
        argv=["python3", "-c", PROBE, *paths],
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        cwd=None,
        mounts=Mounts(),
    )
    try:
        container.start(run, KernelOptions(image="doctor"))
        container.wait(ANSWER_S)
        log = container.log()
    finally:
        container.remove()
    try:
        found: dict[str, Any] = json.loads(log[-1])
    except (ValueError, LookupError) as error:
        raise StartFailed(
            "A container that joined the display's said nothing of use.",
            fix="jupyter xdisplay image build",
            log=log,
        ) from error
    return found


def judge_trial(found: Mapping[str, Any], *, is_mounted: bool, selinux: bool = False) -> Check:
    """Return the finding from what the probe saw: True, or what went wrong.

    Parameters
    ----------
    found
        By `folder`, `channels`, `x` and `shm`.
    is_mounted
        Whether its folders are of this machine.
    selinux
        Whether the engine confines containers by SELinux.
    """
    for part, words in (
        ("folder", "cannot read the folder that it shares with its kernel"),
        ("channels", "lets its kernel write nowhere"),
        ("x", "cannot be reached by its kernel"),
    ):
        if found.get(part) is not True:
            detail = f"the display's container {words}: {found.get(part)}"
            fix = "sudo ausearch -m avc -ts recent   (what SELinux refused)" if selinux else None
            return problem(NAME, detail, fix or engine_log())
    if found.get("shm") is not True:
        detail = f"works, without MIT-SHM: {found.get('shm')}"
        return problem(NAME, detail, "a newer engine: https://docs.docker.com/engine/install")
    how = "; SELinux does not confine our containers (label=disable)" if selinux else ""
    if not is_mounted:
        detail = (
            "works, without folders of this machine: kernels in containers do not see the "
            "notebook's, and all goes through the engine"
        )
        fix = (
            "an engine of this machine (unset DOCKER_HOST); Jupyter itself in a container: mount "
            "its folders at the same path as outside"
        )
        return note(NAME, detail + how, fix)
    detail = "was started and joined: X, MIT-SHM and folders of this machine are there"
    return ok(NAME, detail + how)


def create_fix(message: str) -> str:
    """Return what mends that a sidecar's container cannot be made or started."""
    if "CPU" in message or "cgroup" in message:
        return "let the engine limit resources: see 'container limits'"
    if engine.is_full(message):
        return engine.disk_full()
    return engine_log()


def engine_log() -> str:
    """Return where an engine says more."""
    return "docker info   (what it warns of), and the engine's log: journalctl -u docker"


def configured_runtime() -> DockerRuntime:
    """Return the runtime as Jupyter Server's configuration has it: the image, and the limits."""
    from jupyter_core.application import JupyterApp
    from traitlets.config import Config

    from jupyter_xdisplay.runtime.docker import DockerRuntime

    config = Config()
    for name in ("jupyter_server", "jupyter_xdisplay"):
        app: Any = type("Reader", (JupyterApp,), {"name": name})()
        app.load_config_file()
        config.merge(app.config)
    return DockerRuntime(config=config)
