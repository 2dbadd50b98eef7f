"""The window comes up without what only some of its parts need, and without waiting for it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "pyqtgraph", "pycocotools", "app.panels.training_plots")
SCRIPT = """
import os, sys
from PySide6.QtWidgets import QApplication
from main import main

def until_opened(_=None):
    (window,) = (w for w in QApplication.topLevelWidgets() if w.inherits("QMainWindow"))
    opened = []
    window.projects.opened.connect(lambda: opened.append(True))
    while not opened or window.canvas.picture_size is None:
        QApplication.processEvents()
    print(len(window.document.images), *(name for name in os.environ["HEAVY"].split(",") if name in sys.modules))
    window.close()
    return 0

QApplication.exec = until_opened
main()
"""


def test_a_window_on_a_folder_shows_its_picture_with_nothing_heavy_loaded(tmp_path: Path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    source = ROOT / "resources" / "sample" / "images" / "0001.jpg"
    (folder / "a.jpg").write_bytes(source.read_bytes())
    settings = {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path / "settings"), "HEAVY": ",".join(HEAVY)}
    environment = {**os.environ, **settings}
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"]
