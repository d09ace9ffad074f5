"""What an image is built from: files in a tar archive. Pure, but for reading them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata
from pathlib import Path

import jupyter_xdisplay

PACKAGE = Path(jupyter_xdisplay.__file__).parent
SIDECAR_NEEDS = ("pillow", "simplejpeg", "tornado", "xcffib")
"""What pip installs, with `ALSO`; numpy is the distribution's, without 25 MB of linear algebra."""

SIDECAR_PARTS = ("sidecar", "rfb", "x11", "xserver")
"""What of this package runs there, beside top-level modules: a change elsewhere makes no image old.
"""

KERNEL_NEEDS = (
    "anywidget",
    "ipykernel",
    "ipython",
    "numpy",
    "pillow",
    "simplejpeg",
    "tornado",
    "traitlets",
    "wrapt",
)
"""What the kernel's side imports; pip brings with it what these need. No X: that is the sidecar's.

simplejpeg is for windows from Python, whose pictures come as JPEG."""

KERNEL_DATA = ("py.typed", "static/loader.js", "static/widget.js")
"""What the kernel's side reads, beside modules."""

_METADATA = f"jupyter_xdisplay-{jupyter_xdisplay.__version__}.dist-info/METADATA"
"""So that pip and `importlib.metadata` know that it is there."""

ALSO = ("cffi", "pycparser")
"""What xcffib needs."""


def sidecar_files(wheels: Path | None = None, ca_bundle: Path | None = None) -> dict[str, bytes]:
    """Return path → content of the build context of the sidecar's image.

    Parameters
    ----------
    wheels
        A folder of wheels to install from, without an index.
    ca_bundle
        PEM certificates that apt and pip trust, beside the image's own.

    Raises
    ------
    OSError
        When one of them cannot be read.
    """
    files = {
        "Dockerfile": (PACKAGE / "containers" / "sidecar.Dockerfile").read_bytes(),
        "requirements.txt": "\n".join([*requirements(SIDECAR_NEEDS), *ALSO, ""]).encode(),
        **package_files(SIDECAR_PARTS),
    }
    if wheels is not None:
        files |= {f"wheels/{file.name}": file.read_bytes() for file in wheels.glob("*.whl")}
    if ca_bundle is not None:
        files["ca/jupyter-xdisplay.crt"] = ca_bundle.read_bytes()
    return files


def kernel_files(
    request: Mapping[str, object], wheels: Path | None = None, ca_bundle: Path | None = None
) -> dict[str, bytes]:
    """Return path → content of the build context of a kernel's image.

    Parameters
    ----------
    request
        What `kernel_install` is asked to install, as JSON.
    wheels, ca_bundle
        See `sidecar_files`.

    Raises
    ------
    OSError
        When one of them cannot be read.
    """
    containers = PACKAGE / "containers"
    wanted = {**request, "requirements": requirements(KERNEL_NEEDS)}
    files = {
        "Dockerfile": (containers / "kernel.Dockerfile").read_bytes(),
        **{
            f"install/kernel_install/{path.name}": path.read_bytes()
            for path in (containers / "kernel_install").glob("*.py")
        },
        "install/request.json": json.dumps(wanted).encode(),
        **{f"package/{path}": content for path, content in package_files().items()},
        f"package/{_METADATA}": f"Metadata-Version: 2.1\nName: jupyter-xdisplay\n"
        f"Version: {jupyter_xdisplay.__version__}\n".encode(),
    }
    for name in KERNEL_DATA:
        if (PACKAGE / name).exists():  # a checkout may have no built JavaScript
            files[f"package/jupyter_xdisplay/{name}"] = (PACKAGE / name).read_bytes()
    if wheels is not None:
        files |= {f"install/wheels/{file.name}": file.read_bytes() for file in wheels.glob("*.whl")}
    if ca_bundle is not None:
        files["install/ca.pem"] = ca_bundle.read_bytes()
    return files


def package_files(parts: Collection[str] | None = None) -> dict[str, bytes]:
    """Return path → content of this package, without what only browsers get.

    Parameters
    ----------
    parts
        The subpackages that are wanted, all by default. Top-level modules come always.
    """
    found = {path.relative_to(PACKAGE): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {
        f"jupyter_xdisplay/{name.as_posix()}": path.read_bytes()
        for name, path in found.items()
        if parts is None or len(name.parts) == 1 or name.parts[0] in parts
    }


def requirements(names: Iterable[str]) -> list[str]:
    """Return the requirements of this package on some others, as its metadata has them."""
    wanted = set(names)
    found = metadata.requires("jupyter-xdisplay") or []
    return [line for line in found if _name(line) in wanted]


def digest(files: Mapping[str, bytes]) -> str:
    """Return what tells one build context from another: SHA-256 of names and contents."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{len(files[name])}\0".encode())
        total.update(files[name])
    return total.hexdigest()


def archive(files: Mapping[str, bytes]) -> io.BytesIO:
    """Return a tar archive of files that anybody may read; the same for the same files.

    Folders that the Dockerfile copies are there even if they are empty.
    """
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for folder in ("ca", "wheels"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    file.seek(0)
    return file


def _name(requirement: str) -> str:
    for end, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return requirement[:end].lower()
    return requirement.lower()
