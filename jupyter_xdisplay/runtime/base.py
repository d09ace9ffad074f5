"""The seam: what every runtime gives."""

from __future__ import annotations

from typing import Protocol

from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec


class RunningSidecar(Protocol):
    """A sidecar that a runtime started."""

    info: DisplayInfo
    """As it was when it came up."""

    async def end(self) -> None:
        """End it, and remove what it could not remove itself. Idempotent."""
        ...


class Runtime(Protocol):
    """A place where sidecars run."""

    name: str

    async def start(self, display_id: str, spec: DisplaySpec) -> RunningSidecar:
        """Start a sidecar and return once its X server answers.

        Raises
        ------
        XDisplayError
            Whatever did not come up, with the last lines of its log.
        """
        ...

    def reap(self) -> int:
        """Clean up after sidecars that were killed; return after how many."""
        ...
