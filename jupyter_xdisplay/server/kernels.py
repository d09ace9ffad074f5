"""Follows the lives of kernels: environment at launch, displays closed when they are gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_async
from tornado.web import HTTPError
from traitlets.config import LoggingConfigurable

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.runtime.base import Runtime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.server.launching import launch_environment
from jupyter_xdisplay.server.restarter import count_failures


class Kernels(LoggingConfigurable):
    """Hooks into every kernel manager that the server makes.

    Launches and clean-ups are wrapped, not listened to: the environment has to be there at each
    launch, also after a session rename rewrote it (facts 17), and a clean-up has to be waited
    for.

    Parameters
    ----------
    kernel_manager
        The server's mapping of kernel managers.
    manager
        The displays.
    kernel_socket
        Where kernels reach us, None when it could not be opened.
    start_with_kernel
        Start a display before each kernel.
    """

    def __init__(
        self,
        kernel_manager: Any,
        manager: DisplayManager,
        kernel_socket: KernelSocket | None,
        *,
        start_with_kernel: bool = False,
    ) -> None:
        super().__init__(parent=manager)
        self._kernels = kernel_manager
        self._manager = manager
        self._socket = kernel_socket
        self._start_with_kernel = start_with_kernel
        self._launching: set[str] = set()
        self._missing: set[str] = set()

    def attach(self) -> None:
        """Wrap the factory that makes kernel managers."""
        make = self._kernels.kernel_manager_factory

        def make_and_follow(*args: Any, **kwargs: Any) -> Any:
            kernel = make(*args, **kwargs)
            self._follow(kernel)
            count_failures(kernel)
            return kernel

        self._kernels.kernel_manager_factory = make_and_follow

    async def reconcile(self) -> None:
        """End displays of kernels that went without a word.

        A kernel counts as gone when two rounds in a row miss it: while it starts or restarts it
        is for a moment neither known nor alive.
        """
        owners = {i.kernel_id for i in self._manager.list_displays() if i.state != "ended"}
        missing = {kernel_id for kernel_id in owners if kernel_id and not await self._is(kernel_id)}
        for kernel_id in missing & self._missing:
            await self.gone(kernel_id)
        self._missing = missing

    async def gone(self, kernel_id: str) -> None:
        """End what belongs to a kernel."""
        if self._socket is not None:
            self._socket.revoke(kernel_id)
        await self._manager.forget_kernel(kernel_id)

    async def _is(self, kernel_id: str) -> bool:
        """Tell whether a kernel is there, or will be: started just now, or by its restarter."""
        if kernel_id in self._launching:
            return True
        if kernel_id not in self._kernels:
            return False
        kernel = self._kernels.get_kernel(kernel_id)
        return kernel.autorestart or bool(await ensure_async(kernel.is_alive()))

    def _follow(self, kernel: Any) -> None:
        # the names are part of jupyter_client's interface for subclasses
        launch = kernel._async_launch_kernel  # noqa: SLF001
        pre_start = kernel._async_pre_start_kernel  # noqa: SLF001
        clean = kernel._async_cleanup_resources  # noqa: SLF001

        async def launch_with_display(kernel_cmd: list[str], **kwargs: Any) -> None:
            environment = kwargs.get("env") or dict(os.environ)
            self._launching.add(kernel.kernel_id)
            try:
                kwargs["env"] = {**environment, **await self._environment(kernel)}
                with _told_to_browsers():
                    await launch(kernel_cmd, **kwargs)
                self._note_process(kernel)
            except BaseException:
                await self.gone(kernel.kernel_id)
                raise
            finally:
                self._launching.discard(kernel.kernel_id)

        async def prepare(**kwargs: Any) -> Any:
            with _told_to_browsers():
                return await pre_start(**kwargs)

        async def clean_with_displays(restart: bool = False) -> None:
            try:
                if not restart:  # before its container's pod ends: windows have last pictures
                    await self.gone(kernel.kernel_id)
            finally:
                try:
                    await clean(restart=restart)
                except Exception:
                    # Raised, it would keep a kernel "restarting" for ever: jupyter_client calls
                    # one that shuts down by then, which its restarter leaves alone.
                    if not restart:
                        raise
                    self.log.exception("Not all of kernel %s was cleaned up", kernel.kernel_id)

        kernel._async_pre_start_kernel = prepare  # noqa: SLF001
        kernel._async_launch_kernel = launch_with_display  # noqa: SLF001
        kernel._async_cleanup_resources = clean_with_displays  # noqa: SLF001

    def _note_process(self, kernel: Any) -> None:
        """Note a process that runs here, so that it is spared although it never asked us.

        Started by a wrapper, it tells another one when it asks (`KernelSocket`).
        """
        if isinstance(kernel.provisioner, LocalProvisioner) and kernel.provisioner.pid:
            self._manager.kernel_pids[kernel.kernel_id] = kernel.provisioner.pid

    async def _environment(self, kernel: Any) -> dict[str, str]:
        """Return what a kernel process gets at its launch, be it the first or a restart."""
        if self._socket is None:
            return {}
        runtime = _own_runtime(kernel)
        return await launch_environment(
            self._manager,
            self._socket,
            kernel.kernel_id,
            runtime=runtime,
            with_display=self._start_with_kernel or runtime is not None,
        )


def _own_runtime(kernel: Any) -> Runtime | None:
    """Return where the displays of a kernel in a container run, None for other kernels."""
    runtime: Runtime | None = getattr(kernel.provisioner, "displays", None)
    return runtime


@contextmanager
def _told_to_browsers() -> Iterator[None]:
    """Turn our errors into what JupyterLab shows when a kernel does not start."""
    try:
        yield
    except XDisplayError as error:
        raise HTTPError(error.http_status, log_message=str(error).replace("%", "%%")) from error
