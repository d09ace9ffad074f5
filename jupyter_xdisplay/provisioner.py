"""The kernel provisioner `xdisplay-docker`: a kernel in a container, its displays beside it.

jupyter_client finds it by its entry point where a kernel's specification names it; `jupyter
xdisplay kernel add` writes such specifications. The channels of the kernel are Unix sockets
(`transport=ipc`) in the pod's private directory, which is mounted: no port is opened.

In a Jupyter server the server extension starts the first display before each kernel. Where there
is none (nbconvert, papermill, consoles), the displays are kept here.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Dict, Float

from jupyter_xdisplay import paths
from jupyter_xdisplay.containers.engine import reachable
from jupyter_xdisplay.containers.engine_info import too_many_processors
from jupyter_xdisplay.containers.kernel_image import find_kernel
from jupyter_xdisplay.containers.kernel_recipe import command_for
from jupyter_xdisplay.containers.options import KernelOptions, Volume
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.kernel_protocol import NOTICE_VARIABLE, SOCKET_VARIABLE
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.far_kernel import FarKernel
from jupyter_xdisplay.runtime.kernel_container import KernelContainer
from jupyter_xdisplay.runtime.kernel_mounts import (
    ELSEWHERE,
    UNSEEN,
    Mounts,
    find_secrets,
    resolve,
    served_folder,
)
from jupyter_xdisplay.runtime.kernel_run import KernelRun
from jupyter_xdisplay.runtime.pod_create import OwnSpaces
from jupyter_xdisplay.runtime.pod_folders import Folders
from jupyter_xdisplay.runtime.pod_runtime import PodRuntime
from jupyter_xdisplay.server.own_displays import OwnDisplays

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

POLL_S = 0.05
CHANNELS = 5
HOME = "/home/jovyan"
"""In images that `kernel add` makes; theirs belongs to users of their own."""


class DockerProvisioner(LocalProvisioner):
    """Launches a kernel in a container.

    What is not overridden here (the connection file, its keys, the command) is as for local
    kernels.
    """

    options: Any = Dict(
        help="What the container is like; see jupyter_xdisplay.containers.options.KernelOptions."
    ).tag(config=True)
    start_timeout_s = Float(
        60.0, help="Seconds that a kernel may take until it opens its channels."
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._runtime = DockerRuntime(parent=self)
        self.displays: PodRuntime | None = None
        """Where the displays of this kernel run; there from `pre_launch` on."""
        self._own_displays: OwnDisplays | None = None
        self._far: FarKernel | None = None
        self._container: KernelContainer | None = None
        self._checked = KernelOptions(image="none")
        self._image_id = ""
        self._notices: list[str] = []

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel, or was and nobody waited for it."""
        return self._container is not None

    async def poll(self) -> int | None:
        """Return the exit code of the kernel, None while it runs."""
        return self._container.exit_code if self._container is not None else 0

    async def wait(self) -> int | None:
        """Wait for the end of the kernel, return its exit code and remove its container."""
        container = self._container
        if container is None:
            return 0
        while container.exit_code is None:  # noqa: ASYNC110 - a thread waits, for any loop
            await asyncio.sleep(POLL_S)
        await self._remove()
        return container.exit_code

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel."""
        if self._container is not None:
            await asyncio.to_thread(self._container.signal, signal.Signals(signum))

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002
        """Kill the kernel."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002
        """Ask the kernel to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the container; without a restart also the displays."""
        try:
            await self._remove()
        finally:
            if not restart:
                own, self._own_displays = self._own_displays, None
                beside, self.displays = self.displays, None
                try:
                    if own is not None:
                        await own.close()
                finally:
                    if beside is not None:
                        await beside.close()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the pod, where it does not run, then do what is done for local kernels.

        Raises
        ------
        XDisplayError
            When the engine, the image or an option is not as it must be.
        """
        self._checked = KernelOptions.from_json(self.options)
        engine = await asyncio.to_thread(self._runtime.engine)
        with reachable():
            image = await asyncio.to_thread(
                find_kernel, engine, self._checked.image, base=self._checked.base
            )
        self._image_id = str(image.id)
        await self._make_pod()
        manager: Any = self.parent
        manager.transport = "ipc"
        manager.ip = str(self._channels)
        more = list(kwargs.get("extra_arguments") or [])
        try:
            paths.check_socket_path(Path(f"{manager.ip}-{CHANNELS}"))
            launch = await super().pre_launch(**kwargs)
        except BaseException:
            await self.cleanup()
            raise
        # jupyter_client puts this process's own Python in the place of "python3"
        launch["cmd"] = [*self.kernel_spec.argv, *more]
        return launch

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel's container, and wait until its channels are there.

        Raises
        ------
        XDisplayError
            When it does not come up, with the last lines that it wrote.
        """
        try:
            await self._launch(cmd, dict(kwargs.get("env") or {}), kwargs.get("cwd"))
        except BaseException:
            await self.cleanup()  # nobody else does, where a start fails
            raise
        self.cwd = kwargs.get("cwd")
        return self.connection_info

    async def _launch(self, cmd: list[str], env: dict[str, str], cwd: str | None) -> None:
        assert self.displays is not None
        pod = self.displays.pod
        if env.get(SOCKET_VARIABLE) in {None, os.environ.get(SOCKET_VARIABLE)}:  # no server's
            env |= await self._keep_displays()
        if not self._folders.is_ours:
            env |= await asyncio.to_thread(self._open_far, Path(env[SOCKET_VARIABLE]))
        few = too_many_processors(self._checked.cpus or 0, self._runtime.engine_info().processors)
        if few is not None:
            self._tell(f"Of this kernel's container {few}.")
        run = await asyncio.to_thread(self._run, cmd, env, cwd)
        name = f"jupyter-xdisplay-kernel-{pod.path.name.removeprefix('d-')}"
        self._container = container = KernelContainer(
            self._runtime.engine(), self._runtime.engine_info(), pod, name
        )
        with reachable():
            await asyncio.to_thread(container.start, run, self._checked)
        await asyncio.to_thread(self._wait_for_channels, container)
        if self._far is not None:
            await asyncio.to_thread(self._far.open_channels, self._channel_paths())

    async def _make_pod(self) -> None:
        """Make the pod, or another one in the place of one that has ended.

        Its path is the same then: clients of the kernel stay connected to its channels.
        """
        if self.displays is not None:
            if await asyncio.to_thread(self.displays.pod.is_running):
                return
            await self.displays.pod.end()
        await asyncio.to_thread(self._runtime.reap)
        pod = await self._runtime.make_pod(
            self.kernel_id.replace("-", "")[:12],
            OwnSpaces(self._checked.network, self._checked.shm_size),
        )
        self.displays = PodRuntime(self._runtime, pod)

    async def _keep_displays(self) -> dict[str, str]:
        """Keep the displays ourselves; return what tells the kernel of them."""
        assert self.displays is not None
        if self._own_displays is None:
            self._own_displays = OwnDisplays(self, self.kernel_id)
        return await self._own_displays.environment(self.displays)

    def _open_far(self, server_socket: Path) -> dict[str, str]:
        """Open the ways to and from a kernel elsewhere; return what tells it of them."""
        assert self.displays is not None
        far = self._far
        if far is None or far.pod is not self.displays.pod:
            pod = self.displays.pod
            self._far = far = FarKernel(pod, server_socket)
            pod.at_end.callback(far.close)
        far.open_server()
        return {SOCKET_VARIABLE: str(far.server_socket)}

    @property
    def _folders(self) -> Folders:
        """What is shared with the kernel."""
        assert self.displays is not None
        assert self.displays.pod.folders is not None
        return self.displays.pod.folders

    def _channel_paths(self) -> list[Path]:
        return [Path(f"{self._channels}-{number}") for number in range(1, CHANNELS + 1)]

    @property
    def _channels(self) -> Path:
        """What the paths of the kernel's channels begin with."""
        assert self.displays is not None
        return self.displays.pod.channels / "ipc"

    def _run(self, cmd: list[str], env: dict[str, str], cwd: str | None) -> KernelRun:
        """Return what runs, its connection file where it can read it."""
        manager: Any = self.parent
        connection_file = Path(manager.connection_file).absolute()
        assert self.displays is not None
        told = self.displays.pod.told
        copied = told / "kernel.json"  # where the kernel cannot put a link in its place
        self._folders.write(copied, connection_file.read_bytes())
        for path in self._channel_paths():  # of a former process, that was killed
            self._folders.unlink(path)
        folder = Path(cwd or Path.cwd()).absolute()
        served, mounts = self._mounts(folder, Path(env[SOCKET_VARIABLE]).parent)
        return KernelRun(
            image_id=self._image_id,
            argv=[part.replace("{connection_file}", str(copied)) for part in cmd],
            env=self._environment(env),
            cwd=str(folder) if served is not None else HOME,
            mounts=mounts,
        )

    def _mounts(self, folder: Path, server: Path) -> tuple[Volume | None, Mounts]:
        """Return how the kernel sees the notebook's folder, and all that is mounted."""
        if not self._folders.is_ours:
            self._tell(ELSEWHERE)
            return None, Mounts(self._checked.volumes)
        secrets = find_secrets(paths.runtime_root(), os.environ)
        served = served_folder(folder, self._served(), secrets)
        if served is None:
            self._tell(UNSEEN.format(folder=folder))
        wanted = [*([served] if served is not None else []), *self._checked.volumes]
        mounts = resolve(wanted, secrets, command_for(self._checked))
        return served, mounts.with_our(server)

    def _wait_for_channels(self, container: KernelContainer) -> None:
        """Wait until the kernel listens, so that one that dies at once is told with its log."""
        shell = Path(f"{self._channels}-{self.connection_info['shell_port']}")
        end = time.monotonic() + self.start_timeout_s
        while not self._folders.exists(shell):
            if container.wait(POLL_S):
                log = container.log()
                raise StartFailed(
                    f"The kernel's container ended at once, with exit code {container.exit_code}. "
                    f"{container.last_words or ''}".strip(),
                    fix=self._fix(log),
                    log=log,
                )
            if time.monotonic() > end:
                raise StartFailed(
                    f"The kernel did not open its channels within {self.start_timeout_s:.0f} s.",
                    fix="look at what it does, or raise DockerProvisioner.start_timeout_s",
                    log=container.log(),
                )

    async def _remove(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            if container.last_words:
                self.log.warning("Kernel %s: %s", self.kernel_id, container.last_words)
                self._tell(container.last_words)
            try:
                if self._far is not None:
                    await asyncio.to_thread(self._far.close_channels)
            finally:
                await asyncio.to_thread(container.remove)

    def _tell(self, notice: str) -> None:
        """Have the kernel's next process tell something: why its former one ended, for one."""
        if notice not in self._notices:
            self._notices.append(notice)

    def _environment(self, env: dict[str, str]) -> dict[str, str]:
        """Return what goes into the container: what was said for this kernel, not this machine."""
        ours = {name: value for name, value in env.items() if os.environ.get(name) != value}
        named = {name: env[name] for name in self.kernel_spec.env if name in env}
        if "XAUTHORITY" in ours:  # of a display beside it; this machine's may have the same number
            named["DISPLAY"] = env["DISPLAY"]
        user = _user()
        found = {"HOME": HOME, "USER": user, "LOGNAME": user, **ours, **named}
        if self._notices:
            told = (found.get(NOTICE_VARIABLE), *self._notices)
            found[NOTICE_VARIABLE] = "\n".join(filter(None, told))
            self._notices.clear()
        return found

    def _fix(self, log: list[str]) -> str:
        text = "\n".join(log)
        if "No module named" in text or "not found" in text:
            return f"{command_for(self._checked)}   (it makes the kernel's image anew)"
        return "jupyter xdisplay doctor   (the lines above are the kernel's own)"

    def _served(self) -> Path | None:
        """Return the folder that the Jupyter server serves."""
        root = getattr(getattr(self.parent, "parent", None), "root_dir", None)
        return Path(root).absolute() if root else None


def _user() -> str:
    """Return the user's name; in containers one may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user{os.getuid()}"
