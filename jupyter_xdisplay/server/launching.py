"""What a kernel gets at its launch: its way to us, and the display that is there already."""

from __future__ import annotations

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.kernel_protocol import NOTICE_VARIABLE
from jupyter_xdisplay.runtime.base import Runtime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.spec import DisplaySpec


async def launch_environment(
    manager: DisplayManager,
    socket: KernelSocket,
    kernel_id: str,
    *,
    runtime: Runtime | None = None,
    with_display: bool = False,
) -> dict[str, str]:
    """Return what a kernel process gets at its launch, be it the first or a restart.

    Parameters
    ----------
    manager, socket
        The displays, and where kernels ask for them.
    kernel_id
        The kernel.
    runtime
        Where its displays run, if not where those of others do: in its container's pod.
    with_display
        Start one before it, so that DISPLAY is set before any code runs.
    """
    manager.kernel_processes.pop(kernel_id, None)  # the next one names itself
    manager.kernel_pids.pop(kernel_id, None)
    if runtime is not None and manager.kernel_runtimes.get(kernel_id) is not runtime:
        await manager.forget_kernel(kernel_id)  # what ran in a pod that is gone
        manager.kernel_runtimes[kernel_id] = runtime
    await manager.clear(kernel_id)
    environment = socket.environment(kernel_id)
    if with_display:
        try:
            await manager.create(DisplaySpec(inline=True), kernel_id)
        except XDisplayError as error:
            manager.log.error("Kernel %s starts without a display. %s", kernel_id, error)
            environment[NOTICE_VARIABLE] = f"It started without a display. {error}"
    running = [
        info
        for info in manager.list_displays(kernel_id)
        if info.state == "running" and not info.container
    ]
    for info in sorted(running, key=lambda info: info.name == "main"):
        environment.update(DISPLAY=info.display, XAUTHORITY=info.xauthority)
    return environment
