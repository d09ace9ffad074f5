"""What a display needs from the system, and the packages that bring it. Data only.

Package names are those of Debian and Ubuntu (apt), Fedora and its kin (dnf), Alpine (apk),
openSUSE (zypper) and conda-forge (conda). An empty tuple: that manager has no package for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from jupyter_xdisplay.errors import UsageError

Manager = Literal["apt", "dnf", "apk", "zypper", "conda"]
MANAGERS: tuple[Manager, ...] = ("apt", "dnf", "apk", "zypper", "conda")
"""All package managers, in the order in which they are tried."""


@dataclass(frozen=True)
class Packages:
    """Package names by manager."""

    apt: tuple[str, ...]
    dnf: tuple[str, ...]
    apk: tuple[str, ...]
    zypper: tuple[str, ...]
    conda: tuple[str, ...] = ()

    def of(self, manager: Manager) -> tuple[str, ...]:
        """Return the names for one manager; empty where it has none."""
        names: tuple[str, ...] = getattr(self, manager)
        return names


@dataclass(frozen=True)
class Part:
    """One thing that a display needs.

    It is there when one of `programs` is on PATH, or all of `libraries` (sonames) can be loaded,
    or one of `files` or `fonts` (patterns below the folders that `probe` knows) exists.
    `required`: nothing works without it. `optional`: installed only when asked for by name.
    """

    name: str
    why: str
    required: bool
    packages: Packages
    programs: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    fonts: tuple[str, ...] = ()
    optional: bool = False


def _library(
    name: str, why: str, soname: str, packages: Packages, *, required: bool = False
) -> Part:
    return Part(name, why, required, packages, libraries=(soname,))


def _qt(soname: str, *packages: str) -> Part:
    """Return a library of Qt's xcb plugin; one package for each manager, in their order."""
    by_manager = Packages(*((name,) for name in packages))
    return _library(soname, "Qt windows (the xcb plugin)", soname, by_manager)


_PROGRAMS = (
    Part(
        "Xvfb",
        "the X server that draws into memory",
        True,
        Packages(
            apt=("xvfb",),
            dnf=("xorg-x11-server-Xvfb",),
            apk=("xvfb",),
            zypper=("xorg-x11-server-Xvfb",),
            conda=("xorg-xvfb-server",),
        ),
        programs=("Xvfb",),
    ),
    Part(
        "xkbcomp",
        "compiles the X server's keyboard map",
        True,
        Packages(("x11-xkb-utils",), ("xkbcomp",), ("xkbcomp",), ("xkbcomp",), ("xkbcomp",)),
        programs=("xkbcomp",),
    ),
    Part(
        "x11vnc",
        "the other RFB server, needed only for --stream x11vnc",
        False,
        Packages(("x11vnc",), ("x11vnc",), ("x11vnc",), ("x11vnc",)),
        programs=("x11vnc",),
        optional=True,
    ),
    Part(
        "openbox",
        "the window manager: placement, focus, title bars",
        True,
        Packages(("openbox",), ("openbox",), ("openbox",), ("openbox",)),
        programs=("openbox",),
    ),
)

_FONTS = (
    Part(
        "DejaVu fonts",
        "text in windows",
        False,
        Packages(
            ("fonts-dejavu-core",),
            ("dejavu-sans-fonts", "dejavu-sans-mono-fonts"),
            ("font-dejavu",),
            ("dejavu-fonts",),
            ("font-ttf-dejavu-sans-mono",),
        ),
        fonts=("DejaVuSans*.ttf",),
    ),
    Part(
        "Noto fonts",
        "text in other scripts than Latin, Greek and Cyrillic",
        False,
        Packages(
            ("fonts-noto-core",), ("google-noto-sans-fonts",), ("font-noto",), ("noto-sans-fonts",)
        ),
        fonts=("NotoSans*.ttf", "NotoSans*.ttc", "NotoSans*.otf"),
    ),
)

_OPENGL = (
    _library(
        "libGL",
        "OpenGL programs (GLX)",
        "libGL.so.1",
        Packages(("libgl1",), ("libglvnd-glx",), ("mesa-gl",), ("libglvnd",), ("libgl",)),
    ),
    Part(
        "Mesa drivers",
        "OpenGL without a GPU (llvmpipe)",
        False,
        Packages(
            ("libgl1-mesa-dri", "libglx-mesa0"),
            ("mesa-dri-drivers", "mesa-libGL"),
            ("mesa-dri-gallium",),
            ("Mesa-dri", "Mesa-libGL1"),
        ),
        files=(
            "dri/swrast_dri.so",
            "dri/libdril_dri.so",
            "xorg/modules/dri/swrast_dri.so",
            "libgallium-*.so",
        ),
    ),
    _library(
        "libEGL",
        "Qt windows, and OpenGL programs (EGL)",
        "libEGL.so.1",
        Packages(("libegl1",), ("libglvnd-egl",), ("mesa-egl",), ("libglvnd",), ("libegl",)),
    ),
)

_X_LIBRARIES = (
    _library(
        "libxcb",
        "this package's own connection to the X server (xcffib)",
        "libxcb.so.1",
        Packages(("libxcb1",), ("libxcb",), ("libxcb",), ("libxcb1",), ("libxcb",)),
        required=True,
    ),
    _library(
        "libX11",
        "Tk, OpenGL and most other programs",
        "libX11.so.6",
        Packages(("libx11-6",), ("libX11",), ("libx11",), ("libX11-6",), ("xorg-libx11",)),
    ),
)

_QT_LIBRARIES = (
    _qt("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor",
        "libxcb-cursor0", "xcb-util-cursor"),
    _qt("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm", "libxcb-icccm4",
        "xcb-util-wm"),
    _qt("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image",
        "libxcb-image0", "xcb-util-image"),
    _qt("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms",
        "libxcb-keysyms1", "xcb-util-keysyms"),
    _qt("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil",
        "xcb-util-renderutil", "libxcb-render-util0", "xcb-util-renderutil"),
    _qt("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb", "libxcb-shape0", "libxcb"),
    _qt("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb", "libxcb-xkb1", "libxcb"),
    _qt("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11",
        "libxkbcommon-x11-0", "libxkbcommon"),
    _qt("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus-libs", "libdbus-1-3", "dbus"),
    _qt("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig", "fontconfig",
        "fontconfig"),
    _qt("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib", "libgthread-2_0-0", "libglib"),
)  # fmt: skip

PARTS: tuple[Part, ...] = (*_PROGRAMS, *_X_LIBRARIES, *_FONTS, *_OPENGL, *_QT_LIBRARIES)
"""Everything that `jupyter xdisplay setup` knows."""


def parts_with(optional: Iterable[str] = ()) -> tuple[Part, ...]:
    """Return the parts to look for: all but the optional ones that are not named.

    Raises
    ------
    UsageError
        When a name is none of an optional part.
    """
    names = {part.name for part in PARTS if part.optional}
    wanted = set(optional)
    if unknown := sorted(wanted - names):
        raise UsageError(
            f"{unknown[0]!r} is no optional part.", fix="use one of: " + ", ".join(sorted(names))
        )
    return tuple(part for part in PARTS if not part.optional or part.name in wanted)
