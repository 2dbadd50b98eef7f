"""How long a pass takes to end after a person clicks Stop: in the real window, offscreen, on the CPU.

python tests/benchmarks/stopping.py [--variants d0 d2] [--repeats 5] [--tiled] [--images DIR] [--seed 0]

For each variant, with random weights: photographs of 12 megapixels are labelled, and the bar's button is clicked at a
random moment, once while the model is being loaded, then while the engine computes. Prints seconds until the window
says that it stops, until the worker is over and the bar is gone, and the longest gap of the window's thread in
between. The graphs are made beforehand, for they are cached; with --cold not, so that the click meets the export.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image  # noqa: E402
from PySide6.QtCore import QEventLoop, Qt, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from app.main_window import MainWindow  # noqa: E402
from app.panels.top_bar import Progress  # noqa: E402
from app.settings import Settings  # noqa: E402
from detector.data.images import list_images  # noqa: E402
from detector.data.project.store import Project  # noqa: E402

SHARED = REPOSITORY.parent / "shared" / "data" / "coco-person" / "val"
SAMPLE = REPOSITORY / "resources" / "sample" / "images"
TICK, PATIENCE = 5, 600.0  # ms between two looks, seconds that nothing takes
PICTURES = 24


@dataclass(frozen=True)
class Stop:
    """One click's seconds: until it is answered, until all is over; and the longest gap of the window's thread."""

    answered: float
    over: float
    gap: float


class Watch:
    """Lets the window work until something holds, and notes how late its thread comes to look."""

    def __init__(self) -> None:
        self.gap, self._last = 0.0, time.monotonic()

    def until(self, condition: Callable[[], bool]) -> float:
        """Seconds until the condition holds."""
        loop, timer, began = QEventLoop(), QTimer(interval=TICK, timerType=Qt.TimerType.PreciseTimer), time.monotonic()
        self._last = began

        def look() -> None:
            now = time.monotonic()
            self.gap, self._last = max(self.gap, now - self._last), now
            if condition():
                loop.quit()
            elif now - began > PATIENCE:
                raise TimeoutError

        timer.timeout.connect(look)
        timer.start()
        loop.exec()
        return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=["d0", "d2"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tiled", action="store_true")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--images", type=Path, default=SHARED if SHARED.is_dir() else SAMPLE)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    application = QApplication([])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        pictures = make_pictures(asked.images, Path(scratch) / "pictures")
        for variant in asked.variants:
            weights = random_model(variant, Path(scratch))
            if not asked.cold:
                make_graph(weights)
            window = open_window(pictures, Path(scratch) / f"{variant}.ini")
            for when in ("loading", *["labelling"] * asked.repeats):
                stop = measure(window, weights, when=when, tiled=asked.tiled, after=chance.random())
                answered, over, gap = astuple(stop)
                print(f"{variant} {when:9} answered {answered:.3f} s, over {over:.3f} s, gap {gap:.3f} s", flush=True)
            window.close()
            Watch().until(lambda window=window: not window.jobs.running)
            window.deleteLater()
    application.processEvents()


def measure(window: MainWindow, weights: Path, *, when: str, tiled: bool, after: float) -> Stop:
    """A pass that is stopped so many seconds after its beginning, or after its first label."""
    watch, told = Watch(), []
    labelling, progress = window.labelling, window.top_bar.findChild(Progress)
    assert isinstance(progress, Progress)
    labelling.progressed.connect(lambda text, _: told.append(text))
    labelling.label_images(list(window.document.images), source=str(weights), device="cpu", tiled=tiled, again=True)
    if when == "labelling":
        watch.until(lambda: any(text.startswith("Labelling") for text in told))
    then = time.monotonic() + after
    watch.until(lambda: time.monotonic() >= then)
    assert labelling.is_running
    watch.gap, clicked = 0.0, time.monotonic()
    progress.cancel_button.click()
    watch.until(lambda: told[-1] == "Stopping…")
    answered = time.monotonic() - clicked
    watch.until(lambda: not window.jobs.running and progress.isHidden())
    return Stop(answered, time.monotonic() - clicked, watch.gap)


def open_window(pictures: Path, settings: Path) -> MainWindow:
    """A window that has read all of a folder."""
    window = MainWindow(Settings(settings))
    window.show()
    window.files.open_path(pictures)
    Watch().until(lambda: len(window.document.images) == PICTURES and not window.jobs.running)
    return window


def make_pictures(source: Path, folder: Path) -> Path:
    """Photographs enlarged to 12 megapixels, in a new folder that is a project already."""
    folder.mkdir()
    for path in list_images(source)[:PICTURES]:
        with Image.open(path) as image:
            image.convert("RGB").resize((4000, 3000)).save(folder / f"{path.stem}.jpg", quality=90)
    project = Project.open(folder)
    for _ in project.scan():
        pass
    project.close()
    return folder


def random_model(variant: str, folder: Path) -> Path:
    """A checkpoint with random weights."""
    import torch

    from detector.model.checkpoint import Model, save
    from detector.model.efficientdet import build
    from detector.model.info import ModelInfo
    from detector.model.variants import find_variant

    torch.manual_seed(0)
    row = find_variant(variant)
    path = folder / f"random-{variant}.safetensors"
    info = ModelInfo(variant, row.image_size, ("bolt", "nut"), (1, 2))
    save(Model(build(row, 2).eval(), info), path)
    return path


def make_graph(weights: Path) -> None:
    """Fill the cache."""
    from detector.inference.sources import OnnxSource

    for _ in OnnxSource(str(weights)).make_graph():
        pass


if __name__ == "__main__":
    main()
