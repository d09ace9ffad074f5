"""Makes the README's picture from the real thing: `python scripts/picture.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from tests.e2e.lab import CHROMIUM, CHROMIUM_ARGUMENTS, Lab, Notebook  # noqa: E402
from tests.e2e.view import View  # noqa: E402

CELLS = [
    "%load_ext jupyter_xdisplay\n%xdisplay",
    (
        "import matplotlib.pyplot as plt\n"
        "plt.figure('Loss', figsize=(5.4, 3)); plt.plot([9, 4, 2.5, 1.8, 1.5]); plt.show()"
    ),
    "%xdisplay run glxgears -geometry 320x200",
]


def main() -> None:
    """Run a small notebook and take its picture."""
    with (
        tempfile.TemporaryDirectory(prefix="xdp-", dir="/tmp") as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        root = Path(folder) / "lab"
        root.mkdir()
        lab = Lab(root, private_root=Path(folder) / "x")
        lab.wait_until_up()
        try:
            lab.write_notebook("windows.ipynb", CELLS)
            page = browser.new_page(viewport={"width": 1160, "height": 900})
            book = Notebook(page, lab, "windows.ipynb", classic=True)
            for index in range(len(CELLS)):
                book.run(index)
            for index in (1, 2):
                View(page, book.view(index)).wait_until_live()
            page.wait_for_timeout(2500)
            page.evaluate("() => document.querySelector('.jp-Notebook').scrollTo(0, 0)")
            page.screenshot(path=ROOT / "docs" / "images" / "quickstart.png")
        finally:
            browser.close()
            lab.stop()


if __name__ == "__main__":
    main()
