"""A clean-up that fails in one place, and goes on in all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_xdisplay.runtime.local import LocalRuntime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec
from tests.containers.kernels import directories
from tests.runtime.liar import Liar


async def test_a_sidecar_that_does_not_end(leftovers: Path, tmp_path: Path) -> None:
    """It is raised; the kernel's other display has ended, and so has what ran beside it."""
    manager = DisplayManager(runtime=LocalRuntime(size=(320, 240), max_size=(640, 480)))
    stuck = Liar(tmp_path / "s")
    try:
        manager.kernel_runtimes["mine"] = stuck
        first = await manager.create(DisplaySpec(), "mine")
        manager.kernel_runtimes["mine"] = manager.runtime
        second = await manager.create(DisplaySpec(name="two"), "mine")
        manager.kernel_runtimes["mine"] = stuck
        stuck.end_fails = True
        with pytest.raises(OSError, match="does not end"):
            await manager.forget_kernel("mine")
        assert stuck.closed
        assert [manager.get(one.id).state for one in (first, second)] == ["ended", "ended"]
        assert [path.name for path in directories(leftovers)] == []
        assert "mine" not in manager.kernel_runtimes
    finally:
        stuck.end_fails = False
        await manager.close()
