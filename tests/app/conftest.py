"""What the window's tests share: no desktop is needed, no thread is left behind, and a real document over a real
project of six small pictures, with passes over it.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from app import theme, worker_results
from app.background.thumbnails import Thumbnails
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from detector.boxes import Detections
from tests.app.opening import open_into
from tests.patience import qtbot as qtbot

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

Found = tuple[tuple[float, float, float, float], float, int]  # xyxy, score, channel
MakePass = Callable[..., None]


@pytest.fixture(autouse=True)
def checked(no_thread_stays: None) -> None:
    """Checks each test so."""


@pytest.fixture(autouse=True)
def style(qapp: QApplication) -> None:
    """The light theme, as in the window; whatever widgets are left are styled anew only where it is another one."""
    if theme.current() is not theme.LIGHT or not qapp.styleSheet():
        theme.apply(qapp, theme.LIGHT)


@pytest.fixture
def document(qapp: QApplication, tmp_path: Path) -> Iterator[Document]:
    """Six pictures of 90 × 60 pixels in six colours, `0.png` … `5.png`; the first one is current."""
    for number in range(6):
        Image.new("RGB", (90, 60), (40 * number, 200 - 30 * number, 90)).save(tmp_path / f"{number}.png")
    made = open_into(Document(), tmp_path)
    yield made
    made.detach()


@pytest.fixture
def jobs(document: Document) -> Iterator[Jobs]:
    """Jobs that end before the project closes."""
    made = Jobs(Notifications())
    yield made
    made.stop_all()


@pytest.fixture
def thumbnails(document: Document, jobs: Jobs) -> Thumbnails:
    """The thumbnails of the document."""
    return Thumbnails(document, jobs)


@pytest.fixture
def make_pass(document: Document) -> MakePass:
    """make_pass({place in the list: [found, …]}, names=…): a pass of the model "D0" that found these."""

    def run(found: Mapping[int, Sequence[Found]], names: Sequence[str] = ("bolt", "nut")) -> None:
        assert document.project is not None
        made = document.project.passes.begin(
            model="D0", source="d0", names=names, category_ids=range(1, len(names) + 1), thresholds={}
        )
        ids = list(document.visible)
        document.project.predictions.put(made.id, [(ids[place], _detections(of)) for place, of in found.items()])
        document.read_classes()
        worker_results.note_labelled(document, [ids[place] for place in found])

    return run


def _detections(found: Sequence[Found]) -> Detections:
    best_first = sorted(found, key=lambda item: -item[1])
    return Detections(
        np.array([item[0] for item in best_first], np.float32).reshape(-1, 4),
        np.array([item[1] for item in best_first], np.float32),
        np.array([item[2] for item in best_first], np.int64),
        np.arange(len(best_first)),
    )
