"""GPUs for containers: what the toolkit and the engine say of them, judged."""

from __future__ import annotations

import pytest

from jupyter_xdisplay.doctor.container_gpus import (
    GpuFacts,
    judge,
    parse_capabilities,
    parse_version,
)


@pytest.mark.parametrize(
    ("facts", "status", "told", "fix"),
    [
        (GpuFacts(present=False), None, "", ""),
        (GpuFacts(), "note", "is not: containers get none", "install nvidia-container-toolkit"),
        (GpuFacts(toolkit="1.17.4"), "note", "does not know it", "sudo nvidia-ctk runtime"),
        (GpuFacts(toolkit="1.17.4", rootless=True), "note", "know it", "systemctl --user"),
        (GpuFacts(toolkit="1.17.4", runtime=True), "ok", "runtime nvidia", ""),
        (GpuFacts(cdi=True), "ok", "CDI devices", ""),
        (GpuFacts(toolkit="1.9.0", runtime=True), "note", "driver's files for Xorg", "install"),
        (GpuFacts(cdi=True, podman=True), "ok", "podman has CDI devices", ""),
        (GpuFacts(podman=True), "note", "is not: containers get none", "cdi generate"),
        (GpuFacts(toolkit="1.17.4", podman=True), "note", "not described", "cdi generate"),
        (GpuFacts(runtime=True, api=(1, 39)), "note", "too old", "19.03"),
        (
            GpuFacts(toolkit="1.17.4", runtime=True, capabilities=("compute", "graphics")),
            "note",
            "withholds display",
            "supported-driver-capabilities",
        ),
        (GpuFacts(toolkit="1.17.4", runtime=True, capabilities=("all",)), "ok", "1.17.4", ""),
    ],
)
def test_gpus(facts: GpuFacts, status: str | None, told: str, fix: str) -> None:
    """What containers get of them, and what lets them have it."""
    checks = judge(facts)
    assert [check.status for check in checks] == ([status] if status else [])
    for check in checks:
        assert told in check.detail
        assert fix in (check.fix or "")


def test_what_the_toolkit_says() -> None:
    """Versions of both programs, and the list in its configuration; a comment is none."""
    assert parse_version("NVIDIA Container Toolkit CLI version 1.17.4\ncommit: 9b69590") == "1.17.4"
    assert parse_version("cli-version: 1.9.0\nlib-version: 1.9.0") == "1.9.0"
    assert parse_version("command not found") == ""
    text = 'disable-require = false\nsupported-driver-capabilities = "compute, utility"\n'
    assert parse_capabilities(text) == ("compute", "utility")
    assert parse_capabilities('#supported-driver-capabilities = "compute"') == ()
