"""Pictures as users of the Python API get them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import UsageError

if TYPE_CHECKING:
    import PIL.Image


def picture(png: bytes, file: str | os.PathLike[str] | None = None) -> PIL.Image.Image:
    """Return a PNG as a Pillow image, and write it to `file` where one is given.

    Raises
    ------
    UsageError
        When the file cannot be written, or its suffix names no format of images.
    """
    import PIL.Image

    image = PIL.Image.open(io.BytesIO(png)).convert("RGB")
    if file is not None:
        _save(image, Path(file).expanduser())
    return image


def _save(image: PIL.Image.Image, path: Path) -> None:
    try:
        image.save(path)
    except ValueError as error:
        raise UsageError(
            f"The suffix of {path} names no format of images.", fix="end it in .png or .jpg"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
