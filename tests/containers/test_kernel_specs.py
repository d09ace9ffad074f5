"""Kernel specifications of kernels in containers: written, found, kept from being lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec

from jupyter_xdisplay.cli import main
from jupyter_xdisplay.containers import kernel_specs
from jupyter_xdisplay.containers.kernel_recipe import Recipe, check_name
from jupyter_xdisplay.containers.options import KernelOptions, Volume
from jupyter_xdisplay.errors import UsageError
from tests.other_user import AS_OTHER_USER, needs_other_user

RECIPE = Recipe("tf", "tensorflow/tensorflow:2.17.0-gpu", apt=("ffmpeg",), pip=("gymnasium>=1",))
OPTIONS = KernelOptions(
    image=RECIPE.tag, base=RECIPE.base, gpus="all", volumes=(Volume("/data", "/data", True),)
)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Jupyter look into folders of this test's own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "more"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    # What is asked for in vain, so that nothing is built by mistake.
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'no.sock'}")


def test_what_is_written_is_read() -> None:
    """Jupyter reads it, and it says how the image was made."""
    where = kernel_specs.write(RECIPE, OPTIONS, "TF")
    spec = KernelSpec.from_resource_dir(str(where))
    assert spec.argv == ["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    assert (spec.display_name, spec.language, spec.interrupt_mode) == ("TF", "python", "signal")
    assert spec.metadata["debugger"] is True
    assert spec.metadata["kernel_provisioner"] == {
        "provisioner_name": "xdisplay-docker",
        "config": {"options": OPTIONS.to_json()},
    }
    found = kernel_specs.find("tf")
    assert found == kernel_specs.Found("tf", where, "TF", OPTIONS, RECIPE)
    assert found in kernel_specs.ours(kernel_specs.find_all())
    assert where.stat().st_mode & 0o777 == 0o755
    kernel_specs.remove(found)
    assert kernel_specs.find("tf") is None


def test_a_prefix(tmp_path: Path) -> None:
    """A specification of an environment is written there, and found where it is named."""
    where = kernel_specs.write(RECIPE, OPTIONS, "TF", tmp_path / "env")
    assert where == tmp_path / "env/share/jupyter/kernels/tf"
    assert kernel_specs.find("tf") is None
    assert kernel_specs.find("tf", tmp_path / "env") is not None


def _write(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(content)
    return folder


@pytest.mark.parametrize(
    "content",
    [
        '{"argv": ["R"], "display_name": "R", "language": "R"}',
        "no JSON",
        "[]",
        json.dumps({"metadata": {"kernel_provisioner": {"provisioner_name": "k8s"}}}),
        json.dumps({"metadata": {"kernel_provisioner": {"provisioner_name": "xdisplay-docker"}}}),
    ],
)
def test_kernels_of_others_stay(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their names are refused, and they are neither listed nor removed."""
    folder = _write(tmp_path / "user/kernels/other", content)
    with pytest.raises(UsageError, match="There is a kernel other already") as caught:
        kernel_specs.check_free("other", None, replace=False)
    assert "--replace" in (caught.value.fix or "")
    assert kernel_specs.check_free("other", None, replace=True) is None
    assert main(["kernel", "list"]) == 0
    assert "No kernels in containers" in capsys.readouterr().out
    assert main(["kernel", "remove", "other"]) == 1
    assert "jupyter kernelspec remove other" in capsys.readouterr().err
    assert main(["kernel", "add", "--image", "debian", "--name", "other"]) == 1
    assert "There is a kernel other already" in capsys.readouterr().err
    assert (folder / "kernel.json").read_text() == content


def test_no_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written or removed without one; kernels are listed all the same."""
    assert main(["kernel", "add", "--image", "debian", "--name", "new"]) == 1
    assert "there is no socket" in capsys.readouterr().err
    assert kernel_specs.find("new") is None
    where = kernel_specs.write(RECIPE, OPTIONS, "TF")
    assert main(["kernel", "list"]) == 1
    output = capsys.readouterr()
    assert "tf    tensorflow/tensorflow:2.17.0-gpu  -     unknown" in output.out
    assert "there is no socket" in output.err
    assert main(["kernel", "remove", "tf"]) == 1
    assert "--keep-image" in capsys.readouterr().err
    assert where.exists()
    assert main(["kernel", "remove", "tf", "--keep-image"]) == 0
    assert capsys.readouterr().out == "Removed the kernel tf.\n"
    assert not where.exists()
    assert main(["kernel", "remove", "tf"]) == 1
    assert "jupyter xdisplay kernel list" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "possible"),
    [("TF", "tf"), ("my kernel", "my-kernel"), ("a..b", "a-b"), ("-", "my-kernel"), ("../x", "x")],
)
def test_names(name: str, possible: str) -> None:
    """What Jupyter or an engine would refuse is refused first, with a name that is possible."""
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert caught.value.fix == f"--name {possible}"
    check_name(possible)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--gpus", "$(id)"], "no value for gpus"),
        (["--env", "NAME"], "such as: --env NAME=VALUE"),
        (["--volume", "/:/host"], "is not mounted into kernels"),
        (["--apt", "-o=x"], "is no system package"),
        (["--pip", "--index-url=x"], "is no Python package"),
        (["--wheels", "/nonexistent"], "There is no /nonexistent"),
        (["--memory", "lots"], "no value for memory"),
    ],
)
def test_flags(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What makes no sense is said before anything is done."""
    name, value = flags
    assert main(["kernel", "add", "--image", "debian", "--name", "new", f"{name}={value}"]) == 1
    assert message in capsys.readouterr().err


def test_what_is_not_given_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so, before the engine is asked; `--reset` forgets it."""
    kernel_specs.write(RECIPE, OPTIONS, "TF")
    again = ["kernel", "add", "--image", "debian", "--name", "tf"]
    assert main(again) == 1
    assert "As before: gpus, volumes   (--reset forgets them)" in capsys.readouterr().out
    assert main([*again, "--reset"]) == 1
    assert "As before" not in capsys.readouterr().out


@needs_other_user
def test_no_place_to_write(tmp_path: Path) -> None:
    """It is said before an image is built."""
    found = subprocess.run(
        [
            *(*AS_OTHER_USER, sys.executable, "-m", "jupyter_xdisplay.cli", "kernel", "add"),
            *("--image=a", "--name=a", f"--prefix={tmp_path / 'env'}"),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "cannot be changed by this user" in found.stderr


def test_a_file_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A prefix that is a file is refused before an image is built."""
    (tmp_path / "env").touch()
    assert main(["kernel", "add", "--image=a", "--name=a", f"--prefix={tmp_path / 'env'}"]) == 1
    assert "cannot be changed by this user" in capsys.readouterr().err
