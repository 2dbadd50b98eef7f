"""Auto-labelling on the worker's side: the model, what it has not seen yet, the pass."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.models import choice
from detector.data.project.predictions import Coverage
from detector.data.project.records import Pass, ProjectImage, pass_key
from detector.data.project.store import Project
from detector.events import ImagesLabelled, LabellingEvent
from detector.files import file_key
from detector.loading import load_torch, pausing
from detector.model.weights import model_path

if TYPE_CHECKING:
    from detector.inference.predictor import Predictor
    from detector.model.info import ModelInfo

COPIED_AT_ONCE = 500  # images whose predictions are copied in one transaction, which takes some milliseconds


@dataclass(frozen=True)
class Task:
    """What is to be labelled with which model. again: also what that model has seen; planned: if it is cut short it can
    go on later; tiled: large pictures in tiles, too; begun: the pass that goes on so, of whose `total` images `images`
    are left.
    """

    images: tuple[ProjectImage, ...]
    source: str
    device: str
    again: bool = False
    planned: bool = True
    tiled: bool = False
    begun: Pass | None = None
    total: int = 0


@dataclass(frozen=True)
class PassBegan:
    """The pass is in the store. device: in words, where it runs; kept: images that need no labelling, since they show
    what this model has found before; brought: classes that the project did not have.
    """

    pass_: Pass
    device: str
    kept: int = 0
    brought: int = 0


@dataclass(frozen=True)
class AllKnown:
    """There is nothing to do: all images show what this model has found."""

    model: str


@dataclass(frozen=True)
class ModelChanged:
    """The pass cannot go on: the file of its model holds another model now."""

    model: str


@dataclass(frozen=True)
class Engine:
    """A model ready for work; `stamp` tells whether its file has changed since, `key` is the file's sha256."""

    source: str
    stamp: float
    wanted: str
    device: str
    key: str
    info: "ModelInfo"
    predictor: "Predictor"


class Engines:
    """Keeps the model that was used last."""

    def __init__(self) -> None:
        self.loaded: Engine | None = None

    def get(self, source: str, wanted: str) -> Engine:
        """The model that is loaded, or else another one loaded now. Raises CheckpointError, DeviceError."""
        from detector.inference.predictor import Predictor
        from detector.inference.sources import open_source

        path = model_path(source)
        stamp = path.stat().st_mtime if path.is_file() else 0.0
        loaded = self.loaded
        if loaded is None or (loaded.source, loaded.stamp, loaded.wanted) != (source, stamp, wanted):
            self.loaded = loaded = None  # before the next one takes its memory
            opened = open_source(source, device=wanted)
            engine = opened.engine(leave_free=1)  # to the window
            loaded = Engine(source, stamp, wanted, engine.device, file_key(path), opened.info, Predictor(engine))
            self.loaded = loaded
        return loaded

    def forget(self) -> None:
        """Free the device's memory."""
        if self.loaded is not None:
            from detector.device import free_memory

            self.loaded = None
            free_memory()


def work(engines: Engines, project: Project, task: Task) -> Iterator[Any]:
    """Loads the model, begins the pass or goes on with it, labels; events as it gets on. Closing it ends the work."""
    yield from make_ready(task)
    engine = yield from pausing(lambda: engines.get(task.source, task.device))
    worker = project.connect()
    try:
        if task.begun is not None:
            yield from _go_on(worker, engine, task, task.begun)
        else:
            yield from _begin(worker, engine, task)
    finally:
        worker.close()


def make_ready(task: Task) -> Iterator[None]:
    """What takes long before a model can be opened, in steps between which the work can be ended."""
    from detector.device import is_cpu
    from detector.inference.sources import OnnxSource

    if is_cpu(task.device):
        yield from OnnxSource(task.source).make_graph()
    else:
        yield from pausing(load_torch)


def _begin(worker: Project, engine: Engine, task: Task) -> Iterator[Any]:
    key = pass_key(engine.key, tiled=task.tiled)
    coverage = Coverage(frozenset(), {}) if task.again else worker.predictions.coverage(key, task.images)
    images = [image for image in task.images if image.id not in coverage.shown]
    name = choice(task.source).name
    if not images:
        yield AllKnown(f"{name} in tiles" if task.tiled else name)
        return
    info, before = engine.info, len(worker.classes())
    pass_ = worker.passes.begin(
        model=name,
        source=task.source,
        names=info.classes,
        category_ids=info.category_ids,
        thresholds=info.thresholds,
        model_key=key,
    )
    if task.planned:
        worker.passes.plan(pass_.id, [image.id for image in images])
    yield PassBegan(pass_, engine.device, len(coverage.shown), len(worker.classes()) - before)
    yield from _copied(worker, pass_, coverage.stored, total=len(images))
    left = [image for image in images if image.id not in coverage.stored]
    yield from _label(worker, engine, pass_, left, total=len(images), planned=task.planned)


def _go_on(worker: Project, engine: Engine, task: Task, begun: Pass) -> Iterator[Any]:
    if pass_key(engine.key, tiled=begun.tiled) != begun.model_key:
        worker.passes.end_plan()
        yield ModelChanged(begun.model)
        return
    yield PassBegan(begun, engine.device)
    yield from _label(worker, engine, begun, list(task.images), total=task.total, planned=True)


def _copied(worker: Project, pass_: Pass, stored: Mapping[int, int], *, total: int) -> Iterator[ImagesLabelled]:
    """What the model has found in an earlier pass that is not the last one to be seen, or was undone."""
    rest, done = iter(stored.items()), 0
    while chunk := dict(islice(rest, COPIED_AT_ONCE)):
        worker.predictions.copy(pass_.id, chunk)
        done += len(chunk)
        yield ImagesLabelled(tuple(chunk), done, total)


def _label(
    worker: Project, engine: Engine, pass_: Pass, images: list[ProjectImage], *, total: int, planned: bool
) -> Iterator[LabellingEvent | None]:
    """The images that are left of `total`; when all are seen the plan is fulfilled."""
    from detector.inference.labelling import label

    before = total - len(images)
    for event in label(worker, engine.predictor, pass_, images):
        is_progress = isinstance(event, ImagesLabelled)
        yield replace(event, done=before + event.done, total=total) if is_progress else event
    if planned:
        worker.passes.end_plan()
