"""An ordinary user with user ids to map (subuid(5)), made for rootless engines and remapping."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

NAME = "xdisplay-test"
ROOT = Path(__file__).parents[2]


class MappedUser(NamedTuple):
    """The user, with a home that is empty."""

    uid: int
    gid: int
    home: Path

    def _ids(self, group: int | None = None) -> list[str]:
        more = "--clear-groups" if group is None else f"--groups={group}"
        return [f"--reuid={self.uid}", f"--regid={self.gid}", more]

    def command(self, *argv: str) -> list[str]:
        """Return what runs a program as this user, without any rights."""
        return ["setpriv", *self._ids(), "--inh-caps=-all", *argv]

    def make(self, folder: Path) -> None:
        """Make a folder that is this user's alone."""
        folder.mkdir(mode=0o700)
        os.chown(folder, self.uid, self.gid)

    def run_module(
        self, module: str, *arguments: str, group: int | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a module of the tests as this user, who may besides read this checkout and Python.

        With `group` the user is in that one too.
        """
        may_read = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
        return subprocess.run(
            ["setpriv", *self._ids(group), *may_read, sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment(**variables),
            check=False,
            capture_output=True,
            text=True,
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of this user."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "PYTHONPATH") if key in os.environ}
        return {
            **kept,
            "HOME": str(self.home),
            "USER": NAME,
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            **more,
        }


@contextmanager
def mapped_user(folder: Path) -> Iterator[MappedUser]:
    """Give the user; gone afterwards. Its home is in a folder that everybody may enter."""
    if os.geteuid() != 0:
        pytest.skip("NO TESTS OF MAPPED USERS: only root can make one")
    home = folder / "home"
    subprocess.run(["useradd", "--create-home", "--home-dir", home, NAME], check=True)
    try:
        found = pwd.getpwnam(NAME)
        user = MappedUser(found.pw_uid, found.pw_gid, home)
        user.make(home / "run")
        yield user
    finally:
        subprocess.run(["userdel", "--force", NAME], check=True)
