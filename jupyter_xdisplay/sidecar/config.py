"""What a sidecar is told at its start: one JSON file in its private directory."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from jupyter_xdisplay.spec import Size

FILE_NAME = "config.json"
CONNECTION_FILE_NAME = "connection.json"
SOCKET_NAME = "sidecar.sock"

INSTALL_X11VNC = "use --stream builtin, or: jupyter xdisplay setup --with x11vnc"
"""The fix where it is missing: it is needed only where it is chosen."""


@dataclass(frozen=True)
class SidecarConfig:
    """Everything a sidecar needs to know. Sizes in pixels, DPI in dots per inch, times in s.

    `runtime` and `place` say where it runs, `container` for whose programs (see
    `DisplayInfo`). `told_socket` and `told_xauthority` are the paths that others are told, where
    they do not see the private directory itself.
    """

    display_id: str
    name: str
    size: Size
    max_size: Size
    dpi: int
    depth: int
    xvfb: str = "Xvfb"
    openbox: str = "openbox"
    x11vnc: str = "x11vnc"
    xvfb_args: tuple[str, ...] = ()
    openbox_args: tuple[str, ...] = ()
    x11vnc_args: tuple[str, ...] = ()
    start_timeout_s: float = 15.0
    stream: str = "builtin"
    created: str = ""
    runtime: str = "local"
    place: str = ""
    container: str = ""
    told_socket: str = ""
    told_xauthority: str = ""

    def to_json(self) -> str:
        """Return the text of the configuration file."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def read(cls, directory: Path) -> SidecarConfig:
        """Read the configuration file of a private directory."""
        value = json.loads((directory / FILE_NAME).read_text())
        for key in ("size", "max_size"):
            value[key] = Size(*value[key])
        for key in ("xvfb_args", "openbox_args", "x11vnc_args"):
            value[key] = tuple(value[key])
        return cls(**value)
