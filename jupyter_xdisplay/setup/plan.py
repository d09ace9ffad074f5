"""Facts → which packages, by which commands, and who has to run them. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_xdisplay.setup.parts import Manager, Part
    from jupyter_xdisplay.setup.probe import Facts

SYSTEM_MANAGERS: tuple[Manager, ...] = ("apt", "dnf", "apk", "zypper")

_NONINTERACTIVE = ("env", "DEBIAN_FRONTEND=noninteractive")
_IN_EPEL = frozenset({"x11vnc", "openbox"})
"""Packages that Red Hat's kin have in the EPEL repository only."""


@dataclass(frozen=True)
class Command:
    """A command line: `argv`, followed by the names of packages where it installs some."""

    argv: tuple[str, ...]
    packages: tuple[str, ...] = ()

    @property
    def full(self) -> tuple[str, ...]:
        """The whole command line."""
        return (*self.argv, *self.packages)

    def __str__(self) -> str:
        return shlex.join(self.full)

    def one_by_one(self) -> list[Command]:
        """Return one command for each package: one unknown name fails all others beside it."""
        return [replace(self, packages=(package,)) for package in self.packages]


@dataclass(frozen=True)
class Plan:
    """What to do about the missing parts.

    `commands` are those that this user can run; `administrator` those that only root can;
    `without_package` are the parts for which no package is known here.
    """

    missing: tuple[Part, ...] = ()
    manager: Manager | None = None
    commands: tuple[Command, ...] = ()
    administrator: tuple[Command, ...] = ()
    without_package: tuple[Part, ...] = ()


def make_plan(facts: Facts) -> Plan:
    """Return the commands that bring what is missing.

    A system's package manager is used as root or through a sudo that asks no password. Conda is
    used only where that cannot be, for what conda-forge has; the rest stays for an administrator.
    """
    if not facts.missing:
        return Plan()
    system = next((name for name in SYSTEM_MANAGERS if name in facts.managers), None)
    if system and (facts.root or facts.sudo):
        return _with_system(facts, system)
    if facts.conda_prefix and "conda" in facts.managers:
        return _with_conda(facts, system)
    return Plan(
        missing=facts.missing,
        administrator=_for_administrator(facts, system, facts.missing),
        without_package=() if system else facts.missing,
    )


def packages_for(parts: Iterable[Part], manager: Manager) -> tuple[str, ...]:
    """Return the packages of these parts, each once, in their order."""
    return tuple(dict.fromkeys(name for part in parts for name in part.packages.of(manager)))


def _with_system(facts: Facts, manager: Manager) -> Plan:
    commands = _system_commands(facts, manager, facts.missing)
    if not facts.root:
        commands = tuple(replace(item, argv=("sudo", "-n", *item.argv)) for item in commands)
    return Plan(missing=facts.missing, manager=manager, commands=commands)


def _with_conda(facts: Facts, system: Manager | None) -> Plan:
    there = [part for part in facts.missing if part.packages.conda]
    rest = tuple(part for part in facts.missing if not part.packages.conda)
    packages = packages_for(there, "conda")
    install = (
        facts.managers["conda"], "install", "--yes", "--prefix", facts.conda_prefix or "",
        "--channel", "conda-forge",
    )  # fmt: skip
    return Plan(
        missing=facts.missing,
        manager="conda",
        commands=(Command(install, packages),) if packages else (),
        administrator=_for_administrator(facts, system, rest),
        without_package=rest if system is None else (),
    )


def _for_administrator(
    facts: Facts, system: Manager | None, parts: tuple[Part, ...]
) -> tuple[Command, ...]:
    """Return the commands with fresh lists: an administrator runs them elsewhere or later."""
    if system is None or not parts:
        return ()
    return _system_commands(replace(facts, lists_fresh=False), system, parts)


def _system_commands(facts: Facts, manager: Manager, parts: Iterable[Part]) -> tuple[Command, ...]:
    packages = packages_for(parts, manager)
    program = facts.managers[manager]
    install: tuple[str, ...]
    if manager == "apt":
        update = () if facts.lists_fresh else (Command((program, "update")),)
        install = (*_NONINTERACTIVE, program, "install", "--yes", "--no-install-recommends")
        return (*update, Command(install, packages))
    if manager == "dnf":
        install = (program, "install", "-y", "--setopt=install_weak_deps=0")
        epel = _needs_epel(facts.distribution, packages)
        first = (Command((program, "install", "-y"), ("epel-release",)),) if epel else ()
        return (*first, Command(install, packages))
    if manager == "apk":
        return (Command((program, "add", "--no-cache"), packages),)
    install = (program, "--non-interactive", "install", "--no-recommends")
    return (Command(install, packages),)


def _needs_epel(distribution: tuple[str, ...], packages: tuple[str, ...]) -> bool:
    kin = "rhel" in distribution and distribution[:1] != ("fedora",)
    return kin and not _IN_EPEL.isdisjoint(packages)
