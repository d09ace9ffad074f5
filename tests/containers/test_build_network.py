"""Builds where the network has a proxy and certificates of its own; what is shown meanwhile."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from jupyter_xdisplay.cli import main
from jupyter_xdisplay.containers import context
from tests.containers import stand_in
from tests.containers.certificates import ADDRESS, make_certificates
from tests.containers.loopback import counting_proxy, index_with_tls
from tests.containers.real_engine import BASE, download_wheels

TRUSTED = "import ssl; print(ssl.create_default_context().get_ca_certs())"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of certificates of an authority that nobody knows."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def base(
    engine: docker.DockerClient, stand_in_image: Image, kernel_wheels: Path, certificates: Path
) -> Iterator[str]:
    """Give an image whose pip has an index behind such a certificate."""
    tag = "company:test"
    with index_with_tls(ADDRESS, kernel_wheels, certificates) as index:
        configuration = rf"printf '[global]\nindex-url = {index}\nretries = 0\n' > /etc/pip.conf"
        text = f"FROM {stand_in.TAG}\nUSER 0\nRUN {configuration}\n"
        archive = context.archive({"Dockerfile": text.encode()})
        engine.images.build(fileobj=archive, custom_context=True, tag=tag, rm=True)
        yield tag
    engine.images.remove(tag)


def test_a_kernel_behind_a_proxy(
    sidecar_image: Image,
    base: str,
    certificates: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Certificates that are not trusted have their fix; with it, apt and pip pass the proxy."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    with counting_proxy(ADDRESS) as (proxy, hosts):
        add = ["kernel", "add", f"--image={base}", "--name=company", "--build-network=host"]
        add += ["--toolkit=none", "--apt=bc", f"--proxy={proxy}"]
        assert main(add) == 1
        assert "--ca-bundle FILE" in capsys.readouterr().err
        hosts.clear()
        assert main([*add, f"--ca-bundle={certificates}/ca.pem"]) == 0
        assert {"deb.debian.org", ADDRESS} <= set(hosts)
    shown = capsys.readouterr().out
    assert "\n  installing system packages: bc\n" in shown
    assert "\n  installing Python packages: " in shown
    assert main(["kernel", "remove", "company"]) == 0


def test_the_image_of_displays_behind_a_proxy(
    engine: docker.DockerClient,
    certificates: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The steps are shown, apt passes the proxy, and the authority is trusted in the image."""
    download_wheels(tmp_path)
    tag = "xdisplay-behind-proxy:test"
    with counting_proxy(ADDRESS) as (proxy, hosts):
        build = ["image", "build", f"--tag={tag}", f"--base={BASE}", "--network=host"]
        build += [f"--wheels={tmp_path}", f"--proxy={proxy}"]
        assert main([*build, f"--ca-bundle={certificates}/ca.pem"]) == 0
    assert "deb.debian.org" in hosts
    shown = capsys.readouterr().out
    assert re.search(r"\nStep \d+/\d+ : FROM", shown)
    assert "Setting up" not in shown  # that is for --verbose
    try:
        output: bytes = engine.containers.run(
            tag, ["-c", TRUSTED], entrypoint="python3", network_mode="none", remove=True
        )
        assert "(('commonName', 'ca'),)" in output.decode()
    finally:
        engine.images.remove(tag)
