"""Installs what `request.json` asks for."""

from __future__ import annotations

import json
import shutil
import ssl
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from . import BROKEN, CERTIFICATES, HERE, PACKAGE, Failed, run, say
from .apt import Apt
from .pip import find_pip, pip_install, uninstall
from .toolkits import QT_BINDINGS, QT_PACKAGES, check_toolkit, choose_toolkit, tk_packages

HOME = Path("/home/jovyan")


def place_package() -> None:
    """Make this package importable, and nothing else that is called like it."""
    site = Path(sysconfig.get_path("purelib"))
    site.mkdir(parents=True, exist_ok=True)
    (site / "jupyter_xdisplay.pth").write_text(f"{PACKAGE}\n")
    run([sys.executable, "-m", "compileall", "-q", str(PACKAGE / "jupyter_xdisplay")])
    code = (
        "import jupyter_xdisplay, ipykernel.kernelapp, jupyter_xdisplay.kernel.widget;"
        "import jupyter_xdisplay.kernel.automation.window, importlib.metadata as metadata;"
        "metadata.version('jupyter-xdisplay');"
        f"assert jupyter_xdisplay.__file__.startswith('{PACKAGE}/'), jupyter_xdisplay.__file__"
    )
    if run([sys.executable, "-c", code]):
        raise Failed(BROKEN, "the kernel's side of jupyter_xdisplay cannot be imported")


def place_home() -> None:
    """Make a home for whoever the kernel runs as."""
    HOME.mkdir(parents=True, exist_ok=True)
    HOME.chmod(0o1777)


def place_python() -> None:
    """Give a Python that is only called `python` the name that kernels are started by."""
    if not shutil.which("python3") and (found := shutil.which("python")):
        Path(found).with_name("python3").symlink_to(Path(found).name)


def trust() -> None:
    """Write the certificates that were given, and those of the system, to one file."""
    given = HERE / "ca.pem"
    if given.exists():
        own = Path(ssl.get_default_verify_paths().cafile or "/nonexistent")
        system = own.read_text() if own.is_file() else ""
        CERTIFICATES.write_text(system + "\n" + given.read_text())


def install(request: dict[str, list[str]], toolkit: str) -> None:
    """Install all that was asked for."""
    trust()
    apt = Apt()
    chosen = choose_toolkit(toolkit)
    needed = [*request["apt"], *(tk_packages() if chosen == "tk" else ())]
    optional = QT_PACKAGES if chosen == "qt" else ()
    asked = list(request["pip"])
    if chosen == "qt" and not any(find_spec(name) for name in QT_BINDINGS):
        asked.append("PySide6-Essentials")
    if needed or optional:
        apt.install(needed, optional)
    pip = find_pip(apt)
    uninstall(pip, "jupyter-xdisplay", PACKAGE)  # another version; ours is placed without pip
    pip_install(pip, request["requirements"], asked)
    place_python()
    place_package()
    place_home()
    check_toolkit(chosen)
    apt.clean()


def main() -> int:
    """Run; return the exit code."""
    request = json.loads((HERE / "request.json").read_text())
    try:
        install(request, request["toolkit"])
    except Failed as error:
        say(str(error))
        return error.code
    shutil.rmtree(HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
