"""Whatever a gesture changes, taking it back restores every row exactly, and so does doing it again."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, Rejection, State
from detector.data.project.store import Project
from detector.data.split import Side

numbers = st.floats(allow_nan=False, allow_infinity=False)
corners = st.tuples(numbers, numbers, numbers, numbers)
texts = st.text(st.characters(), max_size=5)  # lone surrogates included
extras = st.dictionaries(texts, st.none() | texts | st.integers() | numbers, max_size=2)
flags = st.fixed_dictionaries({name: st.booleans() for name in ("iscrowd", "occluded", "truncated", "difficult")})
Rows = dict[str, dict[int, Any]]


class Gestures(RuleBasedStateMachine):
    """Changes of all kinds with undo and redo, beside a plain model of what must be stored."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        for name in ("a.png", "b.png"):
            (self.folder / name).touch()
        self.project = Project.open(self.folder)
        list(self.project.scan())
        self.done: list[tuple[Change, Rows]] = []
        self.undone: list[tuple[Change, Rows]] = []
        self.rows: Rows = {"boxes": {}, "rejections": {}, "classes": {}}
        self.rows["images"] = {image.id: image for image in self.project.images()}

    def teardown(self) -> None:
        self.project.close()
        rmtree(self.folder)

    def do(self, change: Change) -> None:
        self.project.apply(change)
        self.done.append((change, {name: dict(rows) for name, rows in self.rows.items()}))
        self.undone.clear()
        for name, rows in self.rows.items():
            for before, after in getattr(change, name):
                if before is not None:
                    del rows[before.id]
                if after is not None:
                    rows[after.id] = after

    @initialize(names=st.lists(texts, min_size=1, max_size=2))
    def add_classes(self, names: Iterable[str]) -> None:
        made = [ProjectClass(self.project.new_id(), name, "#000000", n, n) for n, name in enumerate(names)]
        self.do(Change(classes=tuple((None, item) for item in made)))
        self.done.clear()  # one class there always is

    @rule(data=st.data())
    def draw(self, data: st.DataObject) -> None:
        image = data.draw(st.sampled_from(sorted(self.rows["images"])))
        self.do(Change(boxes=tuple((None, self._box(data, image)) for _ in range(data.draw(st.integers(1, 3))))))

    @rule(data=st.data())
    def change_and_delete_boxes(self, data: st.DataObject) -> None:
        chosen = [box for box in self.rows["boxes"].values() if data.draw(st.booleans())]
        pairs = [(box, data.draw(st.none() | st.just(self._box(data, box.image_id, box.id)))) for box in chosen]
        self.do(Change(boxes=tuple(pairs)))

    @rule(data=st.data())
    def review(self, data: st.DataObject) -> None:
        image = data.draw(st.sampled_from(list(self.rows["images"].values())))
        after = replace(
            image,
            state=data.draw(st.sampled_from(State)),
            split=data.draw(st.none() | st.sampled_from(Side)),
            ignored=data.draw(st.booleans()),
            note=data.draw(texts),
        )
        class_id = data.draw(st.sampled_from(sorted(self.rows["classes"])))
        rejection = Rejection(self.project.new_id(), image.id, class_id, data.draw(corners))
        box = self._box(data, image.id)
        self.do(Change(boxes=((None, box),), rejections=((None, rejection),), images=((image, after),)))

    @rule(data=st.data())
    def change_a_class(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(list(self.rows["classes"].values())))
        after = replace(item, name=data.draw(texts), position=data.draw(st.integers(0, 9)), extra=data.draw(extras))
        self.do(Change(classes=((item, after),)))

    @rule()
    def remove_a_class_with_its_boxes(self) -> None:
        if len(self.rows["classes"]) > 1:
            item = next(iter(self.rows["classes"].values()))
            boxes = [(box, None) for box in self.rows["boxes"].values() if box.class_id == item.id]
            self.do(Change(boxes=tuple(boxes), classes=((item, None),)))

    @rule()
    def undo(self) -> None:
        if self.done:
            change, before = self.done.pop()
            self.undone.append((change, self.rows))
            self.project.apply(change.inverse())
            self.rows = before

    @rule()
    def redo(self) -> None:
        if self.undone:
            change, after = self.undone.pop()
            self.done.append((change, self.rows))
            self.project.apply(change)
            self.rows = after

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.folder)

    @invariant()
    def the_store_holds_what_it_should(self) -> None:
        project = self.project
        images = {image.id: image for image in project.images()}
        assert images == self.rows["images"]
        assert {item.id: item for item in project.classes()} == self.rows["classes"]
        assert {box.id: box for id in images for box in project.boxes(id)} == self.rows["boxes"]
        assert {item.id: item for id in images for item in project.rejections(id)} == self.rows["rejections"]

    def _box(self, data: st.DataObject, image_id: int, box_id: int | None = None) -> ProjectBox:
        return ProjectBox(
            self.project.new_id() if box_id is None else box_id,
            image_id,
            data.draw(st.sampled_from(sorted(self.rows["classes"]))),
            data.draw(corners),
            data.draw(st.sampled_from(Origin)),
            data.draw(st.none() | texts),
            data.draw(st.none() | numbers),
            extra=data.draw(extras),
            **data.draw(flags),
        )


TestGestures = Gestures.TestCase
TestGestures.settings = settings(max_examples=30, stateful_step_count=15)


def test_a_gesture_is_taken_back_in_the_reverse_order(tmp_path: Path) -> None:
    """A row may occur more than once in a change: moved, then moved again."""
    (tmp_path / "a.png").touch()
    project = Project.open(tmp_path)
    list(project.scan())
    item = ProjectClass(project.new_id(), "bolt", "#000000", 0, 1)
    project.apply(Change(classes=((None, item),)))
    first = ProjectBox(project.new_id(), 1, item.id, (0.0, 0.0, 1.0, 1.0), Origin.DRAWN)
    second, third = replace(first, xyxy=(0.0, 0.0, 2.0, 2.0)), replace(first, xyxy=(0.0, 0.0, 3.0, 3.0))
    project.apply(Change(boxes=((None, first),)))
    change = Change(boxes=((first, second), (second, third)))
    project.apply(change)
    assert project.boxes(1) == (third,)
    project.apply(change.inverse())
    assert project.boxes(1) == (first,)
    project.close()
