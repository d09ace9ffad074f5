"""Displays in words: the line of `%xdisplay`, and the tables of `status` and `list`."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from jupyter_xdisplay.spec import NOTEBOOK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_xdisplay.spec import DisplayInfo, ViewerInfo, WindowInfo


def line(info: DisplayInfo, *, keeper: str) -> str:
    """Return one line: name, display, size, what runs, who keeps it."""
    parts = [f"Display {info.name!r} on {info.display}", str(info.size)]
    programs = [
        short(info.chosen[key]) for key in ("xserver", "renderer", "stream") if key in info.chosen
    ]
    if programs:
        parts.append(" + ".join(programs))
    parts.append(f"kept by {keeper}")
    if info.state != "running":
        parts.append(info.state)
    return " · ".join(parts)


def for_container(info: DisplayInfo) -> str:
    """Say how programs of another container get onto its display."""
    return (
        f"This display is for programs of container {info.container}: docker exec "
        f"--env DISPLAY={info.display} --env XAUTHORITY={info.xauthority} {info.container} PROGRAM"
    )


def replaced(former: DisplayInfo) -> list[str]:
    """Return why a display had ended in whose place there is a new one."""
    reason = former.reason or "nobody knows why."
    return [
        f"The former display {former.name!r} ({former.display}) had ended: {reason}",
        "A new one was started.",
        *([former.notice] if former.notice else []),
        *(f"    {line}" for line in former.log[-5:]),
    ]


def short(chosen: str) -> str:
    """Return what was chosen, without the reason."""
    return chosen.split(":", 1)[0].strip()


class Table:
    """Rows of cells that show well as text and as HTML.

    Parameters
    ----------
    rows
        The cells of each row; a cell may have several lines.
    header
        The titles of the columns, or None.
    """

    def __init__(self, rows: Sequence[Sequence[str]], header: Sequence[str] | None = None) -> None:
        self.rows = [tuple(row) for row in rows]
        self.header = tuple(header) if header else None

    def __repr__(self) -> str:
        rows = ([self.header] if self.header else []) + self.rows
        if not rows:
            return ""
        widths = [
            max(len(first) for cell in column for first in cell.split("\n"))
            for column in zip(*rows, strict=True)
        ]
        return "\n".join(text for row in rows for text in _row_lines(row, widths))

    def _repr_html_(self) -> str:
        style = "text-align:left;vertical-align:top;white-space:pre-wrap"

        def row(cells: Sequence[str], tag: str) -> str:
            inner = "".join(f'<{tag} style="{style}">{html.escape(c)}</{tag}>' for c in cells)
            return f"<tr>{inner}</tr>"

        head = f"<thead>{row(self.header, 'th')}</thead>" if self.header else ""
        body = "".join(row(cells, "td") for cells in self.rows)
        return f"<table>{head}<tbody>{body}</tbody></table>"


def _row_lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [cell.split("\n") for cell in row]
    height = max(len(cell) for cell in cells)
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [
        "  ".join(text.ljust(width) for text, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip(*padded, strict=True)
    ]


def overview(infos: Sequence[DisplayInfo], current: str | None) -> Table:
    """Return one row for each display; `current` is the id of the one that DISPLAY points to."""
    rows = [
        (
            ("* " if info.id == current else "  ") + info.name,
            info.display,
            str(info.size),
            info.state if info.state != "ended" else f"ended: {info.reason or ''}",
            str(len(info.windows)),
            str(info.viewers),
        )
        for info in infos
    ]
    return Table(rows, ("  name", "DISPLAY", "size", "state", "windows", "viewers"))


def status(
    info: DisplayInfo, extra: Sequence[tuple[str, str]], viewers: Sequence[ViewerInfo] = ()
) -> Table:
    """Return everything that is known about a display, and `extra` rows about this process."""
    rows = [
        ("display", f"{info.name!r} on {info.display}"),
        ("state", info.state),
        ("size", f"{info.size} (at most {info.max_size}), {info.dpi} dpi, {info.depth} bits"),
    ]
    if info.kernel_id:
        rows.append(("kernel", info.kernel_id))
    rows += [(key.replace("_", " "), value) for key, value in info.chosen.items()]
    rows += [
        ("since", info.created),
        ("viewers", "\n".join([str(info.viewers), *_viewer_lines(info, viewers)])),
        ("VNC port", _vnc_text(info)),
        ("windows", "\n".join(map(_window_line, info.windows)) or "none"),
        ("XAUTHORITY", info.xauthority),
    ]
    rows += [("notice", info.notice)] if info.notice else []
    rows += [("reason", info.reason)] if info.reason else []
    rows += [("to mend it", info.fix)] if info.fix else []
    rows += [("log", "\n".join(info.log))] if info.log else []
    return Table([row for row in [*rows, *extra] if row[1]])


def _viewer_lines(info: DisplayInfo, viewers: Sequence[ViewerInfo]) -> list[str]:
    lines = [viewer_line(viewer) for viewer in viewers]
    if info.viewers > len(viewers) and info.chosen.get("stream", "").startswith("x11vnc"):
        lines.append("x11vnc tells nothing of its viewers")
    return lines


def viewer_line(viewer: ViewerInfo) -> str:
    """Return what one viewer gets, in one line."""
    parts = [f"{viewer.frames_per_s:.1f} frames/s", f"{_bytes_text(viewer.bytes_per_s)}/s"]
    if viewer.round_trip_s is not None:
        parts.append(f"round trip {viewer.round_trip_s * 1000:.0f} ms")
    parts += filter(None, [viewer.encoder, viewer.pixel_format])
    if viewer.view_only:
        parts.append("view only")
    if viewer.capture:
        parts.append(f"captured by {viewer.capture}")
    text = ", ".join(parts)
    return text if viewer.origin == NOTEBOOK else f"{viewer.origin}: {text}"


def _bytes_text(count: float) -> str:
    """Return a number of bytes with its unit, of the SI."""
    if count < 1000:
        return f"{count:.0f} B"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def _vnc_text(info: DisplayInfo) -> str:
    if info.vnc is None:
        return ""
    return f"{info.vnc}{', view only' if info.vnc.view_only else ''}, with a password"


def _window_line(window: WindowInfo) -> str:
    place = f"{window.width}x{window.height}+{window.x}+{window.y}"
    pid = f", pid {window.pid}" if window.pid else ""
    busy = ", not responding" if window.responding is False else ""
    return f"{window.title or '(no title)'} [{window.wm_class}] {place}{pid}{busy}"
