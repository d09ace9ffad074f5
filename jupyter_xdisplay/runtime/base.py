"""The seam: what every runtime gives, and the settings that all of them have."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Protocol

from traitlets import Enum, Float, Int, List, Tuple, Unicode
from traitlets.config import LoggingConfigurable

from jupyter_xdisplay.sidecar.config import SidecarConfig
from jupyter_xdisplay.spec import STREAMS, DisplayInfo, DisplaySpec, Size, check_depth, check_size


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

    async def close(self) -> None:
        """End what is there beside sidecars. Idempotent."""
        ...


class ConfiguredRuntime(LoggingConfigurable):
    """What displays are like where nothing else is asked for."""

    size: Any = Tuple(
        Int(), Int(), default_value=(1280, 720), help="Default screen size in pixels."
    ).tag(config=True)
    inline_size: Any = Tuple(
        Int(),
        Int(),
        default_value=(1920, 1080),
        help="Default screen size in pixels where windows are shown one by one, under their cells: "
        "it has room for their menus.",
    ).tag(config=True)
    max_size: Any = Tuple(
        Int(),
        Int(),
        default_value=(3840, 2160),
        help="Largest screen size in pixels that a display can be resized to. Every display "
        "holds memory for it: about 4 bytes a pixel, touched or not.",
    ).tag(config=True)
    dpi = Int(96, help="Default dots per inch.").tag(config=True)
    depth = Int(24, help="Default bits per pixel: 24 or 16.").tag(config=True)
    stream = Enum(
        STREAMS,
        default_value="builtin",
        help="The RFB server: builtin (the sidecar's own, the fast one) or x11vnc.",
    ).tag(config=True)
    xvfb_args: Any = List(Unicode(), help="Extra arguments for Xvfb.").tag(config=True)
    openbox_args: Any = List(Unicode(), help="Extra arguments for openbox.").tag(config=True)
    x11vnc_args: Any = List(Unicode(), help="Extra arguments for x11vnc.").tag(config=True)
    start_timeout_s = Float(
        15.0, help="Seconds that an X server may take until it names its display."
    ).tag(config=True)

    async def close(self) -> None:
        """Do nothing: there are sidecars only."""

    def sidecar_config(self, display_id: str, spec: DisplaySpec, **more: str) -> SidecarConfig:
        """Return what a sidecar is told: what is asked for, else what is configured.

        Parameters
        ----------
        display_id, spec
            The display.
        more
            What else is not at its default: paths of programs that PATH does not find, for one.

        Raises
        ------
        UsageError
            When it cannot be so.
        """
        largest = Size(*self.max_size)
        default = Size(*(self.inline_size if spec.inline else self.size))
        default = Size(min(default.width, largest.width), min(default.height, largest.height))
        return SidecarConfig(
            display_id=display_id,
            name=spec.name,
            size=check_size(spec.size or default, largest=largest),
            max_size=largest,
            dpi=spec.dpi or self.dpi,
            depth=check_depth(spec.depth or self.depth) or 24,
            stream=spec.stream or self.stream,
            xvfb_args=tuple(self.xvfb_args),
            openbox_args=tuple(self.openbox_args),
            x11vnc_args=tuple(self.x11vnc_args),
            start_timeout_s=self.start_timeout_s,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **more,
        )
