"""The figures of a run: collected by repeat, summed up, printed, compared."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.report import summary
from benchmarks.rfb.at_socket import Figures

OURS = "ours"


class Ratio(NamedTuple):
    """Ours divided by a peer's."""

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


class Results:
    """Figures by measure, server and repeat."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, dict[int, Figures]]] = {}
        self.failures: list[str] = []

    def add(self, measure: str, server: str, repeat: int, figures: Figures) -> None:
        """Take the figures of one repeat."""
        self._found.setdefault(measure, {}).setdefault(server, {})[repeat] = figures
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"   {server}, {measure}: {shown}", flush=True)

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
        """Return everything."""
        return {
            "figures": self.figures(),
            "totals": self.totals(),
            "ratios": self.ratios(),
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
        for failure in self.failures:
            print(f"failed: {failure}")


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    digits = 0 if row["median"] >= 1000 else 2
    median, least, most = (f"{row[key]:.{digits}f}" for key in ("median", "min", "max"))
    return f"{median} ({least} to {most})"
