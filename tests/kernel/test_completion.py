"""Tab completion."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_xdisplay.kernel.completion import complete
from tests.kernel.kernel_process import KernelProcess


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("%xdisplay st", ["start", "stop", "status"]),
        ("%xdisplay --s", ["--size", "--stream"]),
        ("%xdisplay --stream ", ["builtin", "x11vnc"]),
        ("%xdisplay start --stream x", ["x11vnc"]),
        ("%xdisplay vn", ["vnc"]),
        (
            "%xdisplay vnc --",
            ["--help", "--listen", "--name", "--password", "--port", "--stop", "--view-only"],
        ),
        ("%xdisplay vnc --listen ", ["127.0.0.1", "0.0.0.0"]),
        ("%xdisplay vnc --password ", []),
        ("%xdisplay vnc --port 59", []),
        ("%xdisplay start --d", ["--dpi"]),
        ("%xdisplay --size 12", ["1280x720", "1280x1024"]),
        ("%xdisplay resize 8", ["800x600"]),
        ("%xdisplay gui t", ["tk"]),
        ("%xdisplay gui ", ["tk", "qt", "gtk", "wx", "auto", "off", "--help"]),
        ("%xdisplay stop --name s", ["sim"]),
        ("%xdisplay stop --fo", ["--force"]),
        ("%xdisplay stop --force --fo", []),
        ("%xdisplay nothing x", []),
        ("%xdisplay inline ", ["on", "off", "--help", "--max-inline", "--name"]),
        ("%xdisplay inline --max-inline 3", ["32"]),
        ("%%xdisplay ", ["capture"]),
        ("%%xdisplay capture --w", ["--wait"]),
    ],
)
def test_offers(line: str, offered: list[str]) -> None:
    """Subcommands, options, sizes, toolkits and names of displays are offered."""
    assert complete(line, ["main", "sim"]) == offered


def test_programs_and_files(tmp_path: Path) -> None:
    """`run` offers programs, then files for them; `snapshot` offers files."""
    (tmp_path / "model.obj").touch()
    assert "glxgears" in complete("%xdisplay run glxg", [])
    assert complete(f"%xdisplay run --name sim xterm {tmp_path}/mo", []) == [
        f"{tmp_path}/model.obj"
    ]
    assert complete(f"%xdisplay snapshot {tmp_path}/", []) == [f"{tmp_path}/model.obj"]
    assert complete("%xdisplay snapshot /no/such/", []) == []


def test_in_a_kernel(kernel: KernelProcess) -> None:
    """A front end that asks the kernel gets them, and nothing once the extension is unloaded."""
    assert kernel.complete("%xdisplay sta") == ["start", "status"]
    assert kernel.complete("x = 1\n%xdisplay stop --f") == ["--force"]
    assert kernel.complete("%xdisplay gui q") == ["qt"]
    assert kernel.complete("%%xdisplay capture --w") == ["--wait"]
    kernel.ok("%unload_ext jupyter_xdisplay")
    assert kernel.complete("%xdisplay sta") == []
