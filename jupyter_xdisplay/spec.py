"""What is asked of a display (`DisplaySpec`) and what is there (`DisplayInfo` and its parts).

Frozen values that cross every seam (kernel, server, sidecar, browser) as the same JSON.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.json_values import flag, one_of, whole_number

MIN_SIDE = 64
"""Smallest width or height in pixels: below it no toolkit can place a window."""

DEPTHS = (16, 24)
"""Bits per pixel that screens can have: true colour only."""

STREAMS = ("builtin", "x11vnc")
"""RFB servers: the sidecar's own, and x11vnc."""

RUNTIMES = ("local", "docker")
"""Where displays run: as processes of this machine, or in containers."""

CONTAINER_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""Names and ids of containers, as Docker has them."""

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""Names of displays: they become part of messages and URLs, never of paths."""

NOTEBOOK = "notebook"
"""`ViewerInfo.origin` of views that come through Jupyter."""

State = Literal["running", "parked", "ended"]
"""running; parked: kept alive, unseen, for a kernel that is connected to it; ended: gone."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def parse_size(text: str, *, largest: Size | None = None) -> Size:
    """Read `WIDTHxHEIGHT` in pixels.

    Raises
    ------
    UsageError
        When it is not of that form, or smaller or larger than a screen can be.
    """
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*[xX\u00d7]\s*([0-9]{1,9})\s*", text)
    if match is None:
        raise UsageError(
            f"{text!r} is not a size.", fix="give width and height in pixels, such as 1280x720"
        )
    return check_size(Size(int(match[1]), int(match[2])), largest=largest)


def check_size(size: Size, *, largest: Size | None = None) -> Size:
    """Return `size` if a screen can have it, within `largest` where that is given.

    Raises
    ------
    UsageError
        When a side is below `MIN_SIDE` or above that of `largest`.
    """
    if size.width < MIN_SIDE or size.height < MIN_SIDE:
        raise UsageError(
            f"{size} is too small for a screen.", fix=f"use at least {MIN_SIDE}x{MIN_SIDE}"
        )
    if largest is not None and (size.width > largest.width or size.height > largest.height):
        raise UsageError(
            f"{size} is larger than this display can become ({largest}).",
            fix=f"use at most {largest}, or raise the setting LocalRuntime.max_size",
        )
    return size


def check_name(name: str) -> str:
    """Return `name` if it can name a display.

    Raises
    ------
    UsageError
        When it is not 1 to 32 letters, digits, dots, underscores or hyphens.
    """
    if NAME_PATTERN.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot name a display.",
            fix="use up to 32 letters, digits, '.', '_' or '-', beginning with a letter or digit",
        )
    return name


def check_depth(depth: int | None) -> int | None:
    """Return `depth` if pixels of it can be captured.

    Raises
    ------
    UsageError
        When it is not one of `DEPTHS`.
    """
    if depth is not None and depth not in DEPTHS:
        raise UsageError(f"A depth of {depth} bits is not supported.", fix="use 24, or 16")
    return depth


@dataclass(frozen=True)
class DisplaySpec:
    """What is asked of a display.

    Fields left None take the configured default. Sizes are in pixels, DPI in dots per inch,
    depth in bits per pixel. `inline`: its windows are looked at one by one, so that the default
    size is larger: windows on it have room for their menus. `container`: the name or id of the
    container whose programs it is for, which needs the runtime docker.
    """

    name: str = "main"
    size: Size | None = None
    dpi: int | None = None
    depth: int | None = None
    stream: str | None = None
    inline: bool = False
    runtime: str | None = None
    container: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON; sizes as `[width, height]`."""
        value = dataclasses.asdict(self)
        value["size"] = list(self.size) if self.size else None
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> DisplaySpec:
        """Read what `to_json` gives, or a request's body (`size` also as `"1280x720"`).

        Raises
        ------
        UsageError
            On unknown fields and on values of a wrong type or range.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(value) - known):
            raise UsageError(
                f"unknown field {unknown[0]!r} for a display.",
                fix="known fields: " + ", ".join(sorted(known)),
            )
        name = value.get("name")
        return cls(
            name=check_name("main" if name is None else str(name)),
            size=_size_from_json(value.get("size")),
            dpi=whole_number(value, "dpi", 20, 1000),
            depth=check_depth(whole_number(value, "depth", 1, 32)),
            stream=one_of(value.get("stream"), STREAMS, "RFB server"),
            inline=flag(value, "inline"),
            runtime=one_of(value.get("runtime"), RUNTIMES, "runtime"),
            container=_container(value),
        )


def _container(value: dict[str, Any]) -> str | None:
    name = value.get("container")
    if name is None:
        return None
    if not isinstance(name, str) or CONTAINER_PATTERN.fullmatch(name) is None:
        raise UsageError(f"{name!r} cannot name a container.", fix="docker ps lists them")
    if value.get("runtime") == "local":
        raise UsageError("A container needs the runtime docker.", fix="leave out the runtime")
    return name


def _size_from_json(value: Any) -> Size | None:
    if value is None:
        return None
    if isinstance(value, str):
        return parse_size(value)
    if isinstance(value, (list, tuple)) and len(value) == 2:  # noqa: SIM102
        if all(isinstance(side, int) and not isinstance(side, bool) for side in value):
            return check_size(Size(*value))
    raise UsageError(f"{value!r} is not a size.", fix='give "1280x720" or [1280, 720]')


@dataclass(frozen=True)
class WindowInfo:
    """A top-level window. Positions and sizes in pixels of the screen.

    `pid` is that of the owning process in the sidecar's PID namespace, 0 where X does not tell.
    `responding` is False when the program did not answer `_NET_WM_PING` (EWMH), None when it
    does not take part in it. `parent` is the top-level window that a dialog belongs to, 0 for one
    that is no dialog.
    """

    id: int
    title: str
    wm_class: str
    pid: int
    x: int
    y: int
    width: int
    height: int
    responding: bool | None = None
    parent: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> WindowInfo:
        """Read what `to_json` gives; unknown fields are left out."""
        known = {f.name for f in dataclasses.fields(cls)}
        return cls(**{key: item for key, item in value.items() if key in known})


@dataclass(frozen=True)
class ViewerInfo:
    """What one viewer gets: rates of the last seconds, times in seconds, and what is used.

    `round_trip_s` (to the viewer and back, its drawing included) and `window_bytes` (what may be
    on the way) are None for viewers without the Fence extension. `encoder` names the encodings of
    the newest frame, `capture` how the screen is captured and why no faster way is; both are
    empty before the first frame. `pixel_format` is None for 32 bits a pixel. `origin` is
    "notebook", or the IP address from which a viewer came to the VNC port.
    """

    frames_per_s: float
    bytes_per_s: float
    round_trip_s: float | None = None
    window_bytes: int | None = None
    encoder: str = ""
    capture: str = ""
    pixel_format: str | None = None
    view_only: bool = False
    connected_s: float = 0.0
    origin: str = NOTEBOOK

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ViewerInfo:
        """Read what `to_json` gives; unknown fields are left out."""
        known = {f.name for f in dataclasses.fields(cls)}
        return cls(**{key: item for key, item in value.items() if key in known})


@dataclass(frozen=True)
class VncPort:
    """A TCP port for VNC viewers on an IP address of this machine. Never with its password."""

    address: str
    port: int
    view_only: bool = False

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"


@dataclass(frozen=True)
class VncAccess(VncPort):
    """What somebody needs to connect to a VNC port. Its `repr` does not show the password."""

    password: str = field(default="", repr=False)

    def without_password(self) -> VncPort:
        """Return what everybody may know of it."""
        return VncPort(self.address, self.port, self.view_only)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class DisplayInfo:
    """A display as it is. Everything a kernel, a view or an administrator is told.

    `display` and `xauthority` are the values of DISPLAY and XAUTHORITY, `socket` is the sidecar's
    Unix socket. `chosen` maps each part (xserver, renderer, window_manager, stream, runtime) to
    what runs and why. `container` names the container whose programs it is for, where those are
    not its kernel's: DISPLAY and XAUTHORITY mean nothing outside of that. `vnc` is the VNC port,
    None while none is open. When `state` is "ended", `reason`, `fix` and `log` tell why.
    """

    id: str
    name: str
    state: State
    display: str
    xauthority: str
    socket: str
    size: Size
    max_size: Size
    dpi: int
    depth: int
    runtime: str = "local"
    container: str = ""
    kernel_id: str | None = None
    created: str = ""
    viewers: int = 0
    windows: tuple[WindowInfo, ...] = ()
    clients: tuple[int, ...] = ()
    chosen: dict[str, str] = field(default_factory=dict)
    vnc: VncPort | None = None
    notice: str | None = None
    reason: str | None = None
    fix: str | None = None
    log: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON; sizes as `[width, height]`, windows as objects."""
        value = dataclasses.asdict(self)
        value["size"] = list(self.size)
        value["max_size"] = list(self.max_size)
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> DisplayInfo:
        """Read what `to_json` gives; unknown fields are left out (a newer sidecar)."""
        known = {f.name for f in dataclasses.fields(cls)}
        fields = {key: item for key, item in value.items() if key in known}
        fields["size"] = Size(*value["size"])
        fields["max_size"] = Size(*value["max_size"])
        fields["windows"] = tuple(map(WindowInfo.from_json, value.get("windows", ())))
        fields["vnc"] = VncPort(**value["vnc"]) if value.get("vnc") else None
        fields["clients"] = tuple(value.get("clients", ()))
        fields["log"] = tuple(value.get("log", ()))
        return cls(**fields)


def check_container(info: DisplayInfo, spec: DisplaySpec) -> None:
    """Raise UsageError where a display is there already for programs of another container."""
    if spec.container is None or info.container == spec.container:
        return
    whose = f"of the container {info.container}" if info.container else "started here"
    raise UsageError(
        f"The display {info.name!r} was there already, for programs {whose}.",
        fix=f"leave out --container for it; for another one --name NAME, or stop it first: "
        f"%xdisplay stop --name {info.name}",
    )
