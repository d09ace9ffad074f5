"""A display's view on a page, looked at and used as a person does: pixels, mouse, keys."""

from __future__ import annotations

import base64
import io

from PIL import Image, ImageChops
from playwright.sync_api import CDPSession, Locator, Page

from tests.e2e.lab import Lab, wait_for

Colour = tuple[int, int, int]


class View:
    """The view in one cell.

    Parameters
    ----------
    page
        The browser's page.
    locator
        The view's element.
    """

    def __init__(self, page: Page, locator: Locator) -> None:
        self.page = page
        self.host = locator
        self.canvas = locator.locator("canvas").first
        self._keys: CDPSession | None = None

    def attribute(self, name: str) -> str | None:
        """One of the view's `data-xdisplay-*` attributes."""
        return self.host.get_attribute(f"data-xdisplay-{name}")

    def wait_for_state(self, state: str, timeout_s: float = 30.0) -> None:
        """Wait until the view says that it is in `state`."""
        wait_for(
            lambda: self.attribute("state") == state,
            f"the view is not {state} but {self.attribute('state')}: {self.words()}",
            timeout_s,
        )

    def wait_until_live(self) -> None:
        """Wait for the first picture."""
        self.wait_for_state("connected")
        wait_for(lambda: self.attribute("frame") == "live", "no picture came")

    def words(self) -> str:
        """All text that the view shows."""
        words: str = self.host.evaluate(
            "host => [...host.shadowRoot.querySelectorAll(':host > :not(style)')]"
            ".map((part) => part.textContent).join(' ')"
        )
        return words

    @property
    def size(self) -> tuple[int, int]:
        """The display's size in pixels, as the view knows it."""
        width, height = (self.attribute("size") or "0x0").split("x")
        return int(width), int(height)

    def image(self) -> Image.Image:
        """What a person sees of the display, scaled back to its own size in pixels."""
        self.host.scroll_into_view_if_needed()
        picture = Image.open(io.BytesIO(self.canvas.screenshot())).convert("RGB")
        return picture.resize(self.size)

    def pixels(self) -> Image.Image:
        """The canvas itself, in the display's own pixels."""
        address = self.canvas.evaluate("canvas => canvas.toDataURL('image/png')")
        data = base64.b64decode(address.partition(",")[2])
        return Image.open(io.BytesIO(data)).convert("RGB")

    def colour(self, x: int, y: int) -> Colour:
        """The colour seen at a place of the display."""
        pixel = self.image().getpixel((x, y))
        assert isinstance(pixel, tuple)
        return pixel[:3]

    def wait_for_colour(self, x: int, y: int, colour: Colour, tolerance: int = 40) -> None:
        """Wait until about that colour is seen there."""
        seen: list[Colour] = []

        def there() -> bool:
            seen.append(self.colour(x, y))
            return all(abs(a - b) <= tolerance for a, b in zip(seen[-1], colour, strict=True))

        wait_for(there, f"{colour} was not seen at {x},{y}")

    def wait_for_change(self, before: Image.Image, message: str, timeout_s: float = 30.0) -> None:
        """Wait until the picture differs plainly from `before`."""
        wait_for(lambda: differs(before, self.image()), message, timeout_s)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page a place of the display is."""
        self.host.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        assert box is not None
        width, height = self.size
        return box["x"] + x * box["width"] / width, box["y"] + y * box["height"] / height

    def move(self, x: float, y: float) -> None:
        """Move the mouse there."""
        self.page.mouse.move(*self.place(x, y), steps=3)

    def click(self, x: float, y: float) -> None:
        """Click there."""
        self.move(x, y)
        self.page.mouse.click(*self.place(x, y), delay=40)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at `start`, move to `end`, release."""
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=8)
        self.page.mouse.up()

    def type(self, text: str) -> None:
        """Press one key per character, with its own `key`, as national keyboards do.

        Playwright's own `type` inserts what is not on a US keyboard without any key event.
        """
        if self._keys is None:
            self._keys = self.page.context.new_cdp_session(self.page)
        for character in text:
            for kind in ("keyDown", "keyUp"):
                self._keys.send(
                    "Input.dispatchKeyEvent",
                    {
                        "type": kind,
                        "key": character,
                        **({"text": character} if kind == "keyDown" else {}),
                    },
                )
            self.page.wait_for_timeout(40)


def differs(first: Image.Image, second: Image.Image, pixels: int = 200) -> bool:
    """Tell whether at least so many pixels differ plainly."""
    if first.size != second.size:
        return True
    difference = ImageChops.difference(first, second).convert("L").point(lambda v: v > 40 and 255)
    return sum(difference.histogram()[1:]) >= pixels


def windows_of(lab: Lab, kernel_id: str | None = None) -> dict[str, dict[str, int]]:
    """The windows of a kernel's running displays, by title."""
    return {
        window["title"]: window
        for info in lab.displays()
        if info["state"] == "running" and kernel_id in {None, info["kernel_id"]}
        for window in info["windows"]
    }


def wait_for_window(lab: Lab, title: str, kernel_id: str | None = None) -> dict[str, int]:
    """Wait until a window of that title is on a display."""
    return wait_for(
        lambda: windows_of(lab, kernel_id).get(title), f"no window {title!r}: {windows_of(lab)}"
    )
