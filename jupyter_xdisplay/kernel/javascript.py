"""The JavaScript of the views, as it was built into the package (labextension/)."""

from __future__ import annotations

from importlib.resources import files

from jupyter_xdisplay.errors import StartFailed


def loader() -> str:
    """Return what travels with every widget: the ES module that gets the bundle.

    Raises
    ------
    StartFailed
        When it was not built (a checkout without the JavaScript).
    """
    return _read("loader.js").decode()


def bundle() -> bytes:
    """Return the whole view as one ES module, for pages that get it from the kernel.

    Raises
    ------
    StartFailed
        When it was not built.
    """
    return _read("widget.js")


def _read(name: str) -> bytes:
    try:
        return (files("jupyter_xdisplay") / "static" / name).read_bytes()
    except OSError as error:
        raise StartFailed(
            f"The view's JavaScript (jupyter_xdisplay/static/{name}) is missing.",
            fix="in a checkout: make setup; else: pip install --force-reinstall jupyter-xdisplay",
        ) from error
