"""`jupyter xdisplay doctor` as a whole: exit codes, JSON, and that it leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from jupyter_xdisplay import doctor
from jupyter_xdisplay.doctor import Check
from jupyter_xdisplay.doctor.findings import line, summary
from tests.other_user import AS_OTHER_USER, UID, needs_other_user


def variables(root: Path) -> dict[str, str]:
    """Return an environment whose private directories are below `root`."""
    return {**os.environ, "JUPYTER_XDISPLAY_RUNTIME_DIR": str(root)}


def processes_of(root: Path) -> list[str]:
    """Return the command lines and working directories that name `root`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                working = str((entry / "cwd").readlink())
            except OSError:
                continue
            found += [text for text in (command, working) if str(root) in text]
    return found


def test_json_and_nothing_left(doctor_command, tmp_path):
    """The JSON holds every check; afterwards no process and no directory of it is there."""
    root = tmp_path / "xd"
    result = subprocess.run(
        [*doctor_command, "--json"],
        env=variables(root),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    value = json.loads(result.stdout)
    found = {check["name"]: check for check in value["checks"]}
    assert value["ok"] == (result.returncode == 0)
    assert found["X start"]["status"] == "ok", found["X start"]
    assert found["X cookie"]["status"] == "ok", found["X cookie"]
    assert found["picture stream"]["status"] == "ok"
    expected = {"Xvfb", "x11vnc", "openbox", "open files", "processes", "/tmp/.X11-unix", "OpenGL"}
    assert expected | {"server extension", "server"} <= set(found)
    assert all(set(check) == {"name", "status", "detail", "fix"} for check in value["checks"])
    assert not root.exists()
    assert processes_of(root) == []


def test_missing_program_is_a_problem(doctor_command, tmp_path):
    """Without Xvfb on PATH: exit code 1, the line names it, the next one mends it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("openbox", "xkbcomp"):
        (folder / name).symlink_to(shutil.which(name) or "/bin/true")
    result = subprocess.run(
        doctor_command,
        env={**variables(tmp_path / "xd"), "PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    at = next(index for index, text in enumerate(lines) if text.startswith("problem  Xvfb "))
    assert lines[at + 1].strip() == "to mend it: jupyter xdisplay setup"
    assert "problem  X start" in result.stdout
    told = next(text for text in lines if text.startswith("note     x11vnc "))
    assert "needed only for --stream x11vnc (jupyter xdisplay setup --with x11vnc)" in told
    assert "Traceback" not in result.stdout + result.stderr
    assert not (tmp_path / "xd").exists()


def test_interrupt_leaves_nothing(doctor_command, tmp_path):
    """Ctrl-C while the display runs: it is ended, nothing is left, no traceback."""
    root = tmp_path / "xd"
    process = subprocess.Popen(
        doctor_command,
        env=variables(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for text in process.stdout:
        if "X start" in text:
            break
    process.send_signal(signal.SIGINT)
    _output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not root.exists()
    assert processes_of(root) == []


@needs_other_user
def test_another_user_can_run_it(doctor_command, tmp_path):
    """A user who is not root gets a display too, with the same checks."""
    home = Path("/tmp") / f"xd-doctor-{os.getpid()}"
    home.mkdir(mode=0o755)
    try:
        os.chown(home, UID, UID)
        result = subprocess.run(
            [*AS_OTHER_USER, *doctor_command, "--json"],
            env={**variables(home / "xd"), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=Path(doctor.__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert result.stdout, result.stderr
        found = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
        assert found["X start"]["status"] == "ok", found["X start"]
        assert found["X cookie"]["status"] == "ok", found["X cookie"]
        assert not (home / "xd").exists()
    finally:
        shutil.rmtree(home)


def test_report_of_findings():
    """Each finding is a line, its fix the next one; the last line counts."""
    found = [
        Check("Xvfb", "ok", "here"),
        Check("openbox", "problem", "is not\ninstalled", "jupyter xdisplay setup"),
        Check("OpenGL", "note", "software"),
    ]
    lines = doctor.report(found).splitlines()
    assert lines[1].split() == ["ok", "Xvfb", "here"]
    assert lines[2].split() == ["problem", "openbox", "is", "not", "installed"]
    assert lines[3].strip() == "to mend it: jupyter xdisplay setup"
    assert lines[-1] == "1 ok, 1 problem, 1 note"
    assert doctor.exit_code(found) == 1
    assert doctor.exit_code(found[:1]) == 0
    assert json.loads(doctor.to_json(found))["ok"] is False


def test_color_only_when_asked():
    """Escape sequences are in the text only with `color`."""
    check = Check("Xvfb", "ok", "here")
    assert "\x1b" not in line(check)
    assert "\x1b[32mok" in line(check, color=True)
    assert summary([check]) == "1 ok"


def test_public_names():
    """Everything in `__all__` can be had."""
    assert all(getattr(doctor, name) is not None for name in doctor.__all__)
