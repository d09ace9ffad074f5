"""Restarts of kernels that died: one that cannot come back is dead, not forever restarting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from jupyter_xdisplay.errors import XDisplayError

if TYPE_CHECKING:
    from jupyter_client.ioloop.restarter import AsyncIOLoopKernelRestarter as _Base
else:
    _Base = object


class CountsFailures(_Base):
    """What is mixed into a kernel's restarter.

    jupyter_client counts restarts after which a kernel died again. After one that raised (the
    image of its container is gone, or its engine) it looks no more, and browsers say "restarting"
    for ever. Here such a one counts too, and is tried again, as an engine may come back; after
    `restart_limit` of them the kernel is called dead.
    """

    async def poll(self) -> None:  # type: ignore[override]
        """See whether the kernel is alive, and restart it if not."""
        try:
            await super().poll()
        except Exception as error:
            ours = error.__cause__ if isinstance(error, HTTPError) else error
            unknown = None if isinstance(ours, XDisplayError) else error
            name = self.kernel_manager.kernel_id
            self.log.error("Kernel %s could not be restarted: %s", name, ours, exc_info=unknown)
            self._restarting = True
            if not self.kernel_manager.shutting_down:
                self.start()  # its manager stopped it, for the time of the restart


def count_failures(kernel: Any) -> None:
    """Let a kernel manager's restarter, if it has one, count restarts that fail."""
    made = getattr(kernel, "restarter_class", None)
    if made is not None:
        kernel.restarter_class = type(made.__name__, (CountsFailures, made), {})
