"""A report in rows: by class, and which class was taken for which; each number knows the images behind it."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from app.background.evaluation_work import Report
from app.image_filter import ImageGroup
from app.widgets.plain_table import Cell
from detector.data.project.records import ProjectClass
from detector.training.confusion import Outcome

NOTHING = "nothing there"
MISSED = "missed"
NONE = "–"


def class_rows(report: Report, classes: Sequence[ProjectClass]) -> list[list[Cell]]:
    """A row for each class that was there or was seen, with its AP and what became of its objects and detections."""
    return [_class_row(report, item) for item in _told_of(report, classes)]


def confusion_rows(report: Report, classes: Sequence[ProjectClass]) -> tuple[list[str], list[list[Cell]]]:
    """Titles and rows: what there is (a row each), and as what it was found (a column each)."""
    told = _told_of(report, classes)
    images: dict[tuple[int | None, int | None], list[int]] = defaultdict(list)
    for item in report.outcomes:
        images[item.truth, item.found].append(item.image_id)
    names: list[tuple[int | None, str]] = [(item.id, item.name) for item in told]
    columns = [*names, (None, MISSED)]
    rows = []
    for truth, name in [*names, (None, NOTHING)]:
        cells = [Cell(name, role="muted" if truth is None else "")]
        for found, title in columns:
            ids = images.get((truth, found), [])
            role = "muted" if not ids else "good" if truth == found else "bad"
            group = ImageGroup(f"{name} as {title}" if found != truth else f"{name} found", frozenset(ids))
            cells.append(Cell(f"{len(ids):,}" if ids else "·", role=role, value=group if ids else None))
        rows.append(cells)
    return ["Is \\ found as", *(title for _, title in columns)], rows


def _told_of(report: Report, classes: Sequence[ProjectClass]) -> list[ProjectClass]:
    seen = {class_id for item in report.outcomes for class_id in (item.truth, item.found)} | report.class_ap.keys()
    return [item for item in classes if item.id in seen]


def _class_row(report: Report, item: ProjectClass) -> list[Cell]:
    own, name = item.id, item.name

    def number(title: str, accepts: Callable[[Outcome], bool], role: str) -> Cell:
        ids = [outcome.image_id for outcome in report.outcomes if accepts(outcome)]
        group = ImageGroup(f"{name}: {title}", frozenset(ids)) if ids else None
        return Cell(f"{len(ids):,}", key=len(ids), role=role if ids else "muted", value=group)

    objects = number("all", lambda outcome: outcome.truth == own, "accent")
    found = number("found", lambda outcome: outcome.truth == outcome.found == own, "accent")
    confused = number("confused", lambda outcome: outcome.truth == own and outcome.found not in (own, None), "accent")
    missed = number("missed", lambda outcome: outcome.truth == own and outcome.found is None, "accent")
    false = number("false", lambda outcome: outcome.found == own and outcome.truth != own, "accent")
    right = found.key or 0.0
    ap, threshold = report.class_ap.get(own), report.thresholds.get(own)
    return [
        Cell(name, value=objects.value),
        _share(ap),
        *(objects, found, confused, missed, false),
        _share(right / (right + (false.key or 0)) if right + (false.key or 0) else None),
        _share(right / objects.key if objects.key else None),
        Cell("unknown to it" if threshold is None else f"{threshold:.2f}", key=threshold, role="muted"),
    ]


def _share(value: float | None) -> Cell:
    return Cell(NONE if value is None else f"{value:.2f}", key=value, role="muted" if value is None else "")
