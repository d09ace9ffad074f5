"""Facts → commands, for every package manager."""

from __future__ import annotations

import subprocess

import pytest

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.setup.command import describe
from jupyter_xdisplay.setup.parts import MANAGERS, PARTS, parts_with
from jupyter_xdisplay.setup.plan import Command, make_plan, packages_for
from jupyter_xdisplay.setup.probe import APT_LISTS, Facts

BY_NAME = {part.name: part for part in PARTS}
XVFB, X11VNC, OPENBOX = BY_NAME["Xvfb"], BY_NAME["x11vnc"], BY_NAME["openbox"]


def lines(commands):
    """Return command lines as text."""
    return [str(command) for command in commands]


def test_nothing_missing():
    """Where nothing is missing there is nothing to run, and it is said."""
    plan = make_plan(Facts(missing=(), managers={"apt": "apt-get"}, root=True))
    assert not plan.commands
    assert not plan.administrator
    assert describe(plan).startswith("Nothing is missing")


@pytest.mark.parametrize(
    ("managers", "expected"),
    [
        (
            {"apt": "apt-get"},
            [("env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "
             "xvfb x11vnc")],
        ),
        (
            {"dnf": "dnf"},
            ["dnf install -y --setopt=install_weak_deps=0 xorg-x11-server-Xvfb x11vnc"],
        ),
        (
            {"dnf": "microdnf"},
            ["microdnf install -y --setopt=install_weak_deps=0 xorg-x11-server-Xvfb x11vnc"],
        ),
        ({"apk": "apk"}, ["apk add --no-cache xvfb x11vnc"]),
        (
            {"zypper": "zypper"},
            ["zypper --non-interactive install --no-recommends xorg-x11-server-Xvfb x11vnc"],
        ),
    ],
    ids=["apt", "dnf", "microdnf", "apk", "zypper"],
)  # fmt: skip
def test_system_managers_as_root(managers, expected):
    """Each system manager installs the missing packages only, and asks nothing itself."""
    plan = make_plan(Facts(missing=(XVFB, X11VNC), managers=managers, root=True))
    assert lines(plan.commands) == expected
    assert not plan.administrator
    assert plan.manager in managers


def test_stale_lists_are_fetched_first():
    """Empty or old lists of apt are fetched before the installation."""
    facts = Facts((XVFB,), {"apt": "apt-get"}, root=True, lists_fresh=False)
    assert lines(make_plan(facts).commands)[0] == "apt-get update"


def test_epel_first_on_red_hats_kin():
    """x11vnc and openbox are in EPEL there; Fedora has them itself."""
    rocky = Facts((XVFB, OPENBOX), {"dnf": "dnf"}, True, distribution=("rocky", "rhel", "centos"))
    assert lines(make_plan(rocky).commands)[0] == "dnf install -y epel-release"
    fedora = Facts((XVFB, OPENBOX), {"dnf": "dnf"}, True, distribution=("fedora",))
    assert len(make_plan(fedora).commands) == 1
    without = Facts((XVFB,), {"dnf": "dnf"}, True, distribution=("rocky", "rhel"))
    assert len(make_plan(without).commands) == 1


def test_sudo_without_a_password():
    """Without root, but with a sudo that asks nothing, every command goes through it."""
    facts = Facts((XVFB,), {"apt": "apt-get"}, root=False, sudo=True, lists_fresh=False)
    plan = make_plan(facts)
    assert lines(plan.commands) == [
        "sudo -n apt-get update",
        (
            "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install --yes "
            "--no-install-recommends xvfb"
        ),
    ]


def test_without_root_an_administrator_is_told():
    """Without root and sudo nothing is run: the exact commands are shown for root."""
    plan = make_plan(Facts((XVFB, X11VNC), {"apt": "apt-get"}, root=False))
    assert not plan.commands
    assert lines(plan.administrator) == [
        "apt-get update",
        (
            "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "
            "xvfb x11vnc"
        ),
    ]
    text = describe(plan)
    assert "An administrator has to run, as root" in text
    assert all(line in text for line in lines(plan.administrator))


def test_conda_only_without_root():
    """Conda gives what conda-forge has; the rest is named for an administrator."""
    managers = {"apt": "apt-get", "conda": "mamba"}
    facts = Facts((XVFB, X11VNC), managers, root=False, conda_prefix="/opt/conda")
    plan = make_plan(facts)
    assert lines(plan.commands) == [
        "mamba install --yes --prefix /opt/conda --channel conda-forge xorg-xvfb-server"
    ]
    assert "x11vnc" in lines(plan.administrator)[-1]
    assert "xvfb" not in lines(plan.administrator)[-1]
    as_root = make_plan(Facts((XVFB, X11VNC), managers, root=True, conda_prefix="/opt/conda"))
    assert as_root.manager == "apt"


def test_conda_without_a_system_manager():
    """What conda-forge lacks is named where no system manager is known."""
    facts = Facts((XVFB, X11VNC), {"conda": "conda"}, root=True, conda_prefix="/opt/conda")
    plan = make_plan(facts)
    assert plan.manager == "conda"
    assert plan.without_package == (X11VNC,)
    assert "x11vnc" in describe(plan).splitlines()[-2]


def test_conda_needs_an_environment():
    """A conda on PATH is not used for a Python that is not conda's."""
    plan = make_plan(Facts((XVFB,), {"conda": "conda"}, root=False, conda_prefix=None))
    assert not plan.commands
    assert plan.without_package == (XVFB,)


def test_no_manager():
    """Without any known manager that is said, and nothing is run."""
    plan = make_plan(Facts((XVFB,), {}, root=True))
    assert not plan.commands
    assert "Known ones: apt, dnf, apk, zypper and conda" in describe(plan)


@pytest.mark.parametrize("manager", [name for name in MANAGERS if name != "conda"])
def test_every_part_has_a_package(manager):
    """Every system manager has a package for every part, none named twice."""
    assert all(part.packages.of(manager) for part in PARTS)
    names = packages_for(PARTS, manager)
    assert len(names) == len(set(names))


def test_every_part_can_be_probed():
    """Every part says how it is recognized and what it is for."""
    for part in PARTS:
        assert part.why
        ways = (part.programs, part.libraries, part.files, part.fonts)
        assert sum(map(bool, ways)) == 1, part.name


def test_parts_of_one_use_share_a_line():
    """The many libraries of Qt are one line; what is required is marked."""
    text = describe(make_plan(Facts(PARTS, {"apt": "apt-get"}, root=True)))
    assert sum("Qt windows (the xcb plugin)" in line for line in text.splitlines()) == 1
    assert "(required)" in next(line for line in text.splitlines() if "openbox " in line)
    assert "(required)" not in next(line for line in text.splitlines() if "x11vnc " in line)


def test_optional_parts_are_left_out_unless_they_are_named():
    """x11vnc is needed only where it is chosen; unknown names are refused with the known ones."""
    assert X11VNC not in parts_with()
    assert XVFB in parts_with()
    assert set(parts_with(["x11vnc"])) == set(PARTS)
    with pytest.raises(UsageError) as caught:
        parts_with(["x11vnc", "vnc"])
    assert "'vnc'" in caught.value.message
    assert "x11vnc" in str(caught.value.fix)


def test_one_by_one():
    """A command is taken apart by package, its options kept."""
    command = Command(("apk", "add", "--no-cache"), ("xvfb", "x11vnc"))
    assert lines(command.one_by_one()) == [
        "apk add --no-cache xvfb",
        "apk add --no-cache x11vnc",
    ]


@pytest.mark.skipif(not list(APT_LISTS.glob("*_Packages*")), reason="apt has no lists here")
def test_apt_knows_the_packages():
    """The real apt takes the command of the plan for everything (simulated)."""
    plan = make_plan(Facts(PARTS, {"apt": "apt-get"}, root=True))
    result = subprocess.run(
        [*plan.commands[-1].full, "--simulate"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
