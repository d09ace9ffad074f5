"""Private directories of the tests' own, and what a test may not leave behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.paths import ROOT_VARIABLE
from tests.traces import traces
from tests.waiting import POLL_S

pytest_plugins = ["tests.containers.fixtures"]

LEFT_DEADLINE_S = 10.0
ENGINE = "engine"


def _short_directory() -> Path:
    """Make a directory whose sockets stay under 108 bytes; pytest's own are too deep."""
    return Path(tempfile.mkdtemp(prefix="xdt-", dir="/tmp"))


def pytest_configure() -> None:
    """Take interrupts also where a shell that runs us in the background had them ignored.

    Programs that the tests start would inherit that (execve(2)), and one that is to be
    interrupted would run to its end.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that two workers (`make test`) end together."""
    items.sort(
        key=lambda item: (
            scope_of(item.nodeid) != ENGINE,
            item.get_closest_marker("e2e") is None,
        )
    )


@pytest.hookimpl(optionalhook=True)  # of xdist, which single tests do without
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let workers take whole files; all that needs the engine of the tests goes to one of them."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return Scheduling(config, log)


def scope_of(nodeid: str) -> str:
    """Return what of the tests stays together: a file, or all that needs the engine."""
    file = nodeid.partition("::")[0]
    needs_engine = file.startswith("tests/containers/") or file == "tests/e2e/test_containers.py"
    return ENGINE if needs_engine else file


@pytest.fixture(scope="session", autouse=True)
def session_root() -> Iterator[Path]:
    """Keep all tests out of the user's own private directories."""
    root = _short_directory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(root))
        patch.delenv("DISPLAY", raising=False)
        patch.delenv("XAUTHORITY", raising=False)
        yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give this test a root of private directories of its own."""
    path = _short_directory()
    monkeypatch.setenv(ROOT_VARIABLE, str(path))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def leftovers(root: Path) -> Iterator[Path]:
    """Give a root of its own, and fail when the test leaves anything behind.

    Asked for first by tests and fixtures that are to be judged after their own clean-up.
    """
    before = traces(root)
    yield root
    end = time.monotonic() + LEFT_DEADLINE_S
    while (left := traces(root) - before) and time.monotonic() < end:
        time.sleep(POLL_S)
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def as_root() -> None:
    """Skip where the test needs root: a second user, a mount."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to act as another user")
