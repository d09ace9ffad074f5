"""Benchmarks: `make bench` runs them all, prints tables, writes `results/<name>.json`."""
