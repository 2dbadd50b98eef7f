"""Passes as the window runs them: what they look at and what not, how they go on, and what is said of them."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.background import labelling_work
from app.background.auto_labelling import FAILURES_NAMED, MANY, AutoLabelling, failure_list, missing_text, progress_text
from app.background.labelling_work import Engine, Engines
from app.document import Document
from app.image_filter import FilterKind, ImageFilter
from app.jobs import Jobs
from app.notifications import Notice, Notifications
from app.verbs import undoing
from app.verbs.reviewing import mark_empty, review
from detector.boxes import Detections
from detector.data.project.records import pass_key
from detector.data.project.store import Project
from detector.errors import ImageError
from detector.events import ImageFailed
from detector.files import file_key
from detector.model.info import ModelInfo

SQUARE = (5.0, 5.0, 25.0, 25.0)
HOW = {"source": "m", "device": "cpu"}


@dataclass
class FakePredictor:
    """Finds one square of channel 0 on every picture but broken ones; `seen`: the names of those it looked at.
    tiled: whether it last did so in tiles.
    """

    broken: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    tiled: bool = False

    def steps(self, paths: Iterator[Path], *, tiled: bool = False) -> Iterator[Any]:
        from detector.inference.predictor import Failure, Prediction

        self.tiled = tiled
        boxes, scores = np.array([SQUARE], np.float32), np.array([0.9], np.float32)
        for path in paths:
            self.seen.append(path.name)
            if path.name in self.broken:
                yield Failure(path, ImageError(f"{path.name}: cannot be decoded."))
            else:
                yield Prediction(path, 90, 60, Detections(boxes, scores, np.array([0]), np.array([1])))


@dataclass
class Model:
    """The model that every source opens; another `key` is another model."""

    predictor: FakePredictor
    key: str = "k"
    classes: tuple[str, ...] = ("bolt", "nut")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    import detector.inference.labelling  # noqa: F401  torch, for which a pass would wait longer than a test

    made = Model(FakePredictor())

    def get(_: Engines, source: str, wanted: str) -> Engine:
        info = ModelInfo("d0", 512, made.classes, tuple(range(1, len(made.classes) + 1)))
        return Engine(source, 0.0, wanted, "CPU", made.key, info, made.predictor)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Engines, "get", get)
    monkeypatch.setattr(labelling_work, "make_ready", lambda _: iter(()))
    return made


@dataclass
class Labelling:
    """Auto-labelling in the hands of a test."""

    it: AutoLabelling
    qtbot: QtBot
    document: Document
    jobs: Jobs
    notices: list[Notice] = field(default_factory=list)

    def all(self, verb: Callable[..., None] | None = None, **more: Any) -> None:
        with self.qtbot.waitSignal(self.it.ended):
            (verb or self.it.label_all)(**HOW, **more)

    def predicted(self) -> set[str]:
        """Names of the pictures that show predictions."""
        project = self.document.project
        assert project is not None
        return {image.path for image in self.document.images.values() if project.predictions.of(image.id)}

    def find(self) -> Notice:
        """The one notice about a pass that was cut short, or any other."""
        self.it.look_for_unfinished()
        self.qtbot.waitUntil(lambda: not self.jobs.running)
        (notice,) = self.notices
        return notice


@pytest.fixture
def labelling(qtbot: QtBot, document: Document, jobs: Jobs, model: Model) -> Labelling:
    notifications = Notifications()
    made = Labelling(AutoLabelling(document, jobs, notifications), qtbot, document, jobs)
    notifications.posted.connect(made.notices.append)
    made.it.again_wanted.connect(lambda ids: made.it.label_images(ids, again=True, **HOW))
    made.it.go_on_wanted.connect(lambda unfinished: made.it.go_on(unfinished, device="cpu"))
    return made


NAMES = {f"{number}.png" for number in range(6)}


def test_all_images_are_labelled_from_the_current_one_on(labelling: Labelling, document: Document, model: Model):
    document.show(document.visible[4])
    labelling.all()
    assert model.predictor.seen == ["4.png", "5.png", "0.png", "1.png", "2.png", "3.png"]
    assert document.tally.proposal_total() == (6, 6)
    assert document.undo_stack.undoText().startswith("Auto-label")
    assert labelling.notices == []


def test_images_without_a_file_are_left_out(labelling: Labelling, document: Document, model: Model) -> None:
    gone = next(image for image in document.images.values() if image.path == "2.png")
    document.show(gone.id)
    mark_empty(document)  # else it is out of sight
    document.add_images([replace(document.images[gone.id], missing=True)], keys={}, counts={})
    for verb in (labelling.it.label_all, labelling.it.label_visible):
        labelling.all(verb)
        assert set(model.predictor.seen) == NAMES - {"2.png"}
        assert labelling.notices[-1].text == missing_text(1)
    labelling.notices.clear()
    labelling.it.label_images([gone.id], **HOW)
    assert not labelling.it.is_running
    assert [notice.text for notice in labelling.notices] == [missing_text(1)]
    assert missing_text(1).startswith("1 image has no file any more and was left out;")
    assert missing_text(2000).startswith("2,000 images have no files any more and were left out;")


def test_what_the_filter_shows_is_labelled_and_nothing_else(labelling: Labelling, document: Document, model: Model):
    labelling.all(labelling.it.label_current)
    review(document)
    document.set_filter(ImageFilter(FilterKind.UNLABELLED))
    model.predictor.seen.clear()
    model.key = "another"
    labelling.all(labelling.it.label_visible)
    assert sorted(model.predictor.seen) == ["1.png", "2.png", "3.png", "4.png", "5.png"]


def test_chosen_images_are_labelled_in_their_order(labelling: Labelling, document: Document, model: Model):
    ids = [document.visible[place] for place in (3, 1)]
    labelling.all(lambda **how: labelling.it.label_images([*ids, 999], **how))
    assert model.predictor.seen == ["3.png", "1.png"]


def test_the_same_model_looks_only_at_what_is_new(
    labelling: Labelling, document: Document, model: Model, tmp_path: Path
):
    labelling.all(lambda **how: labelling.it.label_images(document.visible[:4], **how))
    model.predictor.seen.clear()
    labelling.all()
    assert model.predictor.seen == ["4.png", "5.png"]
    (notice,) = labelling.notices
    assert notice.text == "2 images labelled; 4 had been labelled by m before and were kept."
    assert notice.run is not None
    model.predictor.seen.clear()
    with labelling.qtbot.waitSignal(labelling.it.ended):
        notice.run()
    assert set(model.predictor.seen) == NAMES


def test_where_all_is_known_no_pass_is_made(labelling: Labelling, document: Document, model: Model):
    labelling.all()
    steps = document.undo_stack.count()
    model.predictor.seen.clear()
    labelling.all()
    labelling.all(labelling.it.label_current)
    assert (model.predictor.seen, document.undo_stack.count()) == ([], steps)
    assert [notice.text for notice in labelling.notices] == [
        "m has labelled all 6 images before, and nothing has changed since.",
        "m has labelled this image before, and nothing has changed since.",
    ]


def test_another_model_looks_at_all_and_the_first_one_is_remembered(
    labelling: Labelling, document: Document, model: Model
):
    labelling.all()
    model.key = "another"
    labelling.all()
    assert len(model.predictor.seen) == 12
    model.key = "k"
    assert document.project is not None
    passes = len(document.project.passes.all())
    labelling.all()
    assert len(model.predictor.seen) == 12  # nothing is computed
    assert len(document.project.passes.all()) == passes + 1  # but this model's findings are the ones that show
    predicted = document.project.predictions.of(document.visible[0])
    assert predicted is not None
    assert predicted[0].model_key == "k"


def test_a_picture_that_changed_is_looked_at_again(
    labelling: Labelling, model: Model, tmp_path: Path, document: Document
):
    labelling.all()
    shutil.copyfile(tmp_path / "0.png", tmp_path / "3.png")
    model.predictor.seen.clear()
    labelling.all()
    assert model.predictor.seen == ["3.png"]


def test_a_broken_picture_is_named_and_tried_again_the_next_time(labelling: Labelling, model: Model):
    model.predictor.broken = {"2.png"}
    labelling.all()
    assert labelling.predicted() == NAMES - {"2.png"}
    assert labelling.notices[0].details == "2.png: cannot be decoded."
    assert not labelling.jobs.running
    model.predictor.broken = set()
    model.predictor.seen.clear()
    labelling.all()
    assert model.predictor.seen == ["2.png"]


def test_passes_in_tiles_and_without_do_not_stand_for_each_other(labelling: Labelling, model: Model):
    labelling.all()
    assert not model.predictor.tiled
    model.predictor.seen.clear()
    labelling.all(tiled=True)
    assert (set(model.predictor.seen), model.predictor.tiled) == (NAMES, True)
    model.predictor.seen.clear()
    labelling.all(tiled=True)
    assert model.predictor.seen == []
    assert "in tiles has labelled all 6 images before" in labelling.notices[-1].text


def cut_short(labelling: Labelling, model: Model, *, tiled: bool = False) -> None:
    """A pass of which the program's end leaves four images: nothing is told to anybody."""
    document, project = labelling.document, labelling.document.project
    assert project is not None
    key = pass_key(model.key, tiled=tiled)
    began = project.passes.begin(
        model="Starter", source="m", names=model.classes, category_ids=(1, 2), thresholds={}, model_key=key
    )
    ids = [document.visible[place] for place in (3, 4, 5, 0, 1, 2)]
    project.passes.plan(began.id, ids)
    detections = Detections(np.array([SQUARE], np.float32), np.array([0.8], np.float32), np.array([0]), np.array([1]))
    project.predictions.put(began.id, [(image_id, detections) for image_id in ids[:2]])
    document.read_classes()


@pytest.mark.parametrize("tiled", [False, True])
def test_a_pass_that_was_cut_short_goes_on_where_it_was(
    labelling: Labelling, document: Document, model: Model, tiled: bool
):
    cut_short(labelling, model, tiled=tiled)
    notice = labelling.find()
    assert notice.text == "Starter was cut short: 4 of 6 images are left to label."
    progress: list[str] = []
    labelling.it.progressed.connect(lambda text, _: progress.append(text))
    assert notice.run is not None
    with labelling.qtbot.waitSignal(labelling.it.ended):
        notice.run()
    assert model.predictor.seen == ["5.png", "0.png", "1.png", "2.png"]
    assert model.predictor.tiled is tiled
    assert labelling.predicted() == NAMES
    assert any(text.startswith("Labelling 6 of 6") for text in progress)
    assert document.project is not None
    assert len(document.project.passes.all()) == 1
    assert document.project.passes.unfinished() is None
    undoing.undo(document)  # all of the pass, what it did before included
    assert labelling.predicted() == set()


def test_a_pass_that_was_cut_short_can_be_left(labelling: Labelling, document: Document, model: Model):
    cut_short(labelling, model)
    notice = labelling.find()
    assert notice.run_other is not None
    notice.run_other()
    assert document.project is not None
    assert document.project.passes.unfinished() is None


def test_a_pass_does_not_go_on_with_another_model(labelling: Labelling, document: Document, model: Model):
    cut_short(labelling, model)
    notice = labelling.find()
    model.key = "another"
    assert notice.run is not None
    with labelling.qtbot.waitSignal(labelling.it.ended):
        notice.run()
    assert model.predictor.seen == []
    assert "holds another model now" in labelling.notices[-1].text


@pytest.mark.parametrize("by_person", [True, False], ids=["stopped", "closed"])
def test_who_stops_a_pass_is_not_asked_to_go_on_and_who_closes_the_window_is(
    labelling: Labelling, document: Document, model: Model, by_person: bool, monkeypatch: pytest.MonkeyPatch
):
    steps, told = model.predictor.steps, threading.Event()

    def slow(paths: Iterator[Path], **how: Any) -> Iterator[Any]:
        for number, outcome in enumerate(steps(paths, **how)):
            if number == 2:  # the rest only after it was told to end
                assert told.wait(60)
            yield outcome

    monkeypatch.setattr(model.predictor, "steps", slow)
    monkeypatch.setattr("detector.inference.labelling.QUICK", 0.0)  # each image by itself
    with labelling.qtbot.waitSignal(labelling.it.device_found):  # the pass has begun
        labelling.it.label_all(**HOW)
    folder = document.project.folder if document.project else Path()
    if by_person:
        with labelling.qtbot.waitSignal(labelling.it.ended):
            labelling.it.stop()
            told.set()
    else:
        labelling.jobs.cancel_for_project()
        document.detach()
        told.set()
        labelling.qtbot.waitUntil(lambda: not labelling.jobs.running)

    again = Project.open(folder, anyway=True)
    assert (again.passes.unfinished() is None) == by_person
    again.close()


def test_a_model_with_many_new_classes_is_told_of_once(labelling: Labelling, model: Model):
    told: list[int] = []
    labelling.it.classes_brought.connect(lambda _, number: told.append(number))
    labelling.all(labelling.it.label_current)
    assert told == []
    model.classes, model.key = tuple(f"thing {number}" for number in range(MANY + 1)), "many"
    labelling.all()
    labelling.all()
    assert told == [MANY + 1]


def test_a_file_is_known_by_its_content(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_key(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_progress_says_how_far_how_fast_and_how_long():
    assert progress_text(412, 3000, 10.84) == "Labelling 412 of 3,000 · 38/s · 1 min 8 s left"
    assert progress_text(3, 12, 2.0) == "Labelling 3 of 12 · 1.5/s · 6 s left"
    assert progress_text(0, 12, 0.0) == "Labelling 0 of 12"
    assert progress_text(1770, 3000, 1.0, at_first=1760) == "Labelling 1,770 of 3,000 · 10/s · 2 min 3 s left"
    assert progress_text(1760, 3000, 1.0, at_first=1760) == "Labelling 1,760 of 3,000"


def test_failures_are_named_up_to_a_number():
    failures = [ImageFailed(n, f"{n}.jpg", f"{n}.jpg: damaged.") for n in range(FAILURES_NAMED + 2)]
    assert failure_list(failures[:1]) == "0.jpg: damaged."
    assert failure_list(failures).splitlines()[-2:] == [f"{FAILURES_NAMED - 1}.jpg: damaged.", "… and 2 more"]
