"""A pod: a container that owns the namespaces in which sidecars, and perhaps a kernel, run.

Its process 1 (`sidecar.process_one`) holds network, IPC and PIDs as long as its standard input is
open, that is as long as we are there. Each sidecar is a process of its own in it (`docker exec`),
held by its own standard input. So displays come and go under a kernel that has joined the pod,
MIT-SHM works between them, and the pids that X tells of its clients are those the kernel knows.
When the pod ends, the kernel of Linux ends all that is in its PID namespace.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.engine import reachable
from jupyter_xdisplay.errors import StartFailed, error_from_json
from jupyter_xdisplay.paths import PrivateDirectory, check_socket_path, remove_directory
from jupyter_xdisplay.runtime.exec_stream import ExecStream, shell
from jupyter_xdisplay.runtime.own_containers import remove_container
from jupyter_xdisplay.runtime.pod_folders import CHANNELS, SIDECARS, TOLD, Folders
from jupyter_xdisplay.runtime.pod_sidecar import PodSidecar
from jupyter_xdisplay.sidecar import config as sidecar_config

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from jupyter_xdisplay.sidecar.config import SidecarConfig

LOG_LINES = 12
CONFIG_VARIABLE = "XDISPLAY_CONFIG"

LAUNCH = f"""
set -e
umask 077
mkdir "$0"
printf %s "${CONFIG_VARIABLE}" > "$0/{sidecar_config.FILE_NAME}"
unset {CONFIG_VARIABLE}
echo $$ > "$0/pid"
exec 2>> "$0/sidecar.log"
exec python3 -m jupyter_xdisplay.sidecar --directory "$0" --holder stdin
"""
"""What a sidecar says is in a file: nobody reads its standard error once it is up."""

LISTEN = 'exec python3 -m jupyter_xdisplay.sidecar.listen "$0" 2> "$0.log"'
LOG = f'tail -n {LOG_LINES} "$0/sidecar.log"'


class Pod:
    """A container, made and not started, with its private directory.

    Parameters
    ----------
    engine, container
        The container.
    directory
        Our private directory for it, locked as long as this lives.
    folders
        What it shares with a kernel; None where it is for somebody's container.
    inside
        The directory in it in which its sidecars have theirs.
    """

    def __init__(
        self,
        engine: docker.DockerClient,
        container: Container,
        directory: PrivateDirectory,
        folders: Folders | None,
        inside: Path,
    ) -> None:
        self._engine = engine
        self.container = container
        self._directory = directory
        self.folders = folders
        self.inside = inside
        self.at_end = ExitStack()
        """What else is to be done when it ends, while its container is still there."""
        self._lease: ExecStream | None = None
        self._ended = False
        self._ending = threading.Lock()

    @property
    def path(self) -> Path:
        """Our private directory for it."""
        return self._directory.path

    @property
    def is_mounted(self) -> bool:
        """Whether what its sidecars have is ours too; else it is reached through the engine."""
        return self.inside == self.path / SIDECARS and (
            self.folders is None or self.folders.is_ours
        )

    @property
    def channels(self) -> Path:
        """Where the kernel's channels are."""
        return self.path / CHANNELS

    @property
    def told(self) -> Path:
        """What the kernel reads, and cannot write."""
        return self.path / TOLD

    @property
    def has_ended(self) -> bool:
        """Whether it was ended from here."""
        return self._ended

    def launch(self) -> None:
        """Start it.

        Raises
        ------
        StartFailed
            When the engine cannot.
        """
        import docker

        try:
            attach = self._engine.api.attach_socket
            with reachable():
                self._lease = ExecStream(attach(str(self.container.id), {"stdin": 1, "stream": 1}))
                self.container.start()
        except docker.errors.APIError as error:
            raise StartFailed(
                f"The sidecar's container did not start: {error.explanation}",
                fix="jupyter xdisplay doctor",
            ) from error

    def is_running(self) -> bool:
        """Tell whether it runs."""
        import docker
        import requests

        try:  # while a container is removed by force, the engine still calls it running
            return self.container.exec_run(["true"]).exit_code == 0
        except (docker.errors.APIError, requests.RequestException):
            return False

    def start_sidecar(self, config: SidecarConfig, timeout_s: float) -> PodSidecar:
        """Start a sidecar in it and wait until its display is up.

        Raises
        ------
        XDisplayError
            What the sidecar says, or StartFailed when it says nothing.
        """
        import docker

        directory = self.inside / config.display_id
        check_socket_path(directory / sidecar_config.SOCKET_NAME)
        environment = {CONFIG_VARIABLE: config.to_json()}
        try:
            with reachable():
                exec_id, stream = self._exec(["sh", "-c", LAUNCH, str(directory)], environment)
        except docker.errors.APIError as error:
            raise StartFailed(
                f"The sidecar could not be started in its container: {error.explanation}",
                fix="jupyter xdisplay doctor",
                log=self.log(),
            ) from error
        sidecar = PodSidecar(self, exec_id, directory, stream)
        try:
            self._take_answer(sidecar, config, timeout_s)
        except BaseException:
            sidecar.end_now()
            raise
        return sidecar

    def _take_answer(self, sidecar: PodSidecar, config: SidecarConfig, timeout_s: float) -> None:
        """Wait until a sidecar says that its display is up; raise what it says else."""
        answer = sidecar.read_answer(timeout_s)
        if answer is not None and "info" in answer:
            sidecar.take(answer["info"], config)
            return
        if answer is not None and isinstance(answer.get("error"), dict):
            raise error_from_json(answer["error"])
        raise StartFailed(
            "The sidecar did not come up in its container.",
            fix="jupyter xdisplay image build",
            log=self.shell(LOG, str(self.inside / config.display_id)).splitlines() or self.log(),
        )

    def connect(self, socket_path: Path) -> ExecStream:
        """Connect to a socket in it, through the engine."""
        program = ["python3", "-m", "jupyter_xdisplay.sidecar.relay", str(socket_path)]
        return self._exec(program)[1]

    def listen(self, socket_path: Path) -> ExecStream:
        """Listen in it; what connects there is multiplexed on the stream (`sidecar.listen`).

        Raises
        ------
        StartFailed
            When the engine cannot.
        """
        import docker

        try:
            with reachable():
                return self._exec(["sh", "-c", LISTEN, str(socket_path)])[1]
        except docker.errors.APIError as error:
            raise StartFailed(
                f"Nothing could be started in the sidecar's container: {error.explanation}",
                fix="jupyter xdisplay doctor",
                log=self.log(),
            ) from error

    def shell(self, script: str, argument: str, environment: dict[str, str] | None = None) -> str:
        """Run a script in it, with an argument as $0; return what it prints, if it can."""
        return shell(self.container, script, argument, environment)

    def log(self) -> list[str]:
        """Return the last lines that its process 1 wrote."""
        return last_lines(self.container)

    def exec_has_ended(self, exec_id: str) -> bool:
        """Tell whether a process that was started in it has ended."""
        import docker
        import requests

        try:
            return not self._engine.api.exec_inspect(exec_id)["Running"]
        except (docker.errors.APIError, requests.RequestException):
            return True  # with its container, or the engine

    def _do_at_end(self) -> None:
        import docker
        import requests

        with suppress(docker.errors.APIError, requests.RequestException):
            self.at_end.close()

    def _exec(
        self, command: list[str], environment: dict[str, str] | None = None
    ) -> tuple[str, ExecStream]:
        api = self._engine.api
        made = api.exec_create(str(self.container.id), command, stdin=True, environment=environment)
        return made["Id"], ExecStream(api.exec_start(made["Id"], socket=True))

    async def end(self) -> None:
        """End it with all that is in it, and remove it. Idempotent."""
        await asyncio.to_thread(self.end_now)

    def end_now(self) -> None:
        """Do what `end` does, blocking."""
        with self._ending:
            if self._ended:
                return
            self._ended = True
            with ExitStack() as stack:  # each, whatever becomes of the others; the last one first
                stack.callback(os.close, self._directory.lock_fd)
                stack.callback(remove_directory, self.path)
                if self.folders is not None:
                    stack.callback(self.folders.remove)
                stack.callback(remove_container, self.container)
                if self._lease is not None:
                    stack.callback(self._lease.close)
                stack.callback(self._do_at_end)


def last_lines(container: Container) -> list[str]:
    """Return the last lines that a container wrote; none where it or its engine is gone."""
    import docker
    import requests

    with suppress(docker.errors.APIError, requests.RequestException):
        text = container.logs(tail=LOG_LINES).decode("utf-8", "replace")
        return [str(line) for line in text.splitlines()]
    return []
