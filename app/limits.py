"""From which score on predictions are proposals, and which classes are out of sight, as a project remembers it."""

from dataclasses import replace

from detector.data.project.proposals import Limits
from detector.data.project.records import Change, KeptSetting
from detector.data.project.store import Project

THRESHOLD, CLASS_THRESHOLDS, HIDDEN = "threshold", "class-thresholds", "hidden-classes"  # settings of the project


def read_limits(project: Project) -> Limits:
    """What the project remembers. Raises ProjectError."""
    overall, by_class = project.settings.get(THRESHOLD), project.settings.get(CLASS_THRESHOLDS)
    scores = by_class if isinstance(by_class, dict) else {}
    return Limits(
        float(overall) if isinstance(overall, int | float) else None,
        {int(class_id): float(score) for class_id, score in scores.items()},
        hidden_classes(project),
    )


def hidden_classes(project: Project) -> frozenset[int]:
    """Ids of the classes whose boxes and proposals are out of sight. Raises ProjectError."""
    hidden = project.settings.get(HIDDEN)
    return frozenset(hidden if isinstance(hidden, list) else ())


def keep_thresholds(project: Project, before: Limits, now: Limits) -> None:
    """Remember what has changed of them; which classes are hidden is a step of undo, see class_verbs."""
    if now.overall != before.overall:
        project.settings.put({THRESHOLD: now.overall})
    if now.by_class != before.by_class:
        project.settings.put({CLASS_THRESHOLDS: {str(class_id): score for class_id, score in now.by_class.items()}})


def showing(project: Project, limits: Limits, change: Change) -> Change:
    """A change that also shows the classes that boxes get by it: what one draws must be seen. Raises ProjectError."""
    got = {
        after.class_id for before, after in change.boxes if after and (not before or before.class_id != after.class_id)
    }
    if not got & limits.hidden or change.settings:
        return change
    pair = KeptSetting(HIDDEN, project.settings.get(HIDDEN)), KeptSetting(HIDDEN, sorted(limits.hidden - got))
    return replace(change, settings=(pair,))


def with_class(limits: Limits, class_id: int, score: float | None) -> Limits:
    """The limits with another threshold for one class; None: it has none of its own."""
    others = {known: value for known, value in limits.by_class.items() if known != class_id}
    return replace(limits, by_class=others if score is None else {**others, class_id: score})
