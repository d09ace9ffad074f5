"""The extension application: configuration, and who is wired to whom."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Instance, default

from jupyter_xdisplay.containers import engine
from jupyter_xdisplay.errors import PrivateDirectoryError, XDisplayError
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.local import LocalRuntime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.handlers import HANDLERS
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.server.kernels import Kernels
from jupyter_xdisplay.server.recordings import Recordings
from jupyter_xdisplay.server.stills import Stills
from jupyter_xdisplay.server.tunnel import TUNNELS
from jupyter_xdisplay.server.view_page import PAGES
from jupyter_xdisplay.server.window_handlers import WINDOW_HANDLERS

HOUSEKEEPING_MS = 2000


class XDisplayApp(ExtensionApp):
    """Displays for the kernels of this server."""

    name = "jupyter_xdisplay"
    description = "X displays for kernels, shown live in their notebooks."
    extension_url = "/xdisplay"
    load_other_extensions = True
    static_paths: Any = [str(Path(__file__).parents[1] / "static")]
    classes = [DisplayManager, LocalRuntime, DockerRuntime]

    start_with_kernel = Bool(
        False,
        help="Start a display with every kernel, so that DISPLAY is set before any code runs.",
    ).tag(config=True)
    manager: Any = Instance(DisplayManager)

    @default("manager")
    def _default_manager(self) -> DisplayManager:
        return DisplayManager(parent=self)

    def initialize_settings(self) -> None:
        """Wire the manager to kernels, contents and handlers."""
        serverapp = self.serverapp
        assert serverapp is not None
        self.settings["xdisplay_manager"] = self.manager
        self.kernel_socket: KernelSocket | None = None
        try:
            self.manager.runtime.reap()
            self.kernel_socket = KernelSocket(self.manager)
        except PrivateDirectoryError as error:
            self.log.error("Displays cannot be started. %s", error)
        self.kernels = Kernels(
            serverapp.kernel_manager,
            self.manager,
            self.kernel_socket,
            start_with_kernel=self.start_with_kernel,
        )
        self.kernels.attach()
        Stills(self.manager).attach(serverapp.contents_manager)
        self.recordings = self.settings["xdisplay_recordings"] = Recordings(
            self.manager, serverapp.contents_manager, serverapp.session_manager
        )

    def initialize_handlers(self) -> None:
        """Register REST and WebSocket handlers, and pages."""
        self.handlers.extend([*HANDLERS, *WINDOW_HANDLERS, *TUNNELS, *PAGES])

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        if self.kernel_socket is not None:
            self.kernel_socket.listen()
        self._housekeeping = PeriodicCallback(self.keep_house, HOUSEKEEPING_MS)
        self._housekeeping.start()
        if engine.may_be_there():
            threading.Thread(target=self._reap_containers, name="reap", daemon=True).start()
        await super()._start_jupyter_server_extension(serverapp)  # type: ignore[no-untyped-call]

    def _reap_containers(self) -> None:
        """Remove what a killed server left on the engine, in a thread: an engine may be slow."""
        try:
            self.manager.docker.reap()
        except XDisplayError as error:
            self.log.debug("No containers were looked for. %s", error)

    async def keep_house(self) -> None:
        """End displays whose kernels went unnoticed, and idle ones."""
        await self.kernels.reconcile()
        await self.manager.end_idle()

    async def stop_extension(self) -> None:
        """End the displays without a kernel; the others end with their kernels.

        Extensions are stopped before kernels are: an X server that ended here would take down
        kernels that are connected to it before they could shut down. What is still there when
        this process ends goes with it (the sidecars hold a lease on it).
        """
        self._housekeeping.stop()
        await self.recordings.close()
        await self.manager.forget_kernel(None)
        if self.kernel_socket is not None:
            self.kernel_socket.close()
