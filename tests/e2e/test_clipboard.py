"""Texts copied on one side and pasted on the other, in both directions."""

from __future__ import annotations

import pytest

from tests.e2e.cells import START
from tests.e2e.conftest import Opener, view_of
from tests.e2e.entry import Entry, entry_cell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_clipboard_both_ways(notebook: Opener) -> None:
    """What is copied in the browser is pasted in X programs, and the other way round: any text."""
    book = notebook([START, entry_cell("pasted.txt")])
    book.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    book.run(0)
    book.run(1)
    entry = Entry(book, view_of(book, 0), "pasted.txt")
    entry.paste("Grüße: 5 € 😀 Ω")
    entry.wait_for_text("Grüße: 5 € 😀 Ω")
    entry.type(" Ж")
    entry.wait_for_text("Grüße: 5 € 😀 Ω Ж")
    entry.copy()
    entry.wait_until_copied("Grüße: 5 € 😀 Ω Ж")
    book.screenshot("clipboard")
