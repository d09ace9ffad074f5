"""`%xdisplay vnc` and `--stream`, in a kernel."""

from __future__ import annotations

import re

import pytest

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.kernel.vnc import describe, read_port, tunnel
from jupyter_xdisplay.spec import VncAccess, VncPort
from tests.kernel.kernel_process import KernelProcess
from tests.sidecar.vnc_viewer import PortViewer, is_taken
from tests.waiting import wait_until

LOCAL = VncAccess("127.0.0.1", 5901, password="sesame12")


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("127.0.0.1", "localhost:5901"),
        ("0.0.0.0", "localhost:5901"),
        ("::", "localhost:5901"),
        ("127.0.0.2", "127.0.0.2:5901"),
        ("192.168.1.5", "192.168.1.5:5901"),
        ("::1", "[::1]:5901"),
    ],
)
def test_the_tunnel_leads_to_the_port(address: str, target: str) -> None:
    """The line names what listens, as seen from this machine."""
    line = tunnel(VncAccess(address, 5901))
    assert re.fullmatch(rf"ssh -L 5901:{re.escape(target)} \S+@\S+", line), line


def test_what_is_told_of_a_port() -> None:
    """Address, password, tunnel, how to close it; for others' eyes a warning; no more words."""
    text = describe(LOCAL, show_password=True)
    for part in ("127.0.0.1:5901", "sesame12", "ssh -L", "%xdisplay vnc --stop"):
        assert part in text
    assert "not encrypted" not in text
    assert "sesame12" not in describe(LOCAL, show_password=False)
    open_to_all = VncAccess("0.0.0.0", 5901, True, "sesame12")
    assert "VNC is not encrypted" in describe(open_to_all, show_password=False)
    assert "view only" in describe(open_to_all, show_password=False)
    inside = describe(LOCAL, show_password=True, in_container=True)
    assert "sesame12" in inside
    assert "ssh -L" not in inside  # this machine's name and loopback are not the container's
    assert "--network host" in inside


@pytest.mark.parametrize("text", ["x", "-1", "59 01", "5901.0", "\u0665", "9" * 20, ""])
def test_a_port_that_is_no_number_is_refused(text: str) -> None:
    """With what would be one."""
    with pytest.raises(UsageError) as caught:
        read_port(text)
    assert "5901" in str(caught.value.fix)


def test_a_port_is_opened_shown_and_closed(display: KernelProcess) -> None:
    """The cell tells the password; status tells the port without it; a viewer gets in."""
    cell = display.ok("%xdisplay vnc")
    address, port = re.search(r"address +(\S+):(\d+)", cell.text).groups()  # type: ignore[union-attr]
    password = re.search(r"password +(\S{8})\n", cell.text)[1]  # type: ignore[index]
    assert address == "127.0.0.1"
    assert f"ssh -L {port}:localhost:{port} " in cell.text
    status = display.ok("%xdisplay status").result
    assert f"127.0.0.1:{port}" in status
    assert password not in status
    assert password not in display.value("(d.info, d.known_info.to_json())")
    assert password in display.ok("%xdisplay vnc").text  # told again

    where = VncPort(address, int(port))
    with PortViewer(where, password=password) as viewer:
        viewer.until_ready()
        lines = display.ok("%xdisplay status").result
        assert re.search(r"127\.0\.0\.1: [\d.]+ frames/s, .*captured by XDamage", lines)
        assert display.value("[v.origin for v in d.viewers()]") == "['127.0.0.1']"
        assert "is closed" in display.ok("%xdisplay vnc --stop").text
        wait_until(viewer.is_disconnected)
    assert not is_taken(where.port)
    assert display.ok("%xdisplay vnc --stop").text == "No VNC port is open.\n"
    assert "VNC port" not in display.ok("%xdisplay status").result


def test_the_password_is_in_no_message_to_the_widget(kernel: KernelProcess) -> None:
    """What is saved with a notebook's widgets, and shown elsewhere, never has it."""
    kernel.ok("import jupyter_xdisplay as xd; d = xd.display()")
    assert "Tr0ub4d0" not in repr(kernel.ok("access = d.vnc(password='Tr0ub4d0'); access").data)
    shown = kernel.ok("d.info; d.show()\n%xdisplay status")
    opened = next(m for m in shown.comms if "info" in m["content"]["data"].get("state", {}))
    assert opened["content"]["data"]["state"]["info"]["vnc"]["address"] == "127.0.0.1"
    assert "Tr0ub4d0" not in repr((shown.comms, shown.data, shown.text))
    assert "Tr0ub4d0" not in kernel.ok("%xdisplay vnc --password Tr0ub4d0").text
    assert kernel.value("access.password") == "'Tr0ub4d0'"


MISTAKES = {
    "--listen 0.0.0.0": "--password TEXT",
    "--listen nowhere": "IP address",
    "--password far-too-long": "first 8 characters",
    "--password a": "too easily guessed",
    "--port 99999": "1 to 65535",
    "--port abc": "such as 5901",
    "--prot 5901": "did you mean --port",
}


def test_what_cannot_be_is_told(display: KernelProcess) -> None:
    """Errors carry the fix, never the password, and nothing is opened."""
    for options, told in MISTAKES.items():
        error = display.fails(f"%xdisplay vnc {options}", "UsageError")
        assert told in error.traceback
        assert "far-too-long" not in error.traceback
    assert "VNC port" not in display.ok("%xdisplay status").result


def test_without_a_display_the_fix_is_to_start_one(kernel: KernelProcess) -> None:
    """As with every other subcommand."""
    assert "%xdisplay start" in kernel.fails("%xdisplay vnc", "DisplayNotFound").traceback


def test_the_port_goes_with_the_display(display: KernelProcess) -> None:
    """Stopping the display closes it; the API raises DisplayEnded from then on."""
    display.ok("access = d.vnc(view_only=True)")
    port = int(display.value("access.port"))
    assert is_taken(port)
    assert "view only" in display.ok("%xdisplay status").result
    display.ok("%xdisplay stop")
    wait_until(lambda: not is_taken(port))
    for call in ("vnc", "stop_vnc", "viewers"):
        assert display.run(f"d.{call}()").error["ename"] == "DisplayEnded"


def test_the_stream_is_chosen_and_kept(kernel: KernelProcess) -> None:
    """`--stream` chooses; a display that runs keeps its own and says so; wrong names are told."""
    assert "Xvfb + software GL + x11vnc" in kernel.ok("%xdisplay start --stream x11vnc").words
    assert "keeps its" not in kernel.ok("%xdisplay --stream x11vnc").text
    told = kernel.ok("%xdisplay --stream builtin").text
    assert "was there already and keeps its RFB server x11vnc" in told
    assert "For builtin stop it first: %xdisplay stop --name main" in told
    error = kernel.fails("%xdisplay --stream x12vnc", "UsageError")
    assert "use one of: builtin, x11vnc" in error.traceback
    kernel.ok("import jupyter_xdisplay as xd; d = xd.display(name='own', stream='builtin')")
    assert kernel.value("d.info.chosen['stream'].split(':')[0]") == "'builtin'"
    assert kernel.run("xd.display(stream='vnc')").error["ename"] == "UsageError"


def test_a_viewer_of_x11vnc_is_counted_only(kernel: KernelProcess) -> None:
    """`status` says that x11vnc tells nothing of its viewers."""
    kernel.ok("import jupyter_xdisplay as xd; d = xd.display(stream='x11vnc')")
    kernel.ok(
        "from jupyter_xdisplay.sidecar.client import SidecarClient\n"
        "viewer = SidecarClient(d.info.socket).open_rfb()"
    )
    kernel.wait_for("d.info.viewers == 1")
    assert "x11vnc tells nothing of its viewers" in kernel.ok("%xdisplay status").result
    assert kernel.value("d.viewers()") == "[]"
    kernel.ok("viewer.close()")
