"""auto-label: a folder of pictures becomes a COCO file, or a folder of YOLO or VOC labels."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Option

from detector.commands.console import answer, say, warn
from detector.commands.options import BatchSize, ClassFile, DeviceName, Exact, ModelName, Tiled, VariantName
from detector.commands.shards import is_shared, own_device, run_shared, shards
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.formats import Written
from detector.data.project.records import pass_key
from detector.errors import OptionsError, ProjectError
from detector.files import file_key

if TYPE_CHECKING:
    from detector.inference.predictor import Failure, Prediction, Predictor
    from detector.model.info import ModelInfo

RESULTS_FLOOR = 0.05
Pictures = list[tuple[int | None, Path]]  # with the image ids they must get, if any
Classes = Mapping[int, ObjectClass]  # by the model's channel


def auto_label(
    folder: Annotated[Path, Argument(metavar="FOLDER", help="The pictures in it and its folders are labelled.")],
    model: ModelName = "",
    out: Annotated[Path | None, Option(help="The COCO file, or the new YOLO or VOC folder, to write.")] = None,
    written: Annotated[Written, Option("--format", help="What to write.")] = Written.COCO,
    copy_images: Annotated[bool, Option("--copy-images", help="Copy the pictures, too.")] = False,
    into_project: Annotated[bool, Option("--into-project", help="Put predictions into the folder's project.")] = False,
    score: Annotated[float | None, Option(min=0, max=1, help="Lowest score; default: the model's, or 0.35.")] = None,
    results: Annotated[Path | None, Option(help="Write COCO results, too, down to --score or 0.05.")] = None,
    only: Annotated[list[str] | None, Option(metavar="CLASS", help="Look for this class; may be repeated.")] = None,
    ids: Annotated[Path | None, Option(help="A COCO file: label its images and classes, under its ids.")] = None,
    tiled: Tiled = False,
    exact: Exact = False,
    variant: VariantName = None,
    classes: ClassFile = None,
    device: DeviceName = "auto",
    batch: BatchSize = None,
) -> None:
    """Label the pictures of a folder; write the boxes, or put them as proposals into the folder's project.

    Pictures that cannot be read are listed at the end; exits with 1 only where none can.
    """
    if (out is None) != into_project:
        raise BadParameter("name a file to write (--out), or --into-project.")
    if into_project and (results or ids or score is not None or copy_images or written is not Written.COCO):
        raise BadParameter("--into-project keeps all predictions; leave the options for files out.")
    if into_project and is_shared():
        raise BadParameter("a project is written to by one process; leave torchrun or --into-project out.")
    if tiled and exact:
        raise BadParameter("the reference knows no tiles; leave --tiles or --exact out.")
    from detector.commands.prediction import ShownPredictor
    from detector.data import coco
    from detector.inference.sources import open_source
    from detector.model.weights import model_file

    for path in filter(None, (out, results)):
        _check_writable(path, as_folder=path is out and written is not Written.COCO)
    model = model or _default_model()
    with shards() as ranks:
        opened = open_source(model, device=own_device(device), exact=exact, variant=variant, classes=classes)
        info, wanted = opened.info, channel_classes(opened.info.classes, opened.info.category_ids, only or [])
        if out is None:
            predictor = ShownPredictor(opened.engine(channels=wanted, batch=batch))
            key = "" if only or classes or variant else file_key(model_file(model))  # then no window looks for more
            _label_project(folder, predictor, model, key=pass_key(key, tiled=tiled), wanted=wanted, info=info)
            return
        pictures, wanted = _pictures(folder, ids, info.classes, wanted)
        least = {item.id: info.threshold(c) if score is None else score for c, item in wanted.items()}
        floor = min(RESULTS_FLOOR, *least.values()) if score is None else score
        predictor = ShownPredictor(opened.engine(floor=floor, channels=wanted, batch=batch))
        outcomes = run_shared(predictor, [path for _, path in pictures], ranks, tiled=tiled)
        if ranks is not None and not ranks.is_main:
            return
        images, boxes = _labelled(folder, outcomes, pictures, wanted)
    kept = tuple(box for box in boxes if box.score is not None and box.score >= least[box.class_id])
    dataset = Dataset(tuple(images), tuple(wanted.values()), kept)
    _write(dataset, folder, out, written, copy_images=copy_images)
    if results:
        coco.write_results(boxes, results)
    answer(f"{out}: {len(kept)} boxes in {len(images)} images")


def _write(dataset: Dataset, folder: Path, out: Path, written: Written, *, copy_images: bool) -> None:
    from detector.data import labels

    paths = {image.id: folder / image.path for image in dataset.images}
    warn([f"{problem}." for problem in labels.write(dataset, out, written, paths=paths, copy_images=copy_images)])


def _pictures(folder: Path, ids: Path | None, names: Sequence[str | None], wanted: Classes) -> tuple[Pictures, Classes]:
    """What is to be labelled: all pictures of the folder, or those that a COCO file lists; and the classes' ids."""
    from detector.data.images import list_images

    if ids is None:
        return [(None, path) for path in list_images(folder)], wanted
    return _listed(ids, folder, names, wanted)


def _labelled(
    folder: Path, outcomes: Iterable["Prediction | Failure"], pictures: Pictures, wanted: Classes
) -> tuple[list[ImageEntry], list[Box]]:
    """The pictures that could be read, and what was found in them; says which could not."""
    from detector.commands.prediction import report_failures
    from detector.inference.predictor import Prediction

    images: list[ImageEntry] = []
    boxes: list[Box] = []
    failures: list[Failure] = []
    for (listed_id, path), outcome in zip(pictures, outcomes, strict=True):
        if isinstance(outcome, Prediction):
            image_id = len(images) + 1 if listed_id is None else listed_id
            name = Path(os.path.relpath(path, folder)).as_posix()
            images.append(ImageEntry(image_id, name, outcome.width, outcome.height))
            boxes += scored_boxes(outcome, image_id, wanted)
        else:
            failures.append(outcome)
    report_failures(failures, len(pictures))
    return images, boxes


def _label_project(
    folder: Path, predictor: "Predictor", model: str, *, key: str, wanted: Classes, info: "ModelInfo"
) -> None:
    """One pass over the images of a project that no window has open; `key` tells the model. Raises ProjectError."""
    from detector.data.project.store import Project
    from detector.events import ImageFailed
    from detector.inference.labelling import label

    source = str(Path(model).absolute()) if Path(model).is_file() else model
    project = Project.open(folder)
    with closing(project):
        if project.read_only is not None:
            raise ProjectError(f"{project.read_only} Close that window, or label there.")
        if project.rescued is not None:
            say(f"warning: {project.rescued.message(folder)}")
        for _ in project.scan():
            pass
        images = [image for image in project.images() if not image.ignored and not image.missing]
        pass_ = project.passes.begin(
            model=Path(source).stem,
            source=source,
            names=[wanted[c].name if c in wanted else None for c in range(len(info.classes))],
            category_ids=info.category_ids,
            thresholds=info.thresholds,
            model_key=key,
        )
        failed = [event for event in label(project, predictor, pass_, images) if isinstance(event, ImageFailed)]
    for event in failed:
        say(f"error: {event.message}")
    if len(failed) == len(images):
        raise ProjectError(f"{folder}: none of its {len(images)} images could be read.")
    answer(f"{folder}: {len(images) - len(failed)} images labelled; open it in the window to review")


def channel_classes(names: Sequence[str | None], ids: Sequence[int], only: Sequence[str]) -> Classes:
    """The model's named channels, of those in `only` if any, as classes of a data set. Raises OptionsError."""
    named = {c: ObjectClass(ids[c], name) for c, name in enumerate(names) if name is not None}
    known = {item.name for item in named.values()}
    if unknown := [name for name in only if name not in known]:
        raise OptionsError(f"The model does not know “{unknown[0]}”; it knows {', '.join(sorted(known))}.")
    return {c: item for c, item in named.items() if not only or item.name in only}


def scored_boxes(prediction: "Prediction", image_id: int, classes: Classes) -> Iterator[Box]:
    """The detections in an image as boxes cut off at its borders; what lies outside altogether is left out."""
    from detector.boxes import clip

    found = prediction.detections
    clipped = clip(found.boxes, prediction.width, prediction.height).tolist()
    for (x1, y1, x2, y2), score, channel in zip(clipped, found.scores.tolist(), found.channels.tolist(), strict=True):
        if x1 < x2 and y1 < y2:
            yield Box(image_id, classes[channel].id, (x1, y1, x2, y2), score=score)


def _listed(ids: Path, folder: Path, names: Sequence[str | None], wanted: Classes) -> tuple[Pictures, Classes]:
    """The pictures that a COCO file lists, and those of its classes that are wanted, under its ids."""
    from detector.commands.data import match_classes, read_labelled

    listed = read_labelled(ids, folder)
    matched = match_classes(names, listed.dataset, otherwise="not looked for")
    by_id = {item.id: item for item in listed.dataset.classes}
    theirs = {channel: by_id[class_id] for channel, class_id in matched.items() if channel in wanted}
    if not theirs:
        raise OptionsError(f"{ids} has none of the classes asked for; leave --only out.")
    return [(image.id, listed.paths[image.id]) for image in listed.dataset.images if image.id in listed.paths], theirs


def _default_model() -> str:
    """The model where none was named, and what it is, to stderr."""
    from detector.model.info import read_info
    from detector.model.weights import PUBLISHED, STARTER, default_model

    name, d0 = default_model(), PUBLISHED["d0"]
    if name != "starter":
        say(f"No --model: {d0.title} with its COCO weights.")
    else:
        known = ", ".join(filter(None, read_info(STARTER).classes))
        fetched = f"`weights get d0` fetches COCO's 80 classes ({d0.megabytes} MB)"
        say(f"No --model, and no COCO weights here: the starter, which knows {known} only; {fetched}.")
    return name


def _check_writable(path: Path, *, as_folder: bool) -> None:
    """Raises OptionsError before hours of work where their outcome could not be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_folder and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OptionsError(f"{path} is there already; name a new folder.")
    if (path.is_dir() and not as_folder) or not os.access(path.parent, os.W_OK):
        raise OptionsError(f"{path} cannot be written; choose another place.")
