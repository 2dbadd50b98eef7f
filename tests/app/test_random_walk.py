"""A person who tries anything in any order: what is shown is always what is stored, undo takes all of it back, and no
box is lost but by a verb that takes boxes away.
"""

import random
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import document as document_module
from app import worker_results
from app.background.class_work import ClassWork
from app.background.image_work import ImageWork
from app.background.opening import read_index
from app.background.propagation import Propagation
from app.document import Document
from app.image_filter import FilterKind, ImageFilter, conditions
from app.image_order import ImageOrder, OrderKind
from app.jobs import Jobs
from app.limits import read_limits, with_class
from app.long_edits import LongEdits
from app.notifications import Notifications
from app.page import FLAGS, read_page
from app.tally import Tally
from app.verbs import box_verbs, class_verbs, copying, image_verbs, navigation, undoing
from app.verbs.flagging import toggle_flag
from app.verbs.reviewing import mark_empty, review
from app.widgets.image_menu import ImageVerb
from detector.data.project.records import Origin, ProjectBox
from detector.data.project.store import Project
from detector.data.split import Side

MakePass = Callable[..., None]
WIDTH, HEIGHT = 90, 60  # px, of the pictures of the fixture
STEPS = 150
TAKERS = {"delete", "cut", "remove_class_and_boxes", "undo", "redo", "edit_while_merging"}  # they may take boxes away
NAMES = ("bolt", "nut", "gear", "Überwurf", "spring")


class Walker:
    """Tries verbs at random, and waits until each one is done."""

    def __init__(self, seed: int, document: Document, jobs: Jobs, window: QWidget, make_pass: MakePass, qtbot: QtBot):
        self.random = random.Random(seed)
        self.document, self.jobs, self.qtbot, self.make_pass = document, jobs, qtbot, make_pass
        self.propagation = Propagation(document, jobs, Notifications())
        self.image_work = ImageWork(document, jobs, Notifications(), window)
        self.parts = ClassWork(document, jobs, window), LongEdits(document, jobs)
        self.passes = 0
        document.index_stale.connect(self._reread)
        self.verbs: dict[str, Callable[[], object]] = {
            name.removeprefix("do_"): getattr(self, name) for name in dir(self) if name.startswith("do_")
        }

    def step(self) -> str:
        """One verb; its name."""
        weights = {"draw": 4, "undo": 5, "redo": 3, "review": 3, "step": 3, "show": 3, "relabel": 2, "reshape": 2}
        names = sorted(self.verbs)
        (name,) = self.random.choices(names, [weights.get(name, 1) for name in names])
        self.verbs[name]()
        self.settle()
        return name

    def settle(self) -> None:
        """Until no worker has anything to do, and what it did is shown."""
        self.qtbot.waitUntil(lambda: not self.jobs.running and not self.document.busy)

    def _reread(self) -> None:
        project = self.document.project
        assert project is not None
        for event in read_index(project, dict(self.document.images)):
            self.document.set_index(event.index)

    # What there is to choose from

    def _keys(self) -> list[int]:
        shown = [box.key for box in self.document.shown]
        return self.random.sample(shown, self.random.randint(1, len(shown))) if shown else []

    def _images(self) -> list[int]:
        ids = list(self.document.images)
        return self.random.sample(ids, self.random.randint(1, len(ids)))

    def _class(self) -> int | None:
        classes = self.document.classes
        return self.random.choice(classes).id if classes else None

    def _rectangle(self) -> tuple[float, float, float, float]:
        """Also such as lie beyond the border, have their corners the wrong way round, or no area."""
        x1, x2 = (self.random.randint(-10, WIDTH + 10) for _ in range(2))
        y1, y2 = (self.random.randint(-10, HEIGHT + 10) for _ in range(2))
        return float(x1), float(y1), float(x2), float(y2)

    def _with_class(self, verb: Callable[..., object], *others: object) -> None:
        if (class_id := self._class()) is not None:
            verb(self.document, class_id, *others)

    # Verbs

    def do_draw(self) -> None:
        box_verbs.draw(self.document, self._rectangle())

    def do_reshape(self) -> None:
        box_verbs.reshape(self.document, {key: self._rectangle() for key in self._keys()})

    def do_relabel(self) -> None:
        if (class_id := self._class()) is not None:
            box_verbs.relabel(self.document, self._keys(), class_id)

    def do_select(self) -> None:
        self.document.set_selection(self._keys())

    def do_accept(self) -> None:
        box_verbs.accept(self.document, self._keys())

    def do_delete(self) -> None:
        box_verbs.delete(self.document, self._keys())

    def do_flag(self) -> None:
        toggle_flag(self.document, self.random.choice(FLAGS))

    def do_review(self) -> None:
        review(self.document)

    def do_mark_empty(self) -> None:
        mark_empty(self.document)

    def do_vouch(self) -> None:
        self.image_work.run(ImageVerb.REVIEW, self._images())

    def do_reopen(self) -> None:
        image_verbs.reopen(self.document, self._images())

    def do_ignore(self) -> None:
        image_verbs.set_ignored(self.document, self._images(), self.random.random() < 0.4)

    def do_side(self) -> None:
        image_verbs.set_side(self.document, self._images(), self.random.choice(list(Side)))

    def do_note(self) -> None:
        image_verbs.set_note(self.document, self.random.choice(list(self.document.images)), self.random.choice(NAMES))

    def do_undo(self) -> None:
        for _ in range(self.random.choice((1, 1, 2, 5))):
            undoing.undo(self.document)
            self.settle()

    def do_redo(self) -> None:
        for _ in range(self.random.choice((1, 1, 2, 5))):
            undoing.redo(self.document)
            self.settle()

    def do_step(self) -> None:
        navigation.step(self.document, self.random.choice((-1, 1, 1)))

    def do_show(self) -> None:
        self.document.show(self.random.choice(list(self.document.images)))

    def do_next_to_review(self) -> None:
        navigation.show_next_to_review(self.document)

    def do_filter(self) -> None:
        kind = self.random.choice([*FilterKind, FilterKind.ALL, FilterKind.TO_REVIEW])
        text = self.random.choice(("", "", "", "1", "nut"))
        class_id = self._class() if self.random.random() < 0.3 else None
        origin = self.random.choice([None, None, *Origin])
        self.document.set_filter(ImageFilter(kind, text, class_id, origin))

    def do_unfilter(self) -> None:
        self.document.set_filter(ImageFilter())

    def do_order(self) -> None:
        kind = self.random.choice([kind for kind in OrderKind if kind is not OrderKind.DATE])
        self.document.set_order(ImageOrder(kind, self.random.random() < 0.5))

    def do_threshold(self) -> None:
        overall = self.random.choice((None, 0.1, 0.4, 0.6, 0.9))
        self.document.set_limits(replace(self.document.limits, overall=overall))

    def do_class_threshold(self) -> None:
        if (class_id := self._class()) is not None:
            score = self.random.choice((None, 0.2, 0.7))
            self.document.set_limits(with_class(self.document.limits, class_id, score))

    def do_copy_and_paste(self) -> None:
        copying.copy(self.document, QGuiApplication.clipboard())
        navigation.step(self.document, self.random.choice((0, 1)))
        copying.paste(self.document, QGuiApplication.clipboard().text())

    def do_paste(self) -> None:
        copying.paste(self.document, QGuiApplication.clipboard().text())

    def do_cut(self) -> None:
        copying.cut(self.document, QGuiApplication.clipboard())

    def do_duplicate(self) -> None:
        copying.duplicate(self.document)

    def do_copy_previous(self) -> None:
        copying.copy_previous(self.document)

    def do_propagate(self) -> None:
        self.propagation.propagate(self.random.randint(1, 5))

    def do_propagate_and_merge(self) -> None:
        """Before the worker is done."""
        self.propagation.propagate(3)
        self.do_merge()

    def do_vouch_and_merge(self) -> None:
        """Before the worker is done."""
        self.do_vouch()
        self.do_merge()

    def do_add_class(self) -> None:
        class_verbs.add_class(self.document, self.random.choice(NAMES))

    def do_rename_class(self) -> None:
        self._with_class(class_verbs.rename_class, self.random.choice(NAMES))

    def do_recolour_class(self) -> None:
        self._with_class(class_verbs.recolour_class, self.random.choice(("#123456", "#abcdef")))

    def do_move_class(self) -> None:
        self._with_class(class_verbs.move_class, self.random.randint(0, 4))

    def do_hide_classes(self) -> None:
        ids = [item.id for item in self.document.classes]
        class_verbs.hide_classes(self.document, self.random.sample(ids, self.random.randint(0, min(1, len(ids)))))

    def do_show_classes(self) -> None:
        class_verbs.hide_classes(self.document, ())

    def do_remove_class(self) -> None:
        self._with_class(class_verbs.remove_class)

    def do_remove_class_and_boxes(self) -> None:
        if self.random.random() < 0.3:
            self._with_class(class_verbs.remove_with_boxes)

    def do_merge(self) -> None:
        into = self._class()
        if into is not None:
            self._with_class(class_verbs.merge_class, into)

    def do_edit_while_merging(self) -> None:
        """The person goes on at once; what is refused changes nothing."""
        self.do_merge()
        box_verbs.draw(self.document, self._rectangle())
        undoing.undo(self.document)

    def do_auto_label(self) -> None:
        project = self.document.project
        assert project is not None
        places = range(len(self.document.visible))
        found = {place: self._found() for place in self.random.sample(places, min(len(places), 3))}
        if found:
            self.make_pass(found, names=self.random.sample(NAMES, 2))
            worker_results.end_pass(self.document, project.passes.all()[-1].id, "D0")

    def _found(self) -> list[tuple[tuple[float, float, float, float], float, int]]:
        made = []
        for _ in range(self.random.randint(0, 4)):
            x, y = self.random.randint(0, WIDTH - 20), self.random.randint(0, HEIGHT - 20)
            made.append(((x, y, x + 15.0, y + 12.0), self.random.uniform(0.05, 0.99), self.random.randint(0, 1)))
        return made


@pytest.fixture(params=[(64, 500), (1, 2)], ids=["at once", "by workers"])
def portions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps over few images are done at once; with small limits workers do nearly all of them."""
    few, many = request.param
    monkeypatch.setattr(document_module, "FEW", few)
    monkeypatch.setattr(image_verbs, "MANY", many)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 43))])
def test_what_is_shown_is_stored_and_undo_takes_all_back(
    seed: int, document: Document, jobs: Jobs, window: QWidget, make_pass: MakePass, qtbot: QtBot
) -> None:
    for image in list(document.images.values()):
        worker_results.note_decoded(document, image.id, width=WIDTH, height=HEIGHT, key=f"key {image.id}")
    walker = Walker(seed, document, jobs, window, make_pass, qtbot)
    walker.do_auto_label()
    document.undo_stack.clear()
    start = stored(document)
    history: list[str] = []
    try:
        before = boxes(document)
        for _ in range(STEPS):
            history.append(walker.step())
            check_shown(document)
            after = boxes(document)
            if history[-1] not in TAKERS:
                assert before <= after, "a box was lost"
            before = after
        end, done = stored(document), document.undo_stack.index()
        for _ in range(done):
            undoing.undo(document)
            walker.settle()
            check_shown(document)
        assert stored(document) == start
        for _ in range(done):
            undoing.redo(document)
            walker.settle()
        check_shown(document)
        assert stored(document) == end
    except AssertionError as error:
        error.add_note(f"after {', '.join(history)}; last step of undo: {document.undo_stack.undoText()}")
        raise


def boxes(document: Document) -> set[int]:
    """The ids of all boxes in the store."""
    assert document.project is not None
    return {box.id for image_id in document.images for box in document.project.boxes(image_id)}


def stored(document: Document) -> Mapping[str, Any]:
    """Everything that a person can change, read anew."""
    assert document.project is not None
    with closing(document.project.connect()) as project:
        ids = [image.id for image in project.images()]
        return {
            "images": project.images(),
            "classes": project.classes(),
            "boxes": {image_id: project.boxes(image_id) for image_id in ids},
            "rejections": {image_id: project.rejections(image_id) for image_id in ids},
            "names": project.settings.get("former-names") or {},
        }


def check_shown(document: Document) -> None:
    """The document says what one would say that has just been opened."""
    assert document.project is not None
    with closing(document.project.connect()) as project:
        images = {image.id: image for image in project.images()}
        assert dict(document.images) == images
        assert document.classes == project.classes()
        assert document.active_class is None or document.active_class in {item.id for item in document.classes}
        assert document.limits == read_limits(project)
        check_counts(document, project)
        assert document.current is not None
        page = read_page(project, images[document.current], document.limits)
        assert document.shown == page.shown()
        assert document.selection <= {box.key for box in page.shown()}
        for box in page.boxes.values():
            check_box(box)
        accepts = conditions(document.filter, document.tally, {item.id: item.name for item in document.classes})
        wanted = {id for id in images if id == document.current or all(each(id) for each in accepts)}
        assert set(document.visible) == wanted
        assert len(document.visible) == len(wanted)
        assert document.visible[navigation.place(document)] == document.current


def check_counts(document: Document, project: Project) -> None:
    """The numbers that are kept at hand, against those of a document that reads the store anew."""
    fresh, tally = Tally(), document.tally
    for image in project.images():
        fresh.take_image(image)
    fresh.take_boxes(project.box_counts(), project.origin_counts())
    for event in read_index(project, dict(document.images)):
        fresh.take_index(event.index, document.limits)
    assert tally.states == fresh.states
    assert (tally.ignored, tally.noted, tally.missing) == (fresh.ignored, fresh.noted, fresh.missing)
    assert tally.numbers == fresh.numbers
    assert tally.origins == fresh.origins
    assert +tally.classes == +fresh.classes
    assert {id: +of for id, of in tally.boxes.items() if +of} == {id: +of for id, of in fresh.boxes.items()}
    assert tally.proposals == fresh.proposals
    assert tally.offered == fresh.offered
    assert tally.proposals_by_class(document.limits) == fresh.proposals_by_class(document.limits)


def check_box(box: ProjectBox) -> None:
    """It lies within its picture, and has an area."""
    x1, y1, x2, y2 = box.xyxy
    assert 0 <= x1 < x2 <= WIDTH
    assert 0 <= y1 < y2 <= HEIGHT
