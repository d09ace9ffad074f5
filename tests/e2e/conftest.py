"""One Jupyter server and one browser for most tests; each test has a notebook of its own."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.lab import CHROMIUM, CHROMIUM_ARGUMENTS, Lab, Notebook, new_page
from tests.e2e.view import View

Opener = Callable[..., Notebook]
_numbers = itertools.count()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, for one file: Playwright's loop must not run beside asyncio's tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def private_root() -> Iterator[Path]:
    """A short path for private directories, apart from the user's own."""
    path = Path(tempfile.mkdtemp(prefix="xd-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def make_lab(
    private_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Lab]]:
    """Start servers; all are stopped at the end."""
    labs: list[Lab] = []

    def make(**options: Any) -> Lab:
        lab = Lab(tmp_path_factory.mktemp("lab"), private_root=private_root, **options)
        labs.append(lab)
        lab.wait_until_up()
        return lab

    yield make
    for lab in labs:
        lab.stop()


@pytest.fixture(scope="session")
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """The server of most tests."""
    return make_lab()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh browser profile."""
    with new_page(browser) as page:
        yield page


@pytest.fixture
def notebook(lab: Lab, page: Page) -> Iterator[Opener]:
    """Open a new notebook with the given cells; its kernel is shut down afterwards."""
    opened: list[Notebook] = []

    def open_notebook(
        cells: Sequence[str],
        *,
        on: Lab = lab,
        page: Page = page,
        classic: bool = False,
        kernel: str = "python3",
        pick: str | None = None,
    ) -> Notebook:
        name = f"test{next(_numbers)}.ipynb"
        on.write_notebook(name, cells, kernel)
        opened.append(Notebook(page, on, name, classic=classic, pick=pick))
        return opened[-1]

    yield open_notebook
    for notebook in opened:
        if notebook.lab.process.poll() is None:
            notebook.shut_down()


def view_of(notebook: Notebook, index: int) -> View:
    """The live view in a cell."""
    view = View(notebook.page, notebook.view(index))
    view.wait_until_live()
    return view
