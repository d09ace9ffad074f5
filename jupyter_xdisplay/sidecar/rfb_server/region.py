"""What has changed on a screen, as few large rectangles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect, bounding_box

MAX_RECTANGLES = 4
"""Viewers are fast with few large rectangles and slow with many small ones (design)."""

WASTE = 1.5
"""Two rectangles become one while that one has at most so many times their pixels."""


def area(rect: Rect) -> int:
    """Return the pixels of a rectangle."""
    return rect.width * rect.height


def intersects(one: Rect, other: Rect) -> bool:
    """Tell whether two rectangles have a pixel in common."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


class Region:
    """A set of pixels, kept as at most `MAX_RECTANGLES` rectangles that do not overlap.

    It may hold more pixels than were added, never fewer.
    """

    def __init__(self, rectangles: Iterable[Rect] = ()) -> None:
        self._rectangles: list[Rect] = []
        for rectangle in rectangles:
            self.add(rectangle)

    def __bool__(self) -> bool:
        return bool(self._rectangles)

    def __iter__(self) -> Iterator[Rect]:
        return iter(self._rectangles)

    @property
    def area(self) -> int:
        """Its pixels."""
        return sum(map(area, self._rectangles))

    def add(self, rectangle: Rect) -> None:
        """Add the pixels of a rectangle."""
        if area(rectangle) == 0:
            return
        while (near := self._to_join(rectangle)) is not None:
            self._rectangles.remove(near)
            rectangle = bounding_box((rectangle, near))
        self._rectangles.append(rectangle)
        if len(self._rectangles) > MAX_RECTANGLES:
            self._join_cheapest()

    def take(self) -> list[Rect]:
        """Return the rectangles, and be empty from then on."""
        taken, self._rectangles = self._rectangles, []
        return taken

    def clip(self, size: Size) -> None:
        """Forget what is outside a screen of that size."""
        clipped = (rectangle.clip(size) for rectangle in self._rectangles)
        self._rectangles = [rectangle for rectangle in clipped if area(rectangle)]

    def clear(self) -> None:
        """Forget everything."""
        self._rectangles.clear()

    def _to_join(self, rectangle: Rect) -> Rect | None:
        for other in self._rectangles:
            joined = area(bounding_box((rectangle, other)))
            if intersects(rectangle, other) or joined <= WASTE * (area(rectangle) + area(other)):
                return other
        return None

    def _join_cheapest(self) -> None:
        pairs = [
            (area(bounding_box((one, other))) - area(one) - area(other), one, other)
            for index, one in enumerate(self._rectangles)
            for other in self._rectangles[index + 1 :]
        ]
        _, one, other = min(pairs)
        self._rectangles.remove(one)
        self._rectangles.remove(other)
        self.add(bounding_box((one, other)))


class Resting:
    """What was sent as JPEG and waits to be sent exactly once it rests. Times in seconds.

    Each rectangle has its own time, so that something that never stops moving holds up nothing
    beside it.
    """

    def __init__(self, rest_s: float) -> None:
        self._rest_s = rest_s
        self._waiting: list[tuple[float, Rect]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, rect: Rect, now_s: float) -> None:
        """Note that `rect` was sent inexactly now."""
        self._waiting = [(t, other) for t, other in self._waiting if not _holds(rect, other)]
        self._waiting.append((now_s, rect))
        if len(self._waiting) > MAX_RECTANGLES:
            (_, first), (later_s, second) = self._waiting[:2]
            self._waiting[:2] = [(later_s, bounding_box((first, second)))]

    def due_s(self, now_s: float) -> float | None:
        """Return the seconds until something has rested; None when nothing waits."""
        if not self._waiting:
            return None
        return min(since for since, _ in self._waiting) + self._rest_s - now_s

    def take(self, now_s: float, pixels: int) -> Rect | None:
        """Take a slice of at most about so many pixels of what has rested."""
        for index, (since, rect) in enumerate(self._waiting):
            if now_s - since >= self._rest_s:
                rows = max(1, pixels // rect.width)
                if rect.height <= rows:
                    del self._waiting[index]
                    return rect
                rest = rect._replace(y=rect.y + rows, height=rect.height - rows)
                self._waiting[index] = (since, rest)
                return rect._replace(height=rows)
        return None

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()


def _holds(outer: Rect, inner: Rect) -> bool:
    return bounding_box((outer, inner)) == outer
