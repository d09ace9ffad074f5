"""The container of a kernel, beside the pod of its displays."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers.engine import is_podman
from jupyter_xdisplay.containers.kernel_recipe import command_for
from jupyter_xdisplay.containers.options import CDI, NEVER_MOUNTED, KernelOptions, Volume
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime.docker import (
    DIRECTORY_LABEL,
    NO_RIGHTS,
    X_SOCKETS,
    name_in_use,
    own_labels,
    own_user,
    small_log,
)
from jupyter_xdisplay.runtime.pod import Pod, remove_container

if TYPE_CHECKING:
    import docker

LOG_LINES = 15
REMOVED = 137
"""The exit code of a kernel whose container somebody removed: as if by SIGKILL."""

ENGINE_GONE_S = 5.0
RETRY_S = 0.5
REMOVAL_S = 1.0
PID_NAME = "pid"
LAUNCH = 'echo $$ > "$0"; exec "$@"'
"""Its pid is the one that it has in the pod: there its process group is signalled."""

SIGNAL = 'kill -s {name} -- "-$(cat "$0")"'

GRAPHICS = "compute,utility,graphics,display"
"""What the NVIDIA container toolkit brings in: without the last two no OpenGL (facts 59)."""


@dataclass(frozen=True)
class KernelRun:
    """What runs in the container.

    Parameters
    ----------
    image_id
        The image.
    argv
        The command.
    env
        Its variables.
    cwd
        Its working directory; None: the image's.
    folders
        Folders of this machine that are at the same place in the container, to write in.
    hidden
        Folders in those that the kernel must not see.
    """

    image_id: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None
    folders: Sequence[Path]
    hidden: Sequence[Path] = ()


def served_folders(cwd: Path, served: Path | None) -> list[Path]:
    """Return what a kernel sees of the notebooks' folders: all that Jupyter serves, else its own.

    Never what holds the host's sockets: then its working directory alone, or nothing.
    """
    candidates = [served, cwd] if served is not None and served in (cwd, *cwd.parents) else [cwd]
    for folder in candidates:
        if folder is not None and str(PurePosixPath(folder)) not in NEVER_MOUNTED:
            return [folder]
    return []


def device_requests(gpus: str | None) -> list[docker.types.DeviceRequest]:
    """Return what the engine is asked for (Docker Engine API, DeviceRequest)."""
    from docker.types import DeviceRequest

    if gpus is None:
        return []
    if gpus.startswith(CDI):
        return [DeviceRequest(driver="cdi", device_ids=[gpus.removeprefix(CDI)])]
    capabilities = [["gpu"]]
    if gpus == "all":
        return [DeviceRequest(count=-1, capabilities=capabilities)]
    return [DeviceRequest(device_ids=gpus.split(","), capabilities=capabilities)]


class KernelContainer:
    """A kernel's container, which shares network, IPC and PIDs with its pod.

    Parameters
    ----------
    engine
        Where it runs.
    pod
        The pod that it joins.
    name
        Its name.
    """

    def __init__(self, engine: docker.DockerClient, pod: Pod, name: str) -> None:
        self._engine = engine
        self._pod = pod
        self.name = name
        self._container: Any = None
        self._options = KernelOptions(image="")
        self._over = threading.Event()
        self._code: int | None = None
        self._killed = False
        self.last_words: str | None = None
        """Why it ended, where there is more to say than an exit code."""

    def start(self, run: KernelRun, options: KernelOptions) -> None:
        """Make it and start it.

        Raises
        ------
        StartFailed
            When the engine cannot.
        """
        import docker

        self._options = options
        if options.gpus and is_podman(self._engine.version()):
            raise StartFailed(
                "Podman leaves GPUs out when it is asked by Docker's API, without a word.",
                fix="use Docker's engine for kernels with GPUs (unset DOCKER_HOST)",
            )
        try:
            self.remove_namesake()
            made = self._engine.api.create_container(
                run.image_id,
                [LAUNCH, str(self._pid_file), *run.argv],
                entrypoint=["sh", "-c"],
                name=self.name,
                user=own_user(),
                working_dir=run.cwd,
                environment=self._environment(run, options),
                labels=own_labels(self._pod.path),
                host_config=self._host_config(run, options),
            )
            self._container = self._engine.containers.get(made["Id"])
            self._container.start()
        except docker.errors.APIError as error:
            self.remove()
            raise explain(str(error.explanation or error), options) from error
        threading.Thread(target=self._wait, name=f"wait {self.name}", daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        """The exit code of the kernel, None while it runs."""
        return self._code

    def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended; return whether it has."""
        return self._over.wait(timeout_s)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the kernel and its children, as terminals do; one that ended is fine."""
        import docker

        if number == signal.SIGKILL:
            self._killed = True
            with suppress(docker.errors.APIError):
                self._container.kill(signal=number)
        else:
            self._pod.shell(SIGNAL.format(name=number.name.removeprefix("SIG")), self._pid_file)

    def log(self) -> list[str]:
        """Return the last lines that the kernel wrote."""
        import docker
        import requests

        with suppress(docker.errors.APIError, requests.RequestException):
            text = self._container.logs(tail=LOG_LINES).decode("utf-8", "replace")
            return [str(line) for line in text.splitlines()]
        return []

    def remove(self) -> None:
        """Remove it. Idempotent."""
        if self._container is not None:
            remove_container(self._container)

    def remove_namesake(self) -> None:
        """Remove the container of this kernel's former process.

        Raises
        ------
        StartFailed
            When a container of somebody else has its name.
        """
        import docker

        try:
            namesake = self._engine.containers.get(self.name)
        except docker.errors.NotFound:
            return
        if DIRECTORY_LABEL not in namesake.labels:
            raise name_in_use(self.name)
        remove_container(namesake)

    @property
    def _pid_file(self) -> Path:
        return self._pod.path / "k" / PID_NAME

    def _environment(self, run: KernelRun, options: KernelOptions) -> dict[str, str]:
        drivers = {"NVIDIA_DRIVER_CAPABILITIES": GRAPHICS} if options.gpus else {}
        return {**drivers, **run.env, **options.env}

    def _host_config(self, run: KernelRun, options: KernelOptions) -> Any:
        import docker

        path, joined = str(self._pod.path), f"container:{self._pod.container.id}"
        volumes = [
            *(Volume(str(folder), str(folder), read_only=False) for folder in run.folders),
            *options.volumes,
            Volume(path, path, read_only=False),
            Volume(str(self._pod.x_sockets), X_SOCKETS, read_only=False),
        ]
        mount = docker.types.Mount
        return self._engine.api.create_host_config(
            network_mode=joined,
            ipc_mode=joined,
            pid_mode=joined,
            mounts=[
                *(mount(v.target, v.source, type="bind", read_only=v.read_only) for v in volumes),
                *(mount(str(folder), None, type="tmpfs") for folder in run.hidden),
            ],
            mem_limit=options.memory,
            nano_cpus=int(options.cpus * 1e9) if options.cpus else None,
            devices=[f"{device}:{device}:rwm" for device in options.devices],
            device_requests=device_requests(options.gpus),
            group_add=list(options.group_add),
            log_config=small_log(),
            **NO_RIGHTS,
        )

    def _wait(self) -> None:
        """Wait for its end, in a thread: the engine tells it at once, and is not asked."""
        code = self._wait_for_code()
        self.last_words = self._why(code)
        self._code = code
        self._over.set()

    def _wait_for_code(self) -> int:
        import docker
        import requests

        lost: float | None = None
        while True:
            try:
                return int(self._container.wait(timeout=3600)["StatusCode"])
            except docker.errors.NotFound:
                return REMOVED
            except docker.errors.APIError:
                return REMOVED
            except requests.exceptions.ReadTimeout:
                continue
            except (requests.RequestException, OSError):
                now = time.monotonic()
                lost = lost or now
                if now - lost > ENGINE_GONE_S:
                    return REMOVED
                time.sleep(RETRY_S)

    def _why(self, code: int) -> str | None:
        import docker
        import requests

        try:
            self._container.reload()
        except docker.errors.NotFound:
            return "The kernel's container was removed."
        except (docker.errors.APIError, requests.RequestException):
            return "The container engine does not answer any more."
        state = self._container.attrs["State"]
        if state.get("OOMKilled"):
            limit = self._options.memory
            return (
                f"The kernel was killed because its container ran out of memory ({limit}). To "
                f"give it more: {command_for(self._options)} --memory BYTES"
                if limit
                else "The kernel was killed because this machine ran out of memory."
            )
        if code != REMOVED or self._killed:
            return None
        if not self._pod.is_running():
            return "The kernel ended with the container of its displays, which was removed."
        return self._removed_or_killed()

    def _removed_or_killed(self) -> str:
        """Tell a container that was removed by force from a kernel that somebody killed."""
        import docker

        end = time.monotonic() + REMOVAL_S
        while time.monotonic() < end:
            try:
                self._container.reload()
            except docker.errors.NotFound:
                return "The kernel's container was removed."
            time.sleep(RETRY_S / 5)
        return "The kernel was killed (SIGKILL), and not from here."


def explain(text: str, options: KernelOptions) -> StartFailed:
    """Return what it means that the engine did not start a kernel's container."""
    message = f"The kernel's container could not be started: {text.strip()}"
    lower = text.lower()
    if options.gpus and ("device driver" in lower or "nvidia" in lower or "cdi" in lower):
        fix = (
            "install nvidia-container-toolkit on the engine's machine, then: sudo nvidia-ctk "
            "runtime configure --runtime=docker && sudo systemctl restart docker   "
            "(jupyter xdisplay doctor says more)"
        )
    elif "no space left" in lower:
        fix = "docker system df; docker system prune   (the engine's disk is full)"
    elif "bind source path does not exist" in lower or "invalid mount" in lower:
        fix = f"make that folder on the engine's machine, or: {command_for(options)} --volume …"
    elif "executable file not found" in lower or "no such file" in lower:
        fix = f"{command_for(options)}   (it makes the image anew)"
    elif "exec format error" in lower:
        fix = "use an image of this machine's architecture: docker image inspect shows it"
    else:
        fix = "jupyter xdisplay doctor"
    return StartFailed(message, fix=fix)
