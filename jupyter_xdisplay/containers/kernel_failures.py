"""What a failed build of a kernel's image means, and what mends it. Pure."""

from __future__ import annotations

import re

from jupyter_xdisplay.containers import kernel_install
from jupyter_xdisplay.containers.build import Failure, network_fix
from jupyter_xdisplay.containers.kernel_recipe import ADD, Recipe
from jupyter_xdisplay.errors import ImageBuildFailed

_OTHER = f"{ADD} --image IMAGE --name NAME   (an image with Python 3.10 or newer)"
_REASONS: dict[int, tuple[str, str]] = {
    kernel_install.NO_PYTHON: ("it has no Python on its PATH", _OTHER),
    kernel_install.OLD_PYTHON: ("its Python is older than 3.10", _OTHER),
    kernel_install.NO_PIP: (
        "it has no pip, and none could be fetched",
        "--wheels DIR with a wheel of pip in it: pip download pip -d DIR",
    ),
    kernel_install.PIP_FAILED: (
        "pip could not install what is needed",
        "mend what pip says: another version with --pip, or --wheels with wheels for its Python",
    ),
    kernel_install.APT_FAILED: (
        "apt-get could not install system packages",
        f"{ADD} … --verbose   (it shows the whole output); without a toolkit: --toolkit none",
    ),
    kernel_install.NO_APT: (
        "it has no apt-get, so no system packages can be installed in it",
        "--toolkit none, and no --apt: install them in the image itself first",
    ),
    kernel_install.NO_TOOLKIT: (
        "the toolkit was installed and cannot be used",
        "--toolkit qt, or --toolkit none and a toolkit of the image's own",
    ),
    kernel_install.BROKEN: (
        "the kernel's side of jupyter_xdisplay cannot be imported in it",
        f"{ADD} … --verbose   (it shows why)",
    ),
}


def explain(
    failure: Failure, recipe: Recipe, architectures: tuple[str, str], program: str = "docker"
) -> ImageBuildFailed:
    """Return what a failed build means, and what mends it; `program` is the engine's command."""
    base, command = recipe.base, recipe.command
    text = failure.text
    image_has, engine_has = architectures
    if "exec format error" in text.lower():
        why = f"its programs are not for this engine's processor (the image says {image_has})"
        if image_has != engine_has:
            why = f"it is for {image_has}, and this engine runs {engine_has}"
        fix = (
            f"{ADD} --image IMAGE --name {recipe.name}   (an image for {engine_has}: "
            f"{program} pull --platform linux/{engine_has} {base})"
        )
        return _failed(recipe, why, fix, failure)
    if failure.code not in _REASONS and '"/bin/sh"' in text:
        return _failed(
            recipe, "it has no shell, so nothing can be installed in it", _OTHER, failure
        )
    why, fix = _REASONS.get(failure.code or 0, (failure.error, f"{command} --verbose"))
    if known := network_fix(text, command, program):
        fix = known
    elif failure.code == kernel_install.APT_FAILED and (
        unknown := re.search(r"Unable to locate package (\S+)", text)
    ):
        fix = f"name {unknown[1]} as {base} has it, or leave out --apt {unknown[1]}"
    elif failure.code == kernel_install.PIP_FAILED and (
        wanted := re.search(r"No matching distribution found for (.+)", text)
    ):
        why = f"there is no {wanted[1].strip()} for its Python"
    return _failed(recipe, why, fix, failure)


def _failed(recipe: Recipe, why: str, fix: str, failure: Failure) -> ImageBuildFailed:
    fix = fix.replace("--name NAME", f"--name {recipe.name}")
    return ImageBuildFailed(
        f"No kernel could be made of the image {recipe.base}: {why}.", fix=fix, log=failure.log
    )
