"""What a display changes in the environment of this process and of what it starts.

`plan` is pure: environment → changes. `EnvironmentChanges` applies a plan and puts all back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

from jupyter_xdisplay.kernel_protocol import CAPABILITY_VARIABLE, SOCKET_VARIABLE

_INLINE_BACKENDS = ("module://", "inline", "agg", "nbagg", "ipympl", "widget")
_HIDDEN_QT = (
    "offscreen",
    "minimal",
    "minimalegl",
    "wayland",
    "wayland-egl",
    "eglfs",
    "linuxfb",
    "vnc",
    "vkkhrdisplay",
)


class Change(NamedTuple):
    """One variable: its new value (None: removed) and why."""

    variable: str
    value: str | None
    why: str


def plan(environ: Mapping[str, str], display: str, xauthority: str) -> list[Change]:
    """Return what has to change in `environ` so that windows appear on `display`.

    Parameters
    ----------
    environ
        The environment as it is.
    display, xauthority
        The values for DISPLAY and XAUTHORITY.
    """
    changes = [
        Change("DISPLAY", display, "where windows appear"),
        Change("XAUTHORITY", xauthority, "the cookie that opens it"),
        # Or another kernel started from this one (nbconvert --execute) would take its displays.
        Change(SOCKET_VARIABLE, None, "for this kernel only"),
        Change(CAPABILITY_VARIABLE, None, "for this kernel only"),
    ]
    changes.extend(_obstacles(environ))
    return [change for change in changes if environ.get(change.variable) != change.value]


def _obstacles(environ: Mapping[str, str]) -> Iterable[Change]:
    """Yield what keeps the windows of common toolkits away from X (facts 25)."""
    if environ.get("MPLBACKEND", "").lower().startswith(_INLINE_BACKENDS):
        yield Change("MPLBACKEND", None, "matplotlib would draw no window")
    if "WAYLAND_DISPLAY" in environ:
        yield Change("WAYLAND_DISPLAY", None, "toolkits would prefer Wayland to X")
    if environ.get("XDG_SESSION_TYPE") == "wayland":
        yield Change("XDG_SESSION_TYPE", "x11", "toolkits would prefer Wayland to X")
    qt = environ.get("QT_QPA_PLATFORM", "")
    if qt.replace(";", ":").split(":")[0].strip().lower() in _HIDDEN_QT:
        yield Change("QT_QPA_PLATFORM", None, "Qt would draw no window on X")
    for variable in ("SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER"):
        if environ.get(variable) and environ[variable].split(",")[0].strip().lower() != "x11":
            yield Change(variable, None, "SDL (pygame) would draw no window on X")
    if environ.get("GDK_BACKEND") and environ["GDK_BACKEND"].split(",")[0] not in {"x11", "*"}:
        yield Change("GDK_BACKEND", None, "GTK would draw no window on X")
    if environ.get("MOZ_ENABLE_WAYLAND"):
        yield Change("MOZ_ENABLE_WAYLAND", None, "Firefox would prefer Wayland to X")


_TOLD_VARIABLES = {
    "PYOPENGL_PLATFORM": ("egl", "osmesa"),
    "MUJOCO_GL": ("egl", "osmesa", "disable", "disabled"),
    "PYVISTA_OFF_SCREEN": ("true", "1"),
    "PYGLET_HEADLESS": ("true", "1"),
    "LIBGL_ALWAYS_INDIRECT": ("1", "true"),
}


def notes(environ: Mapping[str, str]) -> list[str]:
    """Name settings that keep windows away too, but that someone may have chosen on purpose."""
    return [
        f"{variable}={environ[variable]} is set: programs that read it draw no window, or slowly. "
        f"If that is not wanted: %env {variable}="
        for variable, values in _TOLD_VARIABLES.items()
        if environ.get(variable, "").lower() in values
    ]


class EnvironmentChanges:
    """Changes to an environment that can be undone exactly.

    What somebody else changed after us stays as they set it.

    Parameters
    ----------
    environ
        The environment to change, such as `os.environ`.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._environ = environ
        self._before: dict[str, str | None] = {}
        self._set: dict[str, str | None] = {}
        self._why: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._set)

    def before(self, variable: str) -> str | None:
        """Return the value of `variable` as it was before our changes."""
        if variable in self._before:
            return self._before[variable]
        return self._environ.get(variable)

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes. A variable changed for the second time keeps its first old value."""
        for variable, value, why in changes:
            if variable not in self._set or not self._is_ours(variable):
                self._before[variable] = self._environ.get(variable)
            self._put(variable, value)
            self._set[variable] = value
            self._why[variable] = why

    def undo(self) -> list[str]:
        """Put every old value back; return the variables that others changed meanwhile."""
        kept = []
        for variable in self._set:
            if self._is_ours(variable):
                self._put(variable, self._before[variable])
            else:
                kept.append(variable)
        self._before.clear()
        self._set.clear()
        self._why.clear()
        return kept

    def describe(self) -> list[str]:
        """Return one line for each change that is in force."""
        lines = []
        for variable, value in self._set.items():
            new = "removed" if value is None else f"= {value}"
            old = self._before[variable]
            was = "" if old is None or variable == CAPABILITY_VARIABLE else f", was {old}"
            lines.append(f"{variable} {new} ({self._why[variable]}{was})")
        return lines

    def _is_ours(self, variable: str) -> bool:
        return self._environ.get(variable) == self._set[variable]

    def _put(self, variable: str, value: str | None) -> None:
        if value is None:
            self._environ.pop(variable, None)
        else:
            self._environ[variable] = value
