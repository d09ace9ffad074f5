"""Kernel specifications of kernels in containers: written, found again, removed; nobody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_xdisplay.cli import main
from jupyter_xdisplay.containers import kernel_specs
from jupyter_xdisplay.containers.kernel_recipe import Recipe
from jupyter_xdisplay.containers.options import KernelOptions, Volume
from jupyter_xdisplay.errors import UsageError

RECIPE = Recipe("tf", "tensorflow/tensorflow:2.17.0", apt=("ffmpeg",), pip=("gymnasium>=1",))
OPTIONS = KernelOptions(
    RECIPE.tag,
    base=RECIPE.base,
    gpus="all",
    volumes=(Volume("/data", "/data", read_only=True),),
    env={"A": "b"},
)


@pytest.fixture(autouse=True)
def nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for kernels in folders of the test's own."""
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")


def test_what_is_written_is_found_again() -> None:
    """By Jupyter and by us, with what the image is made of."""
    where = kernel_specs.write(RECIPE, OPTIONS, "TensorFlow")
    found = kernel_specs.find("tf")
    assert found == kernel_specs.Found("tf", where, "TensorFlow", OPTIONS, RECIPE)
    assert kernel_specs.ours(kernel_specs.find_all()) == [found]
    value = json.loads((where / "kernel.json").read_text())
    assert value["argv"][0] == "python3"
    assert value["metadata"]["kernel_provisioner"]["provisioner_name"] == "xdisplay-docker"
    assert kernel_specs.check_free("tf", None, replace=False) == found
    kernel_specs.remove(found)
    assert not where.exists()
    assert kernel_specs.find("tf") is None


def test_a_prefix(tmp_path: Path) -> None:
    """An environment's own, found where it is named."""
    where = kernel_specs.write(RECIPE, OPTIONS, "TensorFlow", tmp_path / "env")
    assert where == tmp_path / "env" / "share" / "jupyter" / "kernels" / "tf"
    assert kernel_specs.find("tf") is None
    assert kernel_specs.find("tf", tmp_path / "env") is not None


@pytest.mark.parametrize(
    "content", ["not JSON", "[]", '{"display_name": "Other", "metadata": {}}', '{"metadata": 1}']
)
def test_kernels_of_others_are_left_alone(tmp_path: Path, content: str) -> None:
    """Neither replaced, unless that is asked for, nor removed."""
    folder = tmp_path / "JUPYTER_DATA_DIR" / "kernels" / "tf"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(content)
    assert kernel_specs.ours(kernel_specs.find_all()) == []
    with pytest.raises(UsageError, match="does not run in a container of ours") as caught:
        kernel_specs.check_free("tf", None, replace=False)
    assert "--replace" in (caught.value.fix or "")
    assert kernel_specs.check_free("tf", None, replace=True) is None
    found = kernel_specs.find("tf")
    assert found is not None
    with pytest.raises(UsageError, match="was not made by"):
        kernel_specs.remove(found)
    assert (folder / "kernel.json").read_text() == content


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--image", "x", "--name", "My Kernel"], "--name my-kernel"),
        (["--image", "x", "--name", "tf", "--gpus", "two gpus"], "gpus"),
        (["--image", "x", "--name", "tf", "--volume", "data:/data"], "absolute"),
        (["--image", "x", "--name", "tf", "--env", "A"], "NAME=VALUE"),
        (["--image", "x", "--name", "tf", "--memory", "much"], "8g"),
        (["--image", "x", "--name", "tf", "--apt", "two words"], "--apt ffmpeg"),
        (["--image", "x", "--name", "tf", "--pip=--index-url=http://x"], "--pip"),
        (["--image", "x", "--name", "tf", "--wheels", "/no/such"], "/no/such"),
        (["--image", "x", "--name", "tf"], "no.sock"),
    ],
)
def test_what_is_refused_before_anything_is_built(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with what is possible; no kernel is left."""
    assert main(["kernel", "add", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert kernel_specs.find("tf") is None


def test_list_and_remove_without_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    """What is known is shown; a kernel can be removed without its image."""
    assert main(["kernel", "list"]) == 0
    assert "No kernels in containers" in capsys.readouterr().out
    kernel_specs.write(RECIPE, OPTIONS, "TensorFlow")
    assert main(["kernel", "list"]) == 1
    shown = capsys.readouterr()
    assert "tensorflow/tensorflow:2.17.0" in shown.out
    assert "no.sock" in shown.err
    assert main(["kernel", "remove", "tf"]) == 1
    assert "--keep-image" in capsys.readouterr().err
    assert main(["kernel", "remove", "tf", "--keep-image"]) == 0
    assert main(["kernel", "remove", "tf"]) == 1
    assert "There is no kernel tf" in capsys.readouterr().err
