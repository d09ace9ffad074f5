"""Kernels in containers, used in JupyterLab: windows under their cells as everywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image
from playwright.sync_api import Browser, Page

from jupyter_xdisplay.cli import main
from tests.containers import stand_in
from tests.containers.kernels import HIDE, write_spec
from tests.containers.real_engine import containers_on
from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, new_page, wait_for
from tests.e2e.test_front_ends import run_shipped
from tests.e2e.test_inline import START, is_running, window_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RED = (255, 0, 0)
BLUE = (0, 0, 255)

FIGURE = """\
import matplotlib.pyplot as plt
figure = plt.figure("{name}", facecolor="{colour}")
figure.canvas.mpl_connect("button_press_event", lambda _: (
    figure.set_facecolor("lime"), figure.canvas.draw_idle()))
plt.show(block={block})
"""


@pytest.fixture(scope="module")
def container_lab(make_lab: Callable[..., Lab], sidecar_image: Image, kernel_image: Image) -> Lab:
    """A server with a kernel in a container, and one whose image is not there."""
    lab = make_lab()
    write_spec(lab.root / ".data", {"image": kernel_image.tags[0], "network": "none"})
    write_spec(lab.root / ".data", {"image": "no-such-image:1"}, name="broken")
    write_spec(lab.root / ".data", {"image": kernel_image.tags[0], "network": "none"}, name="tf")
    return lab


@pytest.fixture(autouse=True)
def nothing_left(docker_client: docker.DockerClient) -> Iterator[None]:
    """Fail when a test leaves containers behind."""
    yield
    wait_for(lambda: not containers_on(docker_client), "containers are left")


def test_figures_and_programs(container_lab: Lab, notebook: Opener) -> None:
    """Live while the cell runs, clicked, ended; a program of the image beside it."""
    cell = FIGURE.format(name="Red", colour="red", block=True)
    book = notebook([START, cell, "!glxgears &"], on=container_lab, kernel="box")
    book.run(0)
    book.start_cell(1)
    view = window_of(book, 1)
    width, height = view.size
    view.wait_for_colour(width // 2, height // 2, RED)
    assert is_running(book, 1)
    view.click(width / 2, height / 2)
    view.wait_for_colour(width // 2, height // 2, (0, 255, 0))
    book.screenshot("container-figure")
    view.host.locator("[data-action=close]").click()
    wait_for(lambda: not is_running(book, 1), "plt.show does not end")
    book.run(2)
    gears = window_of(book, 2)
    gears.wait_for_change(gears.image(), "the gears do not turn")
    book.screenshot("container-glxgears")
    saved = book.save()
    [output] = [one for one in saved["cells"][1]["outputs"] if "data" in one]
    assert "image/png" in output["data"]


def test_a_kernel_that_was_added(
    container_lab: Lab,
    stand_in_image: Image,
    kernel_wheels: Path,
    notebook: Opener,
    docker_client: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the command, for an image without X; then picked in JupyterLab: figures are inline."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(container_lab.root / ".data"))
    add = ["kernel", "add", f"--image={stand_in.TAG}", "--name=added", "--build-network=host"]
    assert main([*add, f"--wheels={kernel_wheels}", "--network=none"]) == 0
    try:
        cell = FIGURE.format(name="Red", colour="red", block=False)
        book = notebook(
            [START, cell], on=container_lab, kernel="gone", pick="added (stand-in:latest)"
        )
        book.run(0)
        book.run(1)
        view = window_of(book, 1)
        view.wait_for_colour(view.size[0] // 2, view.size[1] // 2, RED)
        book.screenshot("container-added")
        assert container_lab.display(book.kernel_id)["runtime"] == "docker"
        container_lab.api("DELETE", f"api/kernels/{book.kernel_id}")
        wait_for(lambda: not containers_on(docker_client), "containers are left")
    finally:
        assert main(["kernel", "remove", "added"]) == 0


def test_the_notebook_that_we_ship(container_lab: Lab, page: Page) -> None:
    """It runs as it is; its plot is drawn anew while its cell runs."""
    run_shipped(container_lab, page, "04-containers")


def test_an_engine_that_does_not_see_our_files(
    make_lab: Callable[..., Lab],
    private_root: Path,
    sidecar_image: Image,
    kernel_image: Image,
    notebook: Opener,
) -> None:
    """As on another machine: figures are live, take clicks, and are saved all the same."""
    lab = make_lab(wrapper=[*HIDE, str(private_root)])
    write_spec(lab.root / ".data", {"image": kernel_image.tags[0], "network": "none"})
    cell = FIGURE.format(name="Red", colour="red", block=True)
    book = notebook([START, cell, "print(6 * 7)"], on=lab, kernel="box")
    book.run(0)
    assert "does not see the notebook's folder" in book.text(0)
    book.start_cell(1)
    view = window_of(book, 1)
    width, height = view.size
    view.wait_for_colour(width // 2, height // 2, RED)
    view.click(width / 2, height / 2)
    view.wait_for_colour(width // 2, height // 2, (0, 255, 0))
    book.screenshot("container-far")
    view.host.locator("[data-action=close]").click()
    wait_for(lambda: not is_running(book, 1), "plt.show does not end")
    book.run(2)
    assert book.text(2).strip() == "42"
    [output] = [one for one in book.save()["cells"][1]["outputs"] if "data" in one]
    assert "image/png" in output["data"]


TRAIN = """\
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import matplotlib.pyplot as plt, numpy as np, tensorflow as tf
random = np.random.default_rng(1)
x = random.normal(size=(4096, 8)).astype("float32")
y = np.sin(x.sum(axis=1))
layers = tf.keras.layers
model = tf.keras.Sequential([layers.Dense(64, activation="tanh"), layers.Dense(1)])
model.compile("adam", "mse")
losses = []
figure, axes = plt.subplots(num="Loss")
(line,) = axes.plot([], [], linewidth=4)
def show(epoch, logs):
    losses.append(logs["loss"])
    line.set_data(range(len(losses)), losses)
    axes.relim(); axes.autoscale_view()
    plt.pause(0.01)
watch = tf.keras.callbacks.LambdaCallback(on_epoch_end=show)
model.fit(x, y, epochs=30, verbose=0, callbacks=[watch])
print("trained", tf.__version__, len(losses), losses[-1] < losses[0] / 2)
"""


@pytest.mark.skipif(
    not os.environ.get("XDISPLAY_TENSORFLOW"), reason="on request: XDISPLAY_TENSORFLOW=1"
)
def test_tensorflow(
    container_lab: Lab, tensorflow_image: Image, notebook: Opener, page: Page
) -> None:
    """A model is trained in a kernel with the real one; its losses are drawn as they come."""
    options = {"image": tensorflow_image.tags[0], "network": "none"}
    write_spec(container_lab.root / ".data", options, name="tensorflow")
    book = notebook([START, TRAIN], on=container_lab, kernel="tensorflow")
    book.run(0)
    book.start_cell(1)
    view = window_of(book, 1)
    for _ in range(3):
        view.wait_for_change(view.image(), "the plot stands still")
        assert is_running(book, 1)
    book.screenshot("container-tensorflow")
    wait_for(lambda: not is_running(book, 1), "it does not end", 240)
    assert re.search(r"trained \d+\.\d+\.\d+ 30 True", book.text(1)), book.text(1)


def test_a_restart_keeps_the_display(container_lab: Lab, notebook: Opener) -> None:
    """The same X server, without the windows of before."""
    cell = FIGURE.format(name="Red", colour="red", block=False)
    book = notebook(
        ["import os; print(os.environ['DISPLAY'])", START, cell], on=container_lab, kernel="box"
    )
    book.run(0)
    assert book.text(0).strip() == ":0"  # before the extension was loaded
    book.run(1)
    book.run(2)
    window_of(book, 2)
    before = container_lab.display(book.kernel_id)
    book.restart_kernel()
    wait_for(lambda: not container_lab.display(book.kernel_id)["windows"], "windows are left")
    assert container_lab.display(book.kernel_id)["id"] == before["id"]
    book.run(1)
    book.run(2)
    view = window_of(book, 2)
    view.wait_for_colour(view.size[0] // 2, view.size[1] // 2, RED)
    assert container_lab.display(book.kernel_id)["id"] == before["id"]


def test_two_kernels_do_not_mix(container_lab: Lab, notebook: Opener, browser: Browser) -> None:
    """Each has its own display :0, and its own windows."""
    cells = [START, FIGURE.format(name="Red", colour="red", block=False)]
    first = notebook(cells, on=container_lab, kernel="box")
    with new_page(browser) as page:
        cells[1] = FIGURE.format(name="Blue", colour="blue", block=False)
        second = notebook(cells, on=container_lab, kernel="box", page=page)
        for book, colour in ((first, RED), (second, BLUE)):
            book.run(0)
            book.run(1)
            view = window_of(book, 1)
            view.wait_for_colour(view.size[0] // 2, view.size[1] // 2, colour)
        displays = [container_lab.display(book.kernel_id) for book in (first, second)]
        assert [info["display"] for info in displays] == [":0", ":0"]
        assert [[w["title"] for w in info["windows"]] for info in displays] == [["Red"], ["Blue"]]
        assert len({info["socket"] for info in displays}) == 2


def test_a_kernel_that_cannot_come_back_is_given_up(
    container_lab: Lab, notebook: Opener, docker_client: docker.DockerClient, kernel_image: Image
) -> None:
    """Its image is gone when it dies: after some tries it is gone too; opened anew, why."""
    kernel_image.tag("xdisplay-goes", "1")
    write_spec(
        container_lab.root / ".data", {"image": "xdisplay-goes:1", "network": "none"}, name="goes"
    )
    book = notebook(["import os; os.kill(os.getpid(), 9)"], on=container_lab, kernel="goes")
    docker_client.images.remove("xdisplay-goes:1")
    book.start_cell(0)
    gone = book.page.locator('.jp-Notebook-ExecutionIndicator[data-status="disconnected"]')
    gone.wait_for(timeout=60_000)
    book.page.locator(".jp-Dialog .jp-mod-accept").click()  # of "Kernel Restarting"
    book.screenshot("container-gone")
    book.page.reload()
    words = book.page.locator(".jp-Dialog", has_text="xdisplay-goes:1 is not on this engine")
    words.wait_for()
    book.screenshot("container-gone-why")


def test_a_kernel_that_cannot_start_says_why(container_lab: Lab, page: Page) -> None:
    """In JupyterLab's own dialog, with the command that mends it."""
    container_lab.write_notebook("broken.ipynb", ["1"], kernel="broken")
    page.goto(f"{container_lab.url}lab/tree/broken.ipynb?token={container_lab.token}&reset")
    dialog = page.locator(".jp-Dialog")
    dialog.wait_for()
    page.screenshot(path="tests/e2e/screenshots/container-broken.png")
    words = dialog.inner_text()
    assert "no-such-image:1 is not on this engine" in words
    assert "jupyter xdisplay kernel add" in words
