"""Kernel specifications of kernels in containers: what Jupyter lists them by."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_xdisplay.containers.kernel_recipe import Recipe
from jupyter_xdisplay.containers.options import KernelOptions
from jupyter_xdisplay.errors import UsageError

PROVISIONER = "xdisplay-docker"
RECIPE = "jupyter_xdisplay"
"""Where the metadata say how the image was made, so that it can be made anew."""

ARGV = ("python3", "-m", "ipykernel_launcher", "-f", "{connection_file}")


@dataclass(frozen=True)
class Found:
    """A kernel specification that is there; without options, recipe: one of another kind."""

    name: str
    directory: Path
    display_name: str = ""
    options: KernelOptions | None = None
    recipe: Recipe | None = None


def to_json(recipe: Recipe, options: KernelOptions, display_name: str) -> dict[str, Any]:
    """Return the content of `kernel.json`."""
    made_of = {key: value for key, value in asdict(recipe).items() if value and key != "name"}
    return {
        "argv": list(ARGV),
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {
            "debugger": True,
            "kernel_provisioner": {
                "provisioner_name": PROVISIONER,
                "config": {"options": options.to_json()},
            },
            RECIPE: made_of,
        },
    }


def from_json(name: str, directory: Path, value: Any) -> Found:
    """Read what `to_json` gives, or the content of any other specification."""
    try:
        shown = str(value.get("display_name", ""))
        metadata = value["metadata"]
        provisioner = metadata["kernel_provisioner"]
        if provisioner["provisioner_name"] != PROVISIONER:
            return Found(name, directory, shown)
        options = KernelOptions.from_json(provisioner["config"]["options"])
        made_of = {**metadata.get(RECIPE, {})}
        recipe = Recipe(
            name=name,
            base=str(made_of.get("base") or options.base),
            apt=tuple(made_of.get("apt", ())),
            pip=tuple(made_of.get("pip", ())),
            toolkit=made_of.get("toolkit", "auto"),
        )
    except (AttributeError, KeyError, TypeError, UsageError):
        return Found(name, directory)
    return Found(name, directory, shown, options, recipe)


def find_all(prefix: Path | None = None) -> list[Found]:
    """Return all kernel specifications that Jupyter finds, and those of another prefix."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    if prefix is not None:
        # A plain list: the trait's own may be shared.
        manager.kernel_dirs = [str(_folder(prefix)), *manager.kernel_dirs]
    found = []
    for name, directory in sorted(manager.find_kernel_specs().items()):
        path = Path(directory)
        try:
            value = json.loads((path / "kernel.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            value = None
        found.append(from_json(name, path, value))
    return found


def find(name: str, prefix: Path | None = None) -> Found | None:
    """Return the kernel specification of that name."""
    return next((found for found in find_all(prefix) if found.name == name), None)


def ours(found: Sequence[Found]) -> list[Found]:
    """Return those of kernels in containers."""
    return [one for one in found if one.options is not None]


def check_free(name: str, prefix: Path | None, *, replace: bool) -> Found | None:
    """Return the specification of that name that is ours; refuse to replace any other.

    Raises
    ------
    UsageError
        When the name is in use by another kind of kernel, and `replace` is not set.
    """
    found = find(name, prefix)
    if found is not None and found.options is None:
        if not replace:
            raise UsageError(
                f"There is a kernel {name} already, which does not run in a container of ours: "
                f"{found.directory}",
                fix=f"another name: --name {name}-container; or --replace, which removes that one",
            )
        return None
    return found


def check_writable(prefix: Path | None) -> None:
    """Refuse where no kernel specification can be written, before an image is built for it.

    Raises
    ------
    UsageError
        When this user may not write there.
    """
    folder = _folder(prefix)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise _not_writable(folder)


def write(
    recipe: Recipe, options: KernelOptions, display_name: str, prefix: Path | None = None
) -> Path:
    """Write a kernel specification: the user's, or of a prefix; return its folder.

    Raises
    ------
    UsageError
        When it cannot be written.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    content = to_json(recipe, options, display_name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.json"
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        Path(folder).chmod(0o755)  # it is copied with its mode, and others may use the prefix
        manager = KernelSpecManager()
        manager.log.disabled = True  # this command says itself where it is
        try:
            where = manager.install_kernel_spec(
                folder,
                recipe.name,
                user=prefix is None,
                prefix=None if prefix is None else str(prefix),
            )
        except OSError as error:
            raise _not_writable(_folder(prefix)) from error
        finally:
            manager.log.disabled = False
    return Path(where)


def check_removable(found: Found) -> None:
    """Refuse to remove what is not ours, before its image is removed.

    Raises
    ------
    UsageError
        When it is not ours, or this user may not.
    """
    if found.options is None:
        raise UsageError(
            f"The kernel {found.name} was not made by `jupyter xdisplay kernel add`.",
            fix=f"jupyter kernelspec remove {found.name}",
        )
    if not os.access(found.directory.parent, os.W_OK | os.X_OK):
        raise _not_writable(found.directory.parent)


def remove(found: Found) -> None:
    """Remove a kernel specification.

    Raises
    ------
    UsageError
        When it is not ours, or this user may not.
    """
    check_removable(found)
    try:
        shutil.rmtree(found.directory)
    except OSError as error:
        raise _not_writable(found.directory.parent) from error


def _folder(prefix: Path | None) -> Path:
    """Return where kernel specifications are."""
    if prefix is not None:
        return prefix.resolve() / "share" / "jupyter" / "kernels"
    from jupyter_client.kernelspec import KernelSpecManager

    return Path(KernelSpecManager().user_kernel_dir)


def _not_writable(folder: Path) -> UsageError:
    return UsageError(
        f"Kernel specifications in {folder} cannot be changed by this user.",
        fix="leave out --sys-prefix and --prefix: this user's own folder is taken then",
    )
