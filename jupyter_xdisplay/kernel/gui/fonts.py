"""Fonts for OpenCV's own Qt.

The wheels of opencv-python bring a Qt without fontconfig, and set QT_QPA_FONTDIR to a folder of
theirs that the newer ones lack: no text is drawn in OpenCV's windows, and each of Qt's warnings of
that stands in the user's cell.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

VARIABLE = "QT_QPA_FONTDIR"

FOLDERS = (
    "/usr/share/fonts/truetype/dejavu",  # Debian, Ubuntu
    "/usr/share/fonts/dejavu-sans-fonts",  # Fedora
    "/usr/share/fonts/dejavu",  # Alpine, older Fedora
    "/usr/share/fonts/TTF",  # Arch
    "/usr/share/fonts/truetype",  # openSUSE
)
"""Where the packages that `jupyter xdisplay setup` installs have DejaVu; Qt looks into no folder
below that."""


def give_fonts(cv2: ModuleType) -> None:
    """Point an imported OpenCV to fonts, before its Qt looks for them.

    Not where it has fonts, nor where a user named a folder: OpenCV's own name is replaced only.
    """
    own = Path(os.environ.get(VARIABLE, ""))
    package = Path(getattr(cv2, "__file__", None) or "/").parent
    if package not in own.parents or own.is_dir():
        return
    folder = next(filter(_has_fonts, _folders()), None)
    if folder is not None:
        os.environ[VARIABLE] = str(folder)


def _folders() -> list[Path]:
    """Return where to look; matplotlib brings DejaVu, too."""
    matplotlib = find_spec("matplotlib")
    places = matplotlib.submodule_search_locations if matplotlib is not None else None
    return [Path(name) for name in FOLDERS] + [
        Path(place, "mpl-data", "fonts", "ttf") for place in places or ()
    ]


def _has_fonts(folder: Path) -> bool:
    return any(folder.glob("DejaVuSans*.ttf"))
