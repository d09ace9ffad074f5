"""`jupyter xdisplay setup`, as a user runs it."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_xdisplay.setup import probe
from jupyter_xdisplay.setup.parts import PARTS
from tests.other_user import AS_OTHER_USER, needs_other_user

SETUP = [sys.executable, "-m", "jupyter_xdisplay.cli", "setup"]
ROOT = Path(__file__).parents[2]

# Stands in for a package manager, because a real one would change this machine: it "installs"
# links to true(1) into its own folder and, as real ones do, refuses all when it refuses one.
MANAGER = """#!/bin/sh
echo "stand-in: $*"
folder=$(dirname "$0")
if [ -e "$folder/no-openbox" ]; then case " $* " in *" openbox "*) exit 1;; esac; fi
for name in "$@"; do
    case $name in
        xvfb) ln -sf /bin/true "$folder/Xvfb";;
        x11vnc|openbox) ln -sf /bin/true "$folder/$name";;
    esac
done
"""


@pytest.fixture
def path_without(tmp_path):
    """Give a function that makes a PATH with a stand-in `apk` and without Xvfb and its kin."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "ln", "xkbcomp"):
        (folder / name).symlink_to(shutil.which(name) or "/bin/true")
    manager = folder / "apk"
    manager.write_text(MANAGER)
    manager.chmod(0o755)
    return folder


def run(folder, *arguments, prefix=()):
    """Run setup with that PATH."""
    return subprocess.run(
        [*prefix, *SETUP, *arguments],
        env={**os.environ, "PATH": str(folder), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root's case, or needs another user")


def test_nothing_missing_here():
    """On a machine where all is there it says so and changes nothing, however often."""
    if probe.missing_parts(PARTS):
        pytest.skip("this machine lacks some parts")
    for arguments in ([], ["--yes"], ["--print"]):
        result = subprocess.run(
            [*SETUP, *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == 0
        assert result.stdout.startswith("Nothing is missing")


def test_missing_programs_are_seen(monkeypatch, tmp_path):
    """Programs are looked for on PATH: an empty one lacks them all."""
    monkeypatch.setenv("PATH", str(tmp_path))
    names = {part.name for part in probe.missing_parts(PARTS)}
    assert {"Xvfb", "x11vnc", "openbox", "xkbcomp"} <= names


def test_missing_libraries_are_seen():
    """A library that is not there is reported, one that is there is not."""
    assert probe.missing_libraries(["libc.so.6", "libnowhere.so.9"]) == {"libnowhere.so.9"}


def test_old_lists_are_stale(tmp_path):
    """Lists of packages are stale when none is there, or the newest is older than a day."""
    assert not probe._lists_fresh(tmp_path, now=0)
    lists = tmp_path / "x_Packages.lz4"
    lists.touch()
    made = lists.stat().st_mtime
    assert probe._lists_fresh(tmp_path, now=made + 60)
    assert not probe._lists_fresh(tmp_path, now=made + 2 * probe.LISTS_FRESH_S)


@needs_root
def test_print_only_shows(path_without):
    """`--print` shows what is missing and the command, and runs nothing."""
    result = run(path_without, "--print")
    assert result.returncode == 0
    assert "apk add --no-cache xvfb openbox" in result.stdout
    assert "stand-in:" not in result.stdout
    assert not (path_without / "Xvfb").exists()


@needs_root
def test_nothing_is_installed_without_a_yes(path_without):
    """Without a terminal to ask and without `--yes` nothing is installed."""
    result = run(path_without)
    assert result.returncode == 1
    assert "Nothing was installed" in result.stdout
    assert not (path_without / "Xvfb").exists()


@needs_root
@pytest.mark.parametrize(("answer", "installed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_asks_on_a_terminal(path_without, answer, installed):
    """On a terminal it asks; only a yes installs."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    result = subprocess.run(
        SETUP,
        env={**os.environ, "PATH": str(path_without), "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert "Run them now? [y/N]" in result.stdout
    assert (path_without / "Xvfb").exists() == installed
    assert result.returncode == (0 if installed else 1)


@needs_root
def test_yes_installs_and_looks_again(path_without):
    """`--yes` shows the command, runs it, and says what is there afterwards."""
    result = run(path_without, "--yes")
    assert result.returncode == 0, result.stdout
    assert "$ apk add --no-cache xvfb openbox" in result.stdout
    assert (path_without / "openbox").exists()
    assert not (path_without / "x11vnc").exists()
    again = run(path_without, "--yes")
    assert again.returncode == 0
    assert "stand-in:" not in again.stdout


@needs_root
def test_an_optional_part_is_installed_when_it_is_named(path_without):
    """x11vnc comes with `--with x11vnc` only, also where all else is there."""
    run(path_without, "--yes")
    result = run(path_without, "--yes", "--with", "x11vnc")
    assert result.returncode == 0, result.stdout
    assert "$ apk add --no-cache x11vnc" in result.stdout
    assert (path_without / "x11vnc").exists()


@pytest.mark.parametrize("name", ["x12vnc", "Xvfb", ""])
def test_an_unknown_optional_part_is_named(name):
    """A wrong name is an error that lists the right ones, and nothing is looked for."""
    result = subprocess.run(
        [*SETUP, "--with", name], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 1
    assert f"{name!r} is no optional part" in result.stderr
    assert "use one of: x11vnc" in result.stderr


@needs_root
def test_one_failure_does_not_stop_the_others(path_without):
    """Where the whole fails, packages are tried one by one and the refused ones are named."""
    (path_without / "no-openbox").touch()
    result = run(path_without, "--yes")
    assert result.returncode == 1
    assert "Not installed: openbox" in result.stdout
    assert "Still missing" in result.stdout
    assert (path_without / "Xvfb").exists()


@needs_other_user
def test_another_user_is_told_what_root_has_to_run(path_without, tmp_path):
    """Without root it shows the exact commands for an administrator and exits with 1."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(
            ("pytest", "test_", "popen-")
        ):
            folder.chmod(0o755)
    result = run(path_without, "--yes", prefix=AS_OTHER_USER)
    assert result.returncode == 1, result.stderr
    assert "An administrator has to run, as root" in result.stdout
    assert "apk add --no-cache xvfb openbox" in result.stdout
    assert not (path_without / "Xvfb").exists()
