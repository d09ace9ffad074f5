"""Texts copied on one side and pasted on the other, in both directions, in both kinds of views."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.cells import START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import PLACE_IN_WINDOW, Entry, entry_cell
from tests.e2e.test_inline import START as START_INLINE
from tests.e2e.test_inline import window_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TEXTS = "Grüße: 5 € 😀 Ω", "second: Ж"


@pytest.fixture(params=["desktop", "window"])
def open_entry(request: pytest.FixtureRequest, notebook: Opener) -> Callable[[str], Entry]:
    """Open a notebook whose page may use the clipboard, with a text field: on a view of either."""

    def open_it(name: str) -> Entry:
        whole = request.param == "desktop"
        book = notebook([START if whole else START_INLINE, entry_cell(name)])
        book.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        book.run(0)
        book.run(1)
        if whole:
            return Entry(book, view_of(book, 0), name)
        return Entry(book, window_of(book, 1), name, PLACE_IN_WINDOW)

    return open_it


def test_browser_to_display(open_entry: Callable[[str], Entry]) -> None:
    """Pasting into an X program gives the text that was copied in the browser last, at once."""
    entry = open_entry("pasted.txt")
    entry.paste(TEXTS[0])
    entry.wait_for_text(TEXTS[0])
    entry.paste(TEXTS[1])
    entry.wait_for_text("".join(TEXTS))


def test_display_to_browser(open_entry: Callable[[str], Entry]) -> None:
    """What is copied in an X program is in the browser's clipboard."""
    entry = open_entry("copied.txt")
    entry.type("Größe € Ж")
    entry.wait_for_text("Größe € Ж")
    entry.copy()
    entry.wait_until_copied("Größe € Ж")
