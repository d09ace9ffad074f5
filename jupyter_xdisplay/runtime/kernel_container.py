"""The container of a kernel, beside the pod of its displays."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers.engine import program
from jupyter_xdisplay.containers.engine_info import EngineInfo
from jupyter_xdisplay.containers.kernel_recipe import command_for
from jupyter_xdisplay.containers.options import KernelOptions
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime import podman_create
from jupyter_xdisplay.runtime.kernel_run import KernelRun, device_requests, explain
from jupyter_xdisplay.runtime.own_containers import (
    DIRECTORY_LABEL,
    name_in_use,
    no_rights,
    own_labels,
    remove_container,
    small_log,
)
from jupyter_xdisplay.runtime.pod import Pod, last_lines
from jupyter_xdisplay.runtime.pod_folders import PARTS, READ_ONLY, Folders

if TYPE_CHECKING:
    import docker

REMOVED = 137
"""The exit code of a kernel whose container somebody removed: as if by SIGKILL."""

ENGINE_GONE_S = 5.0
RETRY_S = 0.5
WAIT_S = 3600
"""Of one request; the kernel may run longer."""

REMOVAL_S = 1.0
PID_NAME = "pid"
LAUNCH = 'echo $$ > "$0"; exec "$@"'
"""Its pid is the one that it has in the pod: there its process group is signalled."""

SIGNAL = 'kill -s {name} -- "-$0"'

GRAPHICS = "compute,utility,graphics,display"
"""What the NVIDIA container toolkit brings in: without the last two no OpenGL (facts 59)."""


class KernelContainer:
    """A kernel's container, which shares network, IPC and PIDs with its pod.

    Parameters
    ----------
    engine, info
        Where it runs, and what that says of itself.
    pod
        The pod that it joins.
    name
        Its name.
    """

    def __init__(self, engine: docker.DockerClient, info: EngineInfo, pod: Pod, name: str) -> None:
        self._engine = engine
        self._info = info
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
        try:
            self.remove_namesake()
            self._container = self._engine.containers.get(self._create(run, options))
            self._container.start()
        except docker.errors.DockerException as error:  # what it asks may be too new, too
            self.remove()
            said = getattr(error, "explanation", None) or error
            raise explain(str(said), options, self._program) from error
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
        import requests

        if number == signal.SIGKILL:
            self._killed = True
            with suppress(docker.errors.APIError, requests.RequestException):
                self._container.kill(signal=number)
        elif (pid := self._pid()) is not None:
            self._pod.shell(SIGNAL.format(name=number.name.removeprefix("SIG")), str(pid))

    def log(self) -> list[str]:
        """Return the last lines that the kernel wrote."""
        return last_lines(self._container)

    def remove(self) -> None:
        """Remove it. Idempotent."""
        if self._container is not None:
            remove_container(self._container)

    def remove_namesake(self) -> None:
        """Remove the container of this kernel's former process.

        Raises
        ------
        StartFailed
            When a container of somebody else has its name, or it cannot be removed.
        """
        import docker

        try:
            namesake = self._engine.containers.get(self.name)
        except docker.errors.NotFound:
            return
        if DIRECTORY_LABEL not in namesake.labels:
            raise name_in_use(self.name, self._program)
        if not remove_container(namesake):
            raise StartFailed(
                f"The container of this kernel's former process, {self.name}, cannot be removed.",
                fix=f"{self._program} rm --force {self.name}   (it says why)",
            )

    @property
    def _program(self) -> str:
        return program(podman=self._info.podman)

    @property
    def _folders(self) -> Folders:
        assert self._pod.folders is not None  # a kernel's pod has them
        return self._pod.folders

    @property
    def _pid_file(self) -> Path:
        return self._pod.channels / PID_NAME

    def _pid(self) -> int | None:
        """Return what the kernel wrote: only it can be hurt by a lie."""
        text = self._folders.read(self._pid_file).strip()
        return int(text) if text.isascii() and text.isdecimal() else None

    def _create(self, run: KernelRun, options: KernelOptions) -> str:
        """Make it; return its id."""
        api: Any = self._engine.api
        config = api.create_container_config(
            run.image_id,
            [LAUNCH, str(self._pid_file), *run.argv],
            entrypoint=["sh", "-c"],
            user=self._info.user,
            working_dir=run.cwd,
            environment=self._environment(run, options),
            labels=own_labels(self._pod.path),
            host_config=self._host_config(run, options),
        )
        if options.gpus and self._info.podman:
            devices = podman_create.cdi_devices(options.gpus)
            return podman_create.create(self._engine, self.name, config, devices)
        made = api.create_container_from_config(config, self.name)
        return str(made["Id"])

    def _environment(self, run: KernelRun, options: KernelOptions) -> dict[str, str]:
        drivers = {"NVIDIA_DRIVER_CAPABILITIES": GRAPHICS} if options.gpus else {}
        return {**drivers, **run.env, **options.env}

    def _host_config(self, run: KernelRun, options: KernelOptions) -> Any:
        import docker

        joined = f"container:{self._pod.container.id}"
        mount = docker.types.Mount
        return self._engine.api.create_host_config(
            network_mode=joined,
            ipc_mode=joined,
            pid_mode=joined,
            userns_mode=self._info.userns_mode,
            mounts=[
                *(self._folders.mount(part, read_only=part in READ_ONLY) for part in PARTS),
                *(
                    mount(v.target, v.source, type="bind", read_only=v.read_only)
                    for v in run.mounts.volumes
                ),
                *(mount(folder, None, type="tmpfs") for folder in run.mounts.hidden),
            ],
            mem_limit=options.memory,
            nano_cpus=self._info.nano_cpus(options.cpus) if options.cpus else None,
            devices=[f"{device}:{device}:rwm" for device in options.devices],
            device_requests=device_requests(options.gpus) or None,  # as old engines want it
            group_add=list(options.group_add),
            log_config=small_log(),
            **no_rights(self._info, has_folders=True),
        )

    def _wait(self) -> None:
        """Wait for its end, in a thread: the engine tells it at once, and is not asked."""
        code = self._wait_for_code()
        try:
            self.last_words = self._why(code)
        finally:
            self._code = code
            self._over.set()

    def _wait_for_code(self) -> int:
        import docker
        import requests

        lost: float | None = None
        while True:
            with suppress(docker.errors.APIError, requests.RequestException, OSError):
                return int(self._container.wait(timeout=WAIT_S)["StatusCode"])
            time.sleep(RETRY_S)  # the wait was long, or the engine is gone, or the container is
            try:
                self._container.reload()
            except docker.errors.NotFound:
                return REMOVED
            except (docker.errors.APIError, requests.RequestException, OSError):
                lost = lost or time.monotonic()
                if time.monotonic() - lost > ENGINE_GONE_S:
                    return REMOVED
                continue
            lost = None
            if self._container.status not in {"running", "paused", "created"}:
                return int(self._container.attrs["State"].get("ExitCode", REMOVED))

    def _why(self, code: int) -> str | None:
        if gone := self._gone():
            return gone
        if code != REMOVED or self._killed:
            return None  # by itself or from here, also where a child of it was killed for memory
        if self._container.attrs["State"].get("OOMKilled"):
            limit = self._options.memory
            return (
                f"The kernel was killed because its container ran out of memory ({limit}). To "
                f"give it more: {command_for(self._options)} --memory BYTES"
                if limit
                else "The kernel was killed because this machine ran out of memory."
            )
        if not self._pod.is_running():
            return "The kernel ended with the container of its displays, which was removed."
        return self._removed_or_killed()

    def _removed_or_killed(self) -> str:
        """Tell a container that was removed by force from a kernel that somebody killed."""
        end = time.monotonic() + REMOVAL_S
        while time.monotonic() < end:
            if gone := self._gone():
                return gone
            time.sleep(RETRY_S / 5)
        return "The kernel was killed (SIGKILL), and not from here."

    def _gone(self) -> str | None:
        """Look at the container anew; say what is gone, if something is."""
        import docker
        import requests

        try:
            self._container.reload()
        except docker.errors.NotFound:
            return "The kernel's container was removed."
        except (docker.errors.APIError, requests.RequestException):
            return "The container engine does not answer any more."
        return None
