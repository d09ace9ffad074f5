"""Another Unix user who runs our programs: possible as root, where that user can read them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import jupyter_xdisplay

UID = 65534


def _others_may_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _others_can_run_us() -> bool:
    package = Path(jupyter_xdisplay.__file__)
    return all(map(_others_may_enter, (Path(sys.executable), package.resolve())))


needs_other_user = pytest.mark.skipif(
    os.geteuid() != 0 or not _others_can_run_us(),
    reason="needs root, and a checkout that other users can read (not below /root)",
)
