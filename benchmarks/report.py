"""Figures with their spread, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Return median, least and most of the repeats, and how many there were."""
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
        "repeats": len(values),
    }


def machine() -> dict[str, Any]:
    """Say what this was measured on."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def print_table(title: str, unit: str, rows: dict[str, dict[str, Any]]) -> None:
    """Print one row per figure: median (least to most)."""
    width = max(map(len, rows))
    print(f"\n{title} [{unit}]: median (min to max) of n")
    for name, row in rows.items():
        print(
            f"  {name:<{width}}  {row['median']:9.3f}  ({row['min']:.3f} to {row['max']:.3f})"
            f"  n={row['repeats']}"
        )


def write(name: str, result: dict[str, Any]) -> Path:
    """Write `results/<name>.json`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **result}, indent=2) + "\n")
    print(f"\nwritten: benchmarks/results/{path.name}")
    return path
