"""Measuring a model on a project's validation images: the worker's side, and the report that is kept of it."""

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from app.background.labelling_work import Task, make_ready
from app.models import choice
from detector.data.annotations import Dataset
from detector.data.project import datasets
from detector.data.project.mapping import FORMER_NAMES, map_classes
from detector.data.project.passes import known_classes
from detector.data.project.store import Project
from detector.data.project.training_data import read_training_data
from detector.data.split import Side
from detector.data.training_data import TrainingData
from detector.errors import LabelError
from detector.files import file_key, replacing
from detector.model.weights import model_path
from detector.training.confusion import Outcome, outcomes

if TYPE_CHECKING:
    from detector.boxes import Detections
    from detector.inference.engines import Engine
    from detector.model.info import ModelInfo

FOLDER = "evaluations"  # in the project's home: disposable, a report for each model


@dataclass(frozen=True)
class Report:
    """What was measured. metrics: COCO's, in 0..1; class_ap and curves (precision at recall 0, 0.01 … 1, IoU 0.5) by
    class id, as thresholds are, from which on `outcomes` are told. stamp: of the labels as they were.
    """

    model: str
    created: str
    images: int
    failed: int
    metrics: Mapping[str, float]
    class_ap: Mapping[int, float]
    curves: Mapping[int, tuple[float, ...]]
    thresholds: Mapping[int, float]
    outcomes: tuple[Outcome, ...] = field(repr=False)
    stamp: str = ""


@dataclass(frozen=True)
class Looked:
    """So many images have been looked at, of `total`; `device`: where, in words."""

    done: int
    total: int
    device: str


@dataclass(frozen=True)
class Kept:
    """The report that was kept of a model, None where it was never measured; whether the labels are the same still."""

    report: Report | None
    is_current: bool = True


def read_kept(project: Project, source: str) -> Iterator[Kept]:
    """In a worker: what is known of a model."""
    path = _path(project, source)
    with closing(project.connect()) as worker:
        report = read_report(path) if path else None
        yield Kept(report, report is None or report.stamp == stamp(read_training_data(worker.database)))


def measure(project: Project, source: str, device: str) -> Iterator[Looked | Kept]:
    """In a worker: looks at all validation images, measures, keeps the report. Raises StudioError."""
    from detector.training.evaluation import evaluate_found  # which loads pycocotools

    engine, info = yield from _engine(source, device)
    with closing(project.connect()) as worker:
        now, truth = stamp(read_training_data(worker.database)), read_truth(worker)
        class_ids, shown = channels(worker, info)
    if not any(not box.iscrowd for box in truth.boxes):
        raise LabelError("No reviewed image that validates has boxes, so nothing can be measured; review some more.")
    found: dict[int, Detections] = {}
    paths = {image.id: project.folder / image.path for image in truth.images}
    yield from _look(engine, paths, found)
    by_name = {item.name: item.id for item in truth.classes}
    evaluation = evaluate_found(found, truth, class_ids)
    report = Report(
        model=choice(source).title,
        created=datetime.now().isoformat(timespec="seconds"),
        images=len(found),
        failed=len(paths) - len(found),
        metrics=evaluation.metrics,
        class_ap={by_name[name]: ap for name, ap in evaluation.class_ap.items()},
        curves={by_name[name]: curve for name, curve in evaluation.curves.items()},
        thresholds=shown,
        outcomes=tuple(outcomes(found, truth, class_ids, shown)),
        stamp=now,
    )
    if project.read_only is None and (path := _path(project, source)):
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(asdict(report)), "utf-8")
    yield Kept(report)


def read_truth(project: Project) -> Dataset:
    """The validation images that are reviewed and in use, with the project's own ids of images and classes."""
    listed = datasets.read(project, reviewed_only=True, side=Side.VAL)
    by_path = {image.path: image.id for image in project.images() if not image.missing}
    of_class = {category: class_id for class_id, category in datasets.coco_ids(project)[1].items()}
    of_image = {image.id: by_path[image.path] for image in listed.images if image.path in by_path}
    return Dataset(
        tuple(replace(image, id=of_image[image.id]) for image in listed.images if image.id in of_image),
        tuple(replace(item, id=of_class[item.id]) for item in listed.classes),
        tuple(
            replace(box, image_id=of_image[box.image_id], class_id=of_class[box.class_id])
            for box in listed.boxes
            if box.image_id in of_image
        ),
    )


def channels(project: Project, info: "ModelInfo") -> tuple[dict[int, int], dict[int, float]]:
    """Channel → class id, for the project's classes that a model knows under whatever name; class id → the score from
    which on its boxes are shown. Nothing is added to the project.
    """
    knows = known_classes(info.classes, info.category_ids, info.thresholds)
    present = {item.id for item in project.classes()}
    mapped = map_classes(
        knows,
        project.classes(),
        class_map=project.passes.class_map(knows),
        former=project.settings.get(FORMER_NAMES, {}),
        new_ids=count(-1, -1),
    )
    class_ids = {channel: class_id for channel, class_id in mapped.class_ids.items() if class_id in present}
    if not class_ids:
        raise LabelError("The model knows none of the project's classes; map them first (Classes of the model…).")
    return class_ids, {class_id: mapped.thresholds[class_id] for class_id in class_ids.values()}


def stamp(of: TrainingData) -> str:
    """What changes with the labels of the validation images."""
    on_side = of.validates[of.owners]
    parts = (of.image_ids[of.validates], of.image_ids[of.owners][on_side], of.kinds[on_side], of.boxes[on_side])
    return hashlib.blake2b(b"".join(part.tobytes() for part in parts), digest_size=16).hexdigest()


def read_report(path: Path) -> Report | None:
    """A report that was kept; None where there is none, or it is damaged or of another version."""
    try:
        values = json.loads(path.read_text("utf-8"))
        for name in ("class_ap", "curves", "thresholds"):
            values[name] = {int(key): value for key, value in values[name].items()}
        values["curves"] = {key: tuple(curve) for key, curve in values["curves"].items()}
        return Report(**{**values, "outcomes": tuple(Outcome(**item) for item in values["outcomes"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _engine(source: str, device: str) -> Generator[Looked, None, tuple["Engine", "ModelInfo"]]:
    """A step at a time, so that it can be ended: an engine that leaves nothing out, and what the model says."""
    from detector.inference.sources import open_source

    for _ in make_ready(Task((), source, device)):
        yield Looked(0, 0, "")
    opened = open_source(source, device=device)
    return opened.engine(floor=0.0, leave_free=1), opened.info


def _look(engine: "Engine", paths: Mapping[int, Path], found: dict[int, "Detections"]) -> Iterator[Looked]:
    """Fills `found`, by image id; what cannot be read is left out."""
    from detector.inference.predictor import Prediction, Predictor

    with closing(Predictor(engine).run(paths.values())) as results:
        for done, (image_id, outcome) in enumerate(zip(paths, results, strict=True), 1):
            if isinstance(outcome, Prediction):
                found[image_id] = outcome.detections
            yield Looked(done, len(paths), engine.device)


def _path(project: Project, source: str) -> Path | None:
    """Where the report of a model is kept: by its weights, so that another file of the same name has its own."""
    file = model_path(source)
    return project.home / FOLDER / f"{file_key(file)[:24]}.json" if file.is_file() else None
