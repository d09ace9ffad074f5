"""A program with a text field, used through a view: typed into, copied from, pasted into."""

from __future__ import annotations

from tests.e2e.cells import ENTRY
from tests.e2e.lab import Notebook, wait_for
from tests.e2e.view import View

PLACE = 200, 120
"""In the field, in pixels of the display."""

PLACE_IN_WINDOW = 160, 60
"""The same in the view of its window."""


def entry_cell(name: str) -> str:
    """Return a cell that starts the program; `name` is its file's."""
    return f"{ENTRY}!python entry.py {name} &"


class Entry:
    """The program of a notebook that has run `entry_cell`.

    Parameters
    ----------
    book
        The notebook.
    view
        What it is used through.
    name
        Its file's name.
    place
        In the field, in pixels of what the view shows.
    """

    def __init__(
        self, book: Notebook, view: View, name: str, place: tuple[int, int] = PLACE
    ) -> None:
        self.view = view
        self._file = book.lab.root / name
        self._place = place
        view.wait_for_colour(*place, (255, 255, 255))

    def text(self) -> str | None:
        """Return what is in the field; None while nothing ever was."""
        return self._file.read_text("utf-8") if self._file.exists() else None

    def wait_for_text(self, text: str) -> None:
        """Wait until that is in the field."""
        wait_for(lambda: self.text() == text, lambda: f"{self.text()!r} arrived, not {text!r}")

    def click(self) -> None:
        """Click into the field, and go to the end of its text."""
        self.view.click(*self._place)
        self.view.page.keyboard.press("End")

    def type(self, text: str) -> None:
        """Click into the field and type."""
        self.click()
        self.view.type(text)

    def paste(self, text: str) -> None:
        """Put a text into the browser's clipboard, and paste it as a user does."""
        page = self.view.page
        self.click()
        page.evaluate("text => navigator.clipboard.writeText(text)", text)
        page.keyboard.press("Control+v")

    def copy(self) -> None:
        """Copy all as a user does; Tk's fields select all with Control and slash."""
        self.click()
        self.view.page.keyboard.press("Control+/")
        self.view.page.keyboard.press("Control+c")

    def wait_until_copied(self, text: str) -> None:
        """Wait until the browser's clipboard has that text."""
        page = self.view.page
        wait_for(
            lambda: page.evaluate("() => navigator.clipboard.readText()") == text,
            "the copied text did not arrive",
        )
