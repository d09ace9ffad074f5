"""The displays of one kernel in a container."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.own_containers import DIRECTORY_LABEL, remove_container
from jupyter_xdisplay.runtime.pod import Pod
from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    from jupyter_xdisplay.runtime.pod_sidecar import PodSidecar


class PodRuntime:
    """The displays of one kernel, in the pod that it has joined.

    Parameters
    ----------
    runtime
        Whose settings they have.
    pod
        Where they run.
    """

    name = DockerRuntime.name

    def __init__(self, runtime: DockerRuntime, pod: Pod) -> None:
        self._runtime = runtime
        self.pod = pod

    async def start(self, display_id: str, spec: DisplaySpec) -> PodSidecar:
        """Start a sidecar; see `Runtime.start`."""
        return await self._runtime.start_in(self.pod, display_id, spec)

    def reap(self) -> int:
        """Do nothing: the pod is ours."""
        return 0

    async def close(self) -> None:
        """End the pod, and with it the kernel that has joined it, if it is still there."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self.pod.has_ended:
            return  # another one may be in its place
        label = f"{DIRECTORY_LABEL}={self.pod.path}"
        try:
            for container in self._runtime.engine().containers.list(
                all=True, filters={"label": label}, ignore_removed=True
            ):
                if container.id != self.pod.container.id:
                    remove_container(container)
        finally:
            self.pod.end_now()
