"""Another Unix user, who tries what is not theirs."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.xclient import REPOSITORY

STRANGER_UID = 65534
PRELUDE = """
import os, socket, sys
from pathlib import Path
from tests.xclient import handshake

def attempt(work):
    try:
        return work()
    except OSError as error:
        return type(error).__name__

def connect(path):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(path)
    return "connected"

os.setgroups([])
os.setgid({uid})
os.setuid({uid})
"""


def as_stranger(code: str, *arguments: str) -> str:
    """Return what a piece of Python prints that another user runs."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            PRELUDE.format(uid=STRANGER_UID) + textwrap.dedent(code),
            *arguments,
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    ).stdout.strip()
