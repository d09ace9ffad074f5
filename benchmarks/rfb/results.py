"""The figures of a run: collected by repeat, summed up, printed, compared."""

from __future__ import annotations

import time
from typing import Any, Literal, NamedTuple

from benchmarks.report import summary
from benchmarks.rfb.at_socket import Figures

OURS = "ours"


class Ratio(NamedTuple):
    """Ours divided by a peer's, repeat by repeat."""

    measure: str
    figure: str
    peer: str


RATIOS = {
    "fps_720p_browser_vs_x11vnc_default": Ratio("browser_720p", "fps", "x11vnc default"),
    "fps_720p_browser_vs_x11vnc_tuned": Ratio("browser_720p", "fps", "x11vnc tuned"),
    "fps_720p_browser_vs_tigervnc": Ratio("browser_720p", "fps", "TigerVNC"),
    "fps_1080p_browser_vs_x11vnc_default": Ratio("browser_1080p", "fps", "x11vnc default"),
    "fps_1080p_browser_vs_tigervnc": Ratio("browser_1080p", "fps", "TigerVNC"),
    "fps_720p_socket_vs_x11vnc_default": Ratio("socket_720p", "fps", "x11vnc default"),
    "fps_720p_socket_vs_tigervnc": Ratio("socket_720p", "fps", "TigerVNC"),
    "click_p50_socket_vs_tigervnc": Ratio("socket_click", "click_p50_ms", "TigerVNC"),
    "click_p50_browser_vs_tigervnc": Ratio("browser_click", "click_p50_ms", "TigerVNC"),
    "click_small_p50_socket_vs_tigervnc": Ratio("socket_click", "click_small_p50_ms", "TigerVNC"),
    "click_small_p50_browser_vs_tigervnc": Ratio("browser_click", "click_small_p50_ms", "TigerVNC"),
    "cpu_per_frame_vs_x11vnc_tuned": Ratio("browser_720p", "cpu_ms_per_frame", "x11vnc tuned"),
    "cpu_per_frame_socket_vs_x11vnc_tuned": Ratio(
        "socket_720p", "cpu_ms_per_frame", "x11vnc tuned"
    ),
}


class Bound(NamedTuple):
    """What a figure has to reach."""

    kind: Literal["at_least", "at_most"]
    value: float

    def holds(self, found: float) -> bool:
        """Tell whether a figure does."""
        return found >= self.value if self.kind == "at_least" else found <= self.value


REQUIRED = {
    "fps_720p_browser_vs_x11vnc_default": Bound("at_least", 1.9),
    "fps_720p_browser_vs_tigervnc": Bound("at_least", 1.25),
    "click_p50_socket_vs_tigervnc": Bound("at_most", 0.4),
    "click_p50_browser_vs_tigervnc": Bound("at_most", 0.7),
    "cpu_per_frame_vs_x11vnc_tuned": Bound("at_most", 0.7),
    "lost_or_late_changes_of_1000": Bound("at_most", 0),
    "still_screen_bytes": Bound("at_most", 0),
    "still_screen_cpu_percent": Bound("at_most", 0.3),
    "slow_link_age_growth": Bound("at_most", 1.2),
}
"""Ratios, and figures of ours."""

STARVED_FPS = 57.0
"""Who draws fewer than so many of its 60 frames a second was held up: said below the table."""


class Results:
    """Figures by measure, server and repeat.

    Parameters
    ----------
    repeats
        How many there are of everything, where nothing fails.
    """

    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self._began_s = time.monotonic()
        self._found: dict[str, dict[str, dict[int, Figures]]] = {}
        self.failures: list[str] = []

    def add(self, measure: str, server: str, repeat: int, figures: Figures) -> None:
        """Take the figures of one repeat."""
        self._found.setdefault(measure, {}).setdefault(server, {})[repeat] = figures
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        elapsed = time.monotonic() - self._began_s
        print(f"{elapsed:5.0f} s  {server}, {measure}: {shown}", flush=True)

    def figures(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return measure → figure → server → median, least and most of the repeats."""
        return {
            measure: {
                figure: {
                    server: summary([figures[figure] for figures in repeats.values()])
                    for server, repeats in servers.items()
                }
                for figure in next(iter(next(iter(servers.values())).values()))
            }
            for measure, servers in self._found.items()
        }

    def ratios(self) -> dict[str, dict[str, Any]]:
        """Return each ratio: of the repeats that have both sides."""
        found = {}
        for name, (measure, figure, peer) in RATIOS.items():
            servers = self._found.get(measure, {})
            one, other = servers.get(OURS, {}), servers.get(peer, {})
            values = [
                one[repeat][figure] / other[repeat][figure]
                for repeat in one.keys() & other.keys()
                if other[repeat][figure]
            ]
            if values:
                found[name] = summary(values)
        return found

    def required(self) -> dict[str, float]:
        """Return the figures that have bounds, as far as every repeat has them."""
        found = {
            name: row["median"]
            for name, row in self.ratios().items()
            if name in REQUIRED and row["repeats"] == self._repeats
        }
        changes, still = (self._all_of_ours(name) for name in ("socket_changes", "still"))
        if changes:
            bad = sum(one["lost"] + one["late"] for one in changes)
            found["lost_or_late_changes_of_1000"] = 1000 * bad / sum(c["changes"] for c in changes)
        if still:
            found["still_screen_bytes"] = sum(one["bytes"] for one in still)
            seconds = sum(one["seconds"] for one in still)
            spent = sum(one["cpu_percent"] * one["seconds"] for one in still)
            found["still_screen_cpu_percent"] = round(spent / seconds, 4)
        slow = [
            figures["age_growth"]
            for measure, servers in self._found.items()
            if measure.startswith("slow_")
            for figures in servers.get(OURS, {}).values()
        ]
        if slow:
            found["slow_link_age_growth"] = max(slow)
        return found

    def met(self) -> dict[str, bool]:
        """Return whether each bound holds; one that was not measured does not."""
        found = self.required()
        return {
            name: name in found and bound.holds(found[name]) for name, bound in REQUIRED.items()
        }

    def _all_of_ours(self, measure: str) -> list[Figures]:
        """Return the figures of ours, none where a repeat is missing."""
        found = list(self._found.get(measure, {}).get(OURS, {}).values())
        return found if len(found) == self._repeats else []

    def starved(self) -> list[str]:
        """Say where `motion` was held up: a lower rate of frames is then not the server's alone."""
        return [
            f"{server} ({measure}): drew {row[server]['median']:.1f} frames a second of 60"
            for measure, rows in self.figures().items()
            for row in [rows.get("drawn_fps", {})]
            for server in row
            if row[server]["median"] < STARVED_FPS
        ]

    def totals(self) -> dict[str, dict[str, int]]:
        """Return what counts as a sum and not as a median: changes, and bytes of a still screen."""
        found: dict[str, dict[str, int]] = {}
        sums = {"socket_changes": ("changes", "lost", "late"), "still": ("bytes",)}
        for measure, names in sums.items():
            for server, repeats in self._found.get(measure, {}).items():
                for name in names:
                    total = sum(figures[name] for figures in repeats.values())
                    found.setdefault(f"{measure}_{name}", {})[server] = round(total)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return everything: ratios as plain numbers, and their spread beside them."""
        ratios = self.ratios()
        return {
            "figures": self.figures(),
            "totals": self.totals(),
            "ratios": {name: row["median"] for name, row in ratios.items()},
            "ratio_spread": ratios,
            "required": {name: {bound.kind: bound.value} for name, bound in REQUIRED.items()},
            "found": self.required(),
            "met": self.met(),
            "starved": self.starved(),
            "failures": self.failures,
        }

    def print_table(self) -> None:
        """Print a line for each figure, with a column for each server."""
        if not (found := self.figures()):
            print("nothing was measured")
            return
        servers = list(dict.fromkeys(s for m in self._found.values() for s in m))
        print(f"\n{'median (min to max)':<34}" + "".join(f"{name:>27}" for name in servers))
        for measure, rows in found.items():
            print(measure)
            for figure, row in rows.items():
                cells = (_cell(row.get(server)) for server in servers)
                print(f"  {figure:<32}" + "".join(f"{cell:>27}" for cell in cells))
        print("in all")
        for name, totals in self.totals().items():
            print(f"  {name:<32}" + "".join(f"{totals.get(s, ''):>27}" for s in servers))
        print("\nratios, ours to theirs")
        for name, row in self.ratios().items():
            print(f"  {name:<40}{_cell(row):>27}  n={row['repeats']}")
        self._print_required()
        for line in self.starved():
            print(f"held up: {line}")
        for failure in self.failures:
            print(f"failed: {failure}")

    def _print_required(self) -> None:
        found, met = self.required(), self.met()
        print("\nrequired")
        for name, (kind, value) in REQUIRED.items():
            if name in found:
                verdict = f"{found[name]:.4g}: {'met' if met[name] else 'NOT MET'}"
            else:
                verdict = "not measured"
            print(f"  {name:<40}{kind.replace('_', ' '):>9} {value:<5}  {verdict}")


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    median, least, most = (_number(row[key], row["median"]) for key in ("median", "min", "max"))
    return f"{median} ({least} to {most})"


def _number(value: float, median: float) -> str:
    """Write a number as short as its row's median allows."""
    if median >= 10_000:
        return f"{value / 1000:.1f}k"
    return f"{value:.{0 if median >= 1000 else 2}f}"
