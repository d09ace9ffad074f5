"""Python packages of the distribution (PyGObject, wxPython), which have no wheels."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SYSTEM_PACKAGES = Path("/usr/lib/python3/dist-packages")
"""Where Debian and Ubuntu keep them. They are built for the distribution's own Python."""


def skip_where_missing(cell: str) -> None:
    """Skip a test whose cell needs a toolkit that this Python cannot import."""
    for module in re.findall(r"gui (gtk|wx)|import (gi|wx)", cell):
        name = {"gtk": "cairo, gi"}.get(module[0] or module[1], module[0] or module[1])
        if why := _failure(name):
            pytest.skip(f"no {name} of the distribution for this Python: {why}")


@cache
def _failure(modules: str) -> str:
    code = f"import sys; sys.path.append({str(SYSTEM_PACKAGES)!r}); import {modules}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return run.stderr.strip().rpartition("\n")[2]
