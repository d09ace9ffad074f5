"""A fuzzer on both parsers: short here, long with `XDISPLAY_SOAK=1`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = os.environ.get("XDISPLAY_SOAK") == "1"
RUNS = 1_000_000 if SOAK else 4_000


@pytest.mark.soak
@pytest.mark.parametrize("side", ["server", "client"])
def test_the_fuzzer_finds_nothing(side: str, tmp_path: Path) -> None:
    """A bounded run of atheris: no exception, no hang, no memory beyond the limit."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed for this Python: parsers NOT fuzzed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.rfb.fuzz", side, str(RUNS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=3500 if SOAK else 120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"stat::number_of_executed_units: {RUNS}" in done.stderr, done.stderr[-4000:]
    print(next(line for line in done.stderr.splitlines() if "average_exec" in line))
