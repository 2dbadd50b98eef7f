"""What a model has seen already, and a pass that was cut short: known after closing, as long as it is true."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detector.boxes import Detections
from detector.data.project.passes import Unfinished
from detector.data.project.predictions import Coverage
from detector.data.project.records import Pass
from detector.data.project.store import Project

Opener = Callable[..., Project]


def begin(project: Project, key: str = "k") -> Pass:
    return project.passes.begin(
        model="Model", source="m", names=("bolt",), category_ids=(1,), thresholds={}, model_key=key
    )


def found(score: float = 0.9) -> Detections:
    return Detections(np.array([[1, 2, 9, 9]], np.float32), np.array([score], np.float32), np.array([0]), np.array([5]))


def ids(project: Project) -> list[int]:
    return [image.id for image in project.images()]


@pytest.fixture
def seen(project: Project) -> Pass:
    """A pass that saw the first two images."""
    made = begin(project)
    project.predictions.put(made.id, [(image_id, found()) for image_id in ids(project)[:2]])
    return made


def coverage(project: Project, key: str = "k") -> Coverage:
    return project.predictions.coverage(key, project.images())


def test_what_a_model_has_found_is_known_by_its_key(project: Project, seen: Pass):
    assert coverage(project) == Coverage(frozenset(ids(project)[:2]), {})
    assert coverage(project, "another") == coverage(project, "") == Coverage(frozenset(), {})


def test_a_model_without_a_key_is_never_taken_for_another(project: Project):
    made = begin(project, key="")
    project.predictions.put(made.id, [(ids(project)[0], found())])
    assert coverage(project, "") == Coverage(frozenset(), {})


def test_a_picture_that_has_changed_is_unseen(project: Project, seen: Pass, folder: Path):
    first, second, *_ = project.images()
    os.utime(folder / first.path, ns=(1, 1))
    (folder / second.path).write_bytes((folder / second.path).read_bytes() + b" ")
    assert coverage(project) == Coverage(frozenset(), {})


def test_what_another_model_or_undo_covers_can_be_copied(project: Project, seen: Pass):
    first, second, third, _ = ids(project)
    other = begin(project, "other")
    project.predictions.put(other.id, [(second, found(0.5))])
    assert coverage(project) == Coverage(frozenset({first}), {second: seen.id})
    project.passes.set_active(seen.id, False)
    assert coverage(project) == Coverage(frozenset(), {first: seen.id, second: seen.id})
    again = begin(project)
    project.predictions.copy(again.id, {first: seen.id, second: seen.id})
    for image_id in (first, second):
        predicted = project.predictions.of(image_id)
        assert predicted is not None
        assert (predicted[0].id, predicted[1].scores.tolist()) == (again.id, found().scores.tolist())
    assert coverage(project).shown == {first, second}
    assert project.predictions.of(third) is None


def test_a_pass_that_was_cut_short_is_known_after_closing(opened: Opener):
    project = opened()
    assert project.passes.unfinished() is None
    made, (first, *rest) = begin(project), ids(project)
    project.passes.plan(made.id, ids(project))
    project.predictions.put(made.id, [(first, found())])
    project.close()
    project = opened()
    assert project.passes.unfinished() == Unfinished(made, tuple(rest), 4)
    project.passes.set_active(made.id, False)
    assert project.passes.unfinished() is None
    project.passes.set_active(made.id, True)
    project.passes.end_plan()
    assert project.passes.unfinished() is None


def test_a_plan_with_nothing_left_is_at_its_end(project: Project):
    made = begin(project)
    project.passes.plan(made.id, ids(project))
    project.predictions.put(made.id, [(image_id, found()) for image_id in ids(project)])
    assert project.passes.unfinished() is None


def test_the_order_of_the_plan_stays_and_the_last_plan_counts(project: Project):
    first, second = begin(project), begin(project)
    project.passes.plan(first.id, ids(project))
    project.passes.plan(second.id, ids(project)[::-1])
    assert project.passes.unfinished() == Unfinished(second, tuple(ids(project)[::-1]), 4)


def test_pictures_that_are_gone_are_not_waited_for(opened: Opener, folder: Path):
    project = opened()
    made = begin(project)
    project.passes.plan(made.id, ids(project))
    project.close()
    (folder / "2.png").unlink()
    project = opened()
    unfinished = project.passes.unfinished()
    assert unfinished is not None
    assert (len(unfinished.left), unfinished.total) == (3, 4)
