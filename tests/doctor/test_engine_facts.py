"""What an engine says of itself, judged."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_xdisplay.containers.address import Address
from jupyter_xdisplay.doctor import engine_facts

DOCKER = {
    "Version": "27.5.1",
    "ApiVersion": "1.47",
    "Components": [{"Name": "Engine", "Version": "27.5.1"}],
}
PODMAN = {
    "Version": "4.3.1",
    "ApiVersion": "1.41",
    "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}],
}
ROOTLESS = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}
HERE = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("info", "version", "where", "status", "told"),
    [
        ({}, DOCKER, HERE, "ok", "Docker 27.5.1, at unix:///var/run/docker.sock (a context)"),
        (ROOTLESS, PODMAN, HERE, "ok", "podman 4.3.1, rootless"),
        ({}, {"Version": "1.13.1", "ApiVersion": "1.26"}, HERE, "problem", "need 1.32"),
        ({}, {}, HERE, "problem", "of unknown version"),
        ({"OSType": "windows"}, DOCKER, HERE, "problem", "windows containers"),
        ({"OSType": "linux"}, DOCKER, "ssh://build", "note", "another machine"),
        ({"OSType": "linux"}, DOCKER, "tcp://localhost:2376", "ok", "localhost"),
    ],
)
def test_which_engine(
    info: dict[str, Any], version: dict[str, Any], where: str, status: str, told: str
) -> None:
    """Its name, its version, whose it is; what cannot hold a display is told."""
    check = engine_facts.engine_check(info, version, Address(where, "a context"))
    assert check.status == status
    assert told in check.detail
    assert (check.fix is None) == (status == "ok")


def test_an_open_port_beside_the_socket() -> None:
    """The engine's own warning is a problem, and told once."""
    warnings = [
        "WARNING: No swap limit support",
        (
            "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n  Access to "
            "the remote API is equivalent to root access on the host."
        ),
    ]
    (check,) = engine_facts.open_port_checks({"Warnings": warnings}, "")
    assert check.status == "problem"
    assert "http://0.0.0.0:2375 unprotected" in check.detail
    assert not engine_facts.open_port_checks({"Warnings": warnings}, "tcp://localhost:2375")
    assert not engine_facts.open_port_checks({"Warnings": None}, "")


def test_limits() -> None:
    """What cannot be limited is named; a field that an engine does not have says nothing."""
    (check,) = engine_facts.limit_checks({"MemoryLimit": True})
    assert check.status == "ok"
    (check,) = engine_facts.limit_checks({"MemoryLimit": False, "PidsLimit": False})
    assert check.status == "note"
    assert "memory and processes" in check.detail
    assert "cgroup_enable=memory" in (check.fix or "")
    (check,) = engine_facts.limit_checks({"CpuCfsQuota": False, **ROOTLESS})
    assert "delegated" in (check.fix or "")
    (check,) = engine_facts.limit_checks({"NCPU": 1}, 2.0)
    assert "the limit of 2 processors is not reached" in check.detail


def test_user_namespaces() -> None:
    """Whose the files are that kernels write."""
    plain = {"SecurityOptions": ["name=seccomp,profile=default"], "DockerRootDir": "/var/lib/d"}
    assert engine_facts.user_checks(plain) == []
    assert engine_facts.user_checks({"SecurityOptions": None}) == []
    remapped = {"SecurityOptions": ["name=seccomp,profile=default", "name=userns"]}
    for info, told in ((remapped, "--userns=host"), (ROOTLESS, "which is this user")):
        (check,) = engine_facts.user_checks(info)
        assert check.status == "ok"
        assert told in check.detail


PROXY = {"https_proxy": "http://me:secret@proxy:3128"}


@pytest.mark.parametrize(
    ("info", "variables", "told", "fix"),
    [
        ({}, {}, None, ""),
        ({"HttpProxy": "http://proxy:3128"}, {}, None, ""),
        ({"HttpsProxy": ""}, PROXY, "the engine has none", "daemon.json"),
        ({"HttpsProxy": "http://proxy:3128"}, PROXY, "pulls pass", "--proxy URL"),
        ({}, {"HTTP_PROXY": "http://127.0.0.1:3128"}, "the engine has none", "--network host"),
    ],
)
def test_proxies(
    info: dict[str, Any], variables: dict[str, str], told: str | None, fix: str
) -> None:
    """The engine's is compared with this environment's; no password is shown."""
    checks = engine_facts.proxy_checks(info, variables)
    assert len(checks) == (told is not None)
    for check in checks:
        assert check.status == "note"
        assert told is not None
        assert told in check.detail
        assert fix in (check.fix or "")
        assert "secret" not in f"{check.detail} {check.fix}"


def test_certificates() -> None:
    """What this environment trusts, builds do not."""
    assert engine_facts.certificate_checks({"SSL_CERT_FILE": ""}) == []
    (check,) = engine_facts.certificate_checks({"SSL_CERT_FILE": "/corp.pem"})
    assert check.fix == "jupyter xdisplay image build --ca-bundle /corp.pem"
