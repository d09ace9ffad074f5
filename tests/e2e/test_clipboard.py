"""Texts copied on one side and pasted on the other, in both directions."""

from __future__ import annotations

import pytest

from tests.e2e.cells import START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import Entry, entry_cell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TEXTS = "Grüße: 5 € 😀 Ω", "second: Ж"


def open_entry(notebook: Opener, name: str) -> Entry:
    """Open a notebook whose page may use the clipboard, with a text field."""
    book = notebook([START, entry_cell(name)])
    book.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    book.run(0)
    book.run(1)
    return Entry(book, view_of(book, 0), name)


def test_browser_to_display(notebook: Opener) -> None:
    """Pasting into an X program gives the text that was copied in the browser last, at once."""
    entry = open_entry(notebook, "pasted.txt")
    entry.paste(TEXTS[0])
    entry.wait_for_text(TEXTS[0])
    entry.paste(TEXTS[1])
    entry.wait_for_text("".join(TEXTS))


def test_display_to_browser(notebook: Opener) -> None:
    """What is copied in an X program is in the browser's clipboard."""
    entry = open_entry(notebook, "copied.txt")
    entry.type("Größe € Ж")
    entry.wait_for_text("Größe € Ж")
    entry.copy()
    entry.wait_until_copied("Größe € Ж")
