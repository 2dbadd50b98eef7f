"""A pass brings predictions and classes, touches no box, and can be undone; cache.db can go at any time."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detector.boxes import Detections
from detector.data.project.cache import pack, unpack
from detector.data.project.colours import class_colour
from detector.data.project.home import NAME
from detector.data.project.records import Change, Pass
from detector.data.project.store import Project
from detector.errors import ProjectError

NAMES = ("bolt", None, "nut")


def begin(project: Project, names=NAMES, model="Model", thresholds=None) -> Pass:
    ids = tuple(range(11, 11 + len(names)))
    return project.passes.begin(
        model=model,
        source="d0",
        names=names,
        category_ids=ids,
        thresholds={"bolt": 0.2} if thresholds is None else thresholds,
    )


def found(*scores: float, channel: int = 0) -> Detections:
    boxes = np.array([(n, n, n + 10, n + 10.5) for n in range(len(scores))], np.float32).reshape(-1, 4)
    numbers = np.arange(len(scores))
    return Detections(boxes, np.array(scores, np.float32), np.full(len(scores), channel), numbers + 70_000)


def same(a: Detections, b: Detections) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("boxes", "scores", "channels", "anchors")
    )


def seen(project: Project, image_id: int) -> tuple[Pass, Detections]:
    got = project.predictions.of(image_id)
    assert got
    return got


@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 9), st.just(5))), st.data())
def test_predictions_are_kept_exactly(numbers, data):
    count = len(numbers)
    channels = np.array(data.draw(st.lists(st.integers(0, 2**16 - 1), min_size=count, max_size=count)), np.int64)
    anchors = np.array(data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=count, max_size=count)), np.int64)
    detections = Detections(numbers[:, :4], numbers[:, 4], channels, anchors)
    got = unpack(pack(detections))
    assert got.boxes.tobytes() == np.ascontiguousarray(detections.boxes).tobytes()
    assert got.scores.tobytes() == np.ascontiguousarray(detections.scores).tobytes()
    assert (got.channels.tolist(), got.anchors.tolist()) == (channels.tolist(), anchors.tolist())


def test_a_pass_brings_the_classes_that_the_project_lacks(project: Project, add_class):
    nut = add_class(project, "Nut")
    made = begin(project)
    mine, bolt = project.classes()
    assert mine == nut
    assert (bolt.name, bolt.category_id, bolt.position, bolt.pass_id) == ("bolt", 11, 1, made.id)
    assert bolt.colour == class_colour(1)
    assert made.class_ids == {0: bolt.id, 2: nut.id}
    assert made.thresholds == {bolt.id: 0.2, nut.id: 0.35}
    assert project.passes.all() == (made,)
    again = begin(project)
    assert again.class_ids == made.class_ids
    assert again.id > made.id
    assert len(project.classes()) == 2


def test_channels_of_one_name_share_a_class_and_category_ids_stay_unique(project: Project, add_class):
    add_class(project, "screw")  # has category 1
    made = project.passes.begin(
        model="M", source="m", names=("a", "a", "b"), category_ids=(1, 1, 1), thresholds={"a": 0.5}
    )
    assert made.class_ids[0] == made.class_ids[1] != made.class_ids[2]
    assert sorted(item.category_id for item in project.classes()) == [1, 2, 3]
    assert begin(project, ("a", "a")).class_ids == {0: made.class_ids[0], 1: made.class_ids[0]}


def test_the_newest_active_pass_that_saw_the_image_counts(project: Project):
    one, two, three, _ = (image.id for image in project.images())
    first, second = begin(project), begin(project)
    project.predictions.put(first.id, [(one, found(0.9)), (two, found(0.8))])
    project.predictions.put(second.id, [(two, found(0.7, 0.6))])
    assert seen(project, one)[0] == first
    assert seen(project, two)[0] == second
    assert project.predictions.of(three) is None
    everything = {image_id: (pass_.id, len(d)) for image_id, pass_, d in project.predictions.all()}
    assert everything == {one: (first.id, 1), two: (second.id, 2)}
    assert (project.predictions.seen_by(first.id), project.predictions.seen_by(second.id)) == ([one, two], [two])
    project.passes.set_active(second.id, False)
    pass_, got = seen(project, two)
    assert pass_ == first
    assert same(got, found(0.8))
    project.passes.set_active(second.id, True)
    assert same(seen(project, two)[1], found(0.7, 0.6))
    project.predictions.put(second.id, [(two, found())])  # seen again, nothing there
    assert len(seen(project, two)[1]) == 0


def test_undoing_a_pass_takes_its_classes_back_unless_used(project: Project, add_class, draw):
    screw = add_class(project, "screw")
    made = begin(project)
    _, bolt, nut = project.classes()
    box = draw(project, project.images()[0], bolt)
    project.passes.set_active(made.id, False)
    assert project.classes() == (screw, bolt)
    assert project.boxes(box.image_id) == (box,)
    assert project.passes.all() == (replace(made, active=False, class_ids={0: bolt.id}),)
    project.passes.set_active(made.id, True)
    assert project.classes() == (screw, bolt, nut)
    assert project.passes.all() == (made,)
    other = begin(project, ("nut",))
    project.passes.set_active(made.id, False)
    assert project.classes() == (screw, bolt, nut)  # the other pass has it, too
    project.passes.set_active(other.id, False)
    assert project.classes() == (screw, bolt)
    assert begin(project, ("nut",)).class_ids == {0: nut.id}
    assert project.classes() == (screw, bolt, nut)


def test_a_removed_class_has_no_channel_until_that_is_undone(project: Project):
    made = begin(project)
    bolt, nut = project.classes()
    removal = Change(classes=((bolt, None),))
    project.apply(removal)
    assert [item.class_ids for item in project.passes.all()] == [{2: nut.id}]
    project.apply(removal.inverse())
    assert project.passes.all() == (made,)
    assert project.classes() == (bolt, nut)


def test_passes_last(opened: Callable[..., Project]):
    project = opened()
    made = begin(project, model="D0 \udc80")
    project.predictions.put(made.id, [(1, found(0.5))])
    project.close()
    pass_, got = seen(opened(), 1)
    assert pass_ == made
    assert same(got, found(0.5))


@pytest.mark.parametrize("damage", ["gone", "nonsense", "cut short", "another version", "foreign"])
def test_a_cache_that_is_gone_or_damaged_is_made_anew(opened: Callable[..., Project], folder: Path, damage: str):
    project = opened()
    made = begin(project)
    for number in range(200):
        project.predictions.put(made.id, [(number, found(*[0.5] * 20))])
    project.close()
    path = folder / NAME / "cache.db"
    if damage == "gone":
        path.unlink()
    elif damage == "nonsense":
        path.write_bytes(b"no database" * 1000)
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA user_version = 99" if damage == "another version" else "DROP TABLE predictions")
            raw.commit()
    project = opened()
    assert project.predictions.of(1) is None
    assert project.passes.all() == (made,)
    assert len(project.classes()) == 2
    project.predictions.put(made.id, [(1, found(0.9))])
    assert same(seen(project, 1)[1], found(0.9))


def test_a_cache_that_another_window_uses_is_never_taken_away(opened: Callable[..., Project], monkeypatch):
    project = opened()
    made = begin(project)
    project.predictions.put(made.id, [(1, found(0.9))])
    other = project.connect()
    monkeypatch.setattr("detector.data.project.database.BUSY_SECONDS", 0)
    with project.cache._database.transaction():
        third = project.connect()
        assert same(seen(third, 1)[1], found(0.9))
        with pytest.raises(ProjectError, match="another program holds it"):
            third.predictions.put(made.id, [(2, found(0.9))])
        third.close()
    other.predictions.put(made.id, [(2, found(0.8))])
    other.close()
    assert same(seen(project, 2)[1], found(0.8))


def test_damage_of_the_cache_while_it_is_open_reads_as_nothing(opened: Callable[..., Project], folder: Path):
    project = opened()
    made = begin(project)
    for number in range(300):
        project.predictions.put(made.id, [(number, found(*[0.5] * 20))])
    project.close()
    path = folder / NAME / "cache.db"
    data = bytearray(path.read_bytes())
    data[8192:-8192] = b"\xa5" * (len(data) - 16384)
    path.write_bytes(data)
    project = opened()
    assert [project.predictions.of(number) for number in range(300)].count(None) > 200
    assert len(list(project.predictions.all())) < 300
