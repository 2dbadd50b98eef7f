"""Measuring a model on a project, with a model that is told what to find."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.background import evaluation_work
from app.background.evaluation_work import Kept, Looked, Report, channels, measure, read_kept, read_report, read_truth
from detector.boxes import Detections
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage
from detector.data.project.store import Project
from detector.data.split import Side
from detector.errors import LabelError
from detector.inference.predictor import Failure, Prediction
from detector.model.info import ModelInfo
from detector.training.confusion import Outcome
from tests.reviewed import draw_on_each, open_scanned, review

BOX, ELSEWHERE = (10.0, 10.0, 40.0, 40.0), (50.0, 20.0, 80.0, 50.0)
INFO = ModelInfo("d0", 512, ("gear", "nut"), (5, 6), thresholds={"nut": 0.3, "gear": 0.6})


class Oracle:
    """An engine in name; `found`: by a file's name, what is found there as (channel, score, box); None: unreadable."""

    device = "CPU"

    def __init__(self, found: dict[str, list[tuple[int, float, tuple]] | None]) -> None:
        self.found = found

    def run(self, paths: Iterator[Path]) -> Iterator[Prediction | Failure]:
        for path in paths:
            rows = self.found[path.name]
            if rows is None:
                yield Failure(path, LabelError("gone"))
                continue
            boxes = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
            scores = np.array([row[1] for row in rows], np.float32)
            channels = np.array([row[0] for row in rows], np.int64)
            yield Prediction(path, 90, 60, Detections(boxes, scores, channels, np.arange(len(rows))))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Five pictures: the first trains, the next three validate, the last is not reviewed; a nut on each."""
    for number in range(5):
        Image.new("RGB", (90, 60)).save(tmp_path / f"{number}.png")
    opened = open_scanned(tmp_path)
    nut = ProjectClass(opened.new_id(), "Nut", "#000000", 0, 77)
    review(opened, [Side.TRAIN, Side.VAL, Side.VAL, Side.VAL], boxes=draw_on_each(opened, nut, BOX), classes=[nut])
    yield opened
    opened.close()


@pytest.fixture
def look(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list]:
    """look(found): measures a model that finds this; the events."""
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"weights")

    def call(found: dict) -> list:
        oracle = Oracle(found)

        def engine(source: str, device: str):
            assert (source, device) == (str(model), "cpu")
            yield Looked(0, 0, "")
            return oracle, INFO

        monkeypatch.setattr(evaluation_work, "_engine", engine)
        monkeypatch.setattr("detector.inference.predictor.Predictor", lambda engine: engine)
        return list(measure(project, str(model), "cpu"))

    return call


def nut_of(project: Project) -> int:
    (nut,) = project.classes()
    return nut.id


def images(project: Project) -> list[ProjectImage]:
    return project.images()


def test_validation_images_alone_are_looked_at_and_judged(project: Project, look: Callable[..., list]) -> None:
    ids, nut = [image.id for image in images(project)], nut_of(project)
    *looked, kept = look({
        "1.png": [(1, 0.9, BOX), (0, 0.99, ELSEWHERE)],  # a gear is no class of this project
        "2.png": [(1, 0.31, ELSEWHERE), (1, 0.2, BOX)],
        "3.png": [],
    })  # fmt: skip
    assert looked == [Looked(0, 0, ""), *(Looked(done, 3, "CPU") for done in (1, 2, 3))]
    report = kept.report
    assert set(report.outcomes) == {
        Outcome(ids[1], nut, nut), Outcome(ids[2], nut, None), Outcome(ids[2], None, nut), Outcome(ids[3], nut, None)
    }  # fmt: skip
    assert (report.images, report.failed, report.thresholds) == (3, 0, {nut: 0.3})
    # Found are 0.9 right, 0.31 wrong, 0.2 right, of three: precision 1 up to recall 1/3, 2/3 up to 2/3, then 0.
    assert report.class_ap[nut] == pytest.approx((34 * 1 + 33 * 2 / 3) / 101, abs=0.01)
    assert report.metrics["AP50"] == report.metrics["AP"]
    assert report.curves[nut][:2] == pytest.approx((1.0, 1.0))
    assert (len(report.curves[nut]), report.curves[nut][-1]) == (101, 0.0)
    assert project.classes()[0].name == "Nut"  # nothing was added


def test_a_report_is_kept_until_weights_or_labels_change(
    project: Project, look: Callable[..., list], tmp_path: Path
) -> None:
    model = tmp_path / "model.safetensors"
    assert list(read_kept(project, str(model))) == [Kept(None)]
    *_, kept = look({f"{number}.png": [(1, 0.9, BOX)] for number in (1, 2, 3)})
    assert list(read_kept(project, str(model))) == [Kept(kept.report)]
    first, second = images(project)[:2]
    other = ProjectBox(project.new_id(), first.id, nut_of(project), ELSEWHERE, Origin.DRAWN)
    project.apply(Change(boxes=((None, other),)))
    assert next(read_kept(project, str(model))).is_current  # it trains
    project.apply(Change(boxes=((None, replace(other, id=project.new_id(), image_id=second.id)),)))
    assert not next(read_kept(project, str(model))).is_current
    model.write_bytes(b"others")
    assert list(read_kept(project, str(model))) == [Kept(None)]


def test_what_cannot_be_read_is_counted_and_left_out(project: Project, look: Callable[..., list]) -> None:
    *_, kept = look({"1.png": None, "2.png": [(1, 0.9, BOX)], "3.png": [(1, 0.9, BOX)]})
    assert (kept.report.images, kept.report.failed, kept.report.metrics["AP"]) == (2, 1, pytest.approx(1.0))


def test_what_cannot_be_measured_says_why(project: Project, look: Callable[..., list]) -> None:
    with pytest.raises(LabelError, match="knows none of the project's classes"):
        channels(project, replace(INFO, classes=("cat", "dog")))
    pairs = [(image, replace(image, split=Side.TRAIN)) for image in images(project) if image.split is Side.VAL]
    project.apply(Change(images=tuple(pairs)))
    assert read_truth(project).images == ()
    with pytest.raises(LabelError, match="nothing can be measured"):
        look({})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"class_ap": 3}', '{"outcomes": [{"x": 1}]}'])
def test_a_damaged_report_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    assert read_report(tmp_path / "r.json") is None
    assert read_report(tmp_path / "missing.json") is None


def test_a_report_survives_json(tmp_path: Path) -> None:
    made = Report("m", "2026-01-01T00:00:00", 1, 0, {"AP": 0.5}, {3: 0.5}, {3: (1.0, 0.0)}, {3: 0.3}, (), "s")
    (tmp_path / "r.json").write_text(json.dumps(asdict(made)))
    assert read_report(tmp_path / "r.json") == made
