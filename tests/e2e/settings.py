"""What a test's Jupyter server runs with: nothing of the user's own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def environment(root: Path, private_root: Path, *, dark: bool) -> dict[str, str]:
    """Return the environment of a server with its own folders below `root`, and make those.

    Parameters
    ----------
    root
        The server's directory.
    private_root
        Where displays have their private directories.
    dark
        Whether JupyterLab has its dark theme.
    """
    _write_settings(root / ".settings", dark=dark)
    own = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    return own | {
        "PATH": f"{Path(sys.executable).parent}:{own['PATH']}",
        "JUPYTER_XDISPLAY_RUNTIME_DIR": str(private_root),
        "JUPYTER_CONFIG_DIR": str(root / ".config"),
        "JUPYTER_DATA_DIR": str(root / ".data"),
        "JUPYTERLAB_SETTINGS_DIR": str(root / ".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / ".workspaces"),
    }


def _write_settings(directory: Path, *, dark: bool) -> None:
    """Write user settings of JupyterLab: no questions about news, and the theme."""
    settings = {
        "notification": {"fetchNews": "false", "checkForUpdates": False},
        "themes": {"theme": f"JupyterLab {'Dark' if dark else 'Light'}"},
    }
    folder = directory / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in settings.items():
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(value))
