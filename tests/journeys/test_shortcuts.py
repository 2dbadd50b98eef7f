"""Every row of the table of actions by real keys: what it does, and where it does nothing because a field, a button or
a slider has the focus. A row that is not told here fails.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import SIGNAL, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QSlider, QWidget

from app.actions import TABLE, ActionSpec, Subject
from app.background.exporting import FILE
from app.canvas.tone import PLAIN, Tone
from app.canvas.tone_panel import TonePanel
from app.canvas.tools import Tool
from app.dialogs.export import ExportDialog
from app.dialogs.finder import Finder
from app.dialogs.fine_tune import FineTuneDialog
from app.dialogs.preferences import Preferences
from app.dialogs.propagate import PropagateDialog
from app.dialogs.shortcuts import ShortcutSheet
from app.keys import is_bare
from app.verbs import box_verbs, navigation, undoing
from app.verbs.class_verbs import add_class
from app.verbs.reviewing import review
from detector.data.project.records import Origin, State

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

Key = Qt.Key
NUT, BOLT = (100.0, 100.0, 200.0, 180.0), (300.0, 200.0, 420.0, 320.0)  # what is proposed, see conftest
FREE = (460.0, 60.0, 560.0, 140.0)
Effect = Callable[["Person"], Iterator[None]]
EFFECTS: dict[str, Effect] = {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system's own dialogs were asked for; all are given up."""
    titles: list[str] = []
    for name, answer in (("getExistingDirectory", ""), ("getOpenFileName", ("", "")), ("getSaveFileName", ("", ""))):
        monkeypatch.setattr(
            QFileDialog, name, lambda _, title, *__, answer=answer, **___: titles.append(title) or answer
        )
    return titles


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before five pictures, on the first three of which a model has found a nut and a bolt."""
    person = start(folder)
    person.wait(lambda: person.sees_picture() and person.window.document.tally.proposal_total() == (6, 3))
    return person


def effect_of(*names: str) -> Callable[[Effect], Effect]:
    """Enters what an action does: what is before, a yield for the key, what is afterwards."""

    def enter(effect: Effect) -> Effect:
        EFFECTS.update(dict.fromkeys(names, effect))
        return effect

    return enter


def in_front() -> QWidget | None:
    """The popup or dialog that gets the keys."""
    return QApplication.activePopupWidget() or QApplication.activeModalWidget()


def opens(kind: type[QWidget]) -> Effect:
    """What an action does that opens a popup or dialog, which Esc closes."""

    def effect(me: "Person") -> Iterator[None]:
        box_verbs.draw(me.window.document, FREE)
        yield
        me.wait(lambda: isinstance(in_front(), kind))
        me.press(Key.Key_Escape)
        me.wait(lambda: in_front() is None)

    return effect


def select(me: "Person", *rectangles: tuple[float, ...]) -> None:
    document = me.window.document
    document.set_selection(box.key for box in document.shown if box.xyxy in rectangles)
    assert len(document.selection) == len(rectangles)


def drawn(me: "Person") -> list[tuple[float, ...]]:
    return [box.xyxy for box in me.boxes.values() if not box.is_proposal]


def start_afresh(me: "Person") -> None:
    """As it was at first: nothing done, nothing selected, the first image, the picture has the focus."""
    document = me.window.document
    while document.undo_stack.canUndo():
        undoing.undo(document)
    if document.project is not None:
        me.window.canvas.set_tool(Tool.SELECT)
        me.window.canvas.fit()
        document.set_selection([])
        navigation.step(document, -100)
        document.set_active_class(document.classes[0].id)
        me.wait(me.sees_picture)
        me.window.canvas.setFocus()


# What each does


@effect_of("open-folder", "open-coco")
def asks_for_a_file(me: "Person") -> Iterator[None]:
    yield


@effect_of("close-project")
def closes(me: "Person") -> Iterator[None]:
    folder = me.window.document.project.folder
    yield
    assert me.window.welcome.isVisible()
    me.window.files.open_path(folder)
    me.wait(lambda: me.sees_picture() and me.window.document.tally.proposal_total() == (6, 3))


@effect_of("save-coco")
def writes(me: "Person") -> Iterator[None]:
    yield
    file = me.window.document.project.folder / FILE
    me.wait(lambda: file.exists() and not me.window.jobs.running)


@effect_of("quit")
def quits(me: "Person") -> Iterator[None]:
    yield
    assert not me.window.isVisible()


@effect_of("review")
def vouches(me: "Person") -> Iterator[None]:
    document = me.window.document
    first = document.current
    yield
    assert (me.path, document.images[first].state, document.tally.box_count(first)) == ("a2.png", State.REVIEWED, 2)


@effect_of("mark-empty")
def records_empty(me: "Person") -> Iterator[None]:
    document = me.window.document
    navigation.step(document, 3)
    me.wait(me.sees_picture)
    current = document.current
    yield
    assert (document.images[current].state, document.tally.box_count(current)) == (State.REVIEWED, 0)


@effect_of("next-to-review")
def goes_to_the_next_to_review(me: "Person") -> Iterator[None]:
    navigation.step(me.window.document, 1)
    review(me.window.document)
    navigation.step(me.window.document, -2)
    yield
    assert me.path == "a3.png"


@effect_of("accept")
def accepts(me: "Person") -> Iterator[None]:
    select(me, NUT)
    yield
    (key,) = me.window.document.selection
    assert (me.boxes[key].origin, drawn(me)) == (Origin.ACCEPTED, [NUT])


@effect_of("undo")
def takes_back(me: "Person") -> Iterator[None]:
    box_verbs.draw(me.window.document, FREE)
    yield
    assert drawn(me) == []


@effect_of("redo")
def brings_back(me: "Person") -> Iterator[None]:
    box_verbs.draw(me.window.document, FREE)
    undoing.undo(me.window.document)
    yield
    assert drawn(me) == [FREE]


@effect_of("select")
def selects(me: "Person") -> Iterator[None]:
    me.window.canvas.set_tool(Tool.DRAW)
    yield
    assert me.window.canvas.tool is Tool.SELECT


@effect_of("draw")
def draws(me: "Person") -> Iterator[None]:
    yield
    assert me.window.canvas.tool is Tool.DRAW


@effect_of("delete")
def deletes(me: "Person") -> Iterator[None]:
    select(me, BOLT)
    yield
    assert [box.xyxy for box in me.boxes.values()] == [NUT]


@effect_of("change-class")
def asks_for_the_class(me: "Person") -> Iterator[None]:
    select(me, BOLT)
    yield
    assert QApplication.activePopupWidget() is me.window.class_choice.chooser
    me.press(Key.Key_Escape)


@effect_of("flag-occluded")
def flags(me: "Person") -> Iterator[None]:
    select(me, BOLT)
    yield
    (key,) = me.window.document.selection
    assert "occluded" in me.boxes[key].flags


@effect_of("copy")
def copies(me: "Person") -> Iterator[None]:
    QGuiApplication.clipboard().setText("")
    select(me, NUT, BOLT)
    yield
    assert "bolt" in QGuiApplication.clipboard().text()
    assert drawn(me) == []


@effect_of("cut")
def cuts(me: "Person") -> Iterator[None]:
    select(me, NUT)
    yield
    assert "nut" in QGuiApplication.clipboard().text()
    assert [box.xyxy for box in me.boxes.values()] == [BOLT]


@effect_of("paste")
def pastes(me: "Person") -> Iterator[None]:
    select(me, NUT)
    me.window.actions_["copy"].trigger()
    navigation.step(me.window.document, 4)
    yield
    assert drawn(me) == [NUT]


@effect_of("duplicate")
def duplicates(me: "Person") -> Iterator[None]:
    select(me, NUT)
    yield
    assert (me.path, len(drawn(me))) == ("a1.png", 1)


@effect_of("copy-previous")
def takes_over_the_boxes_before(me: "Person") -> Iterator[None]:
    box_verbs.draw(me.window.document, FREE)
    navigation.step(me.window.document, 1)
    yield
    assert drawn(me) == [FREE]


@effect_of("select-all")
def selects_all(me: "Person") -> Iterator[None]:
    yield
    assert me.window.document.selection == {*me.boxes}


@effect_of("select-next", "select-previous")
def selects_one(me: "Person") -> Iterator[None]:
    yield
    assert len(me.window.document.selection) == 1
    assert me.window.canvas.hasFocus()


@effect_of("next", "previous", "first", "last")
def goes_elsewhere(me: "Person") -> Iterator[None]:
    navigation.step(me.window.document, 2)
    yield
    assert me.path in ("a4.png", "a2.png", "a1.png", "a5.png")


@effect_of("zoom-in", "zoom-out", "zoom-100")
def zooms(me: "Person") -> Iterator[None]:
    before = me.window.canvas.zoom
    yield
    assert me.window.canvas.zoom != before


@effect_of("fit")
def fits(me: "Person") -> Iterator[None]:
    fitted = me.window.canvas.zoom
    me.window.canvas.zoom_to(3.0)
    yield
    assert me.window.canvas.zoom == fitted


@effect_of("next-panel", "previous-panel")
def goes_to_another_panel(me: "Person") -> Iterator[None]:
    yield
    focused = QApplication.focusWidget()
    assert focused is not None
    assert not me.window.stage.isAncestorOf(focused)


@effect_of("tone", "tone-reset")
def changes_the_tone(me: "Person") -> Iterator[None]:
    me.window.canvas.set_tone(Tone(brightness=20))
    panel = me.window.stage.findChild(TonePanel)
    assert panel
    yield
    assert panel.isVisible() or me.window.canvas.tone == PLAIN
    me.press(Key.Key_Escape)


@effect_of("note")
def writes_a_note(me: "Person") -> Iterator[None]:
    yield
    assert me.window.images.note.hasFocus()


@effect_of("refresh")
def looks_for_changes(me: "Person") -> Iterator[None]:
    folder = me.window.document.project.folder
    shutil.copy(folder / "a1.png", folder / "b.png")
    yield
    me.wait(lambda: len(me.window.document.images) == 6)


def toggles(name: str) -> Effect:
    """What an action does that is on or off."""

    def effect(me: "Person") -> Iterator[None]:
        before = me.window.actions_[name].isChecked()
        yield
        assert me.window.actions_[name].isChecked() is not before

    return effect


@effect_of("training-panel", "fusion-panel", "evaluation-panel")
def unfolds_or_folds(me: "Person") -> Iterator[None]:
    before = me.window.bottom.isVisible()
    yield
    assert me.window.bottom.isVisible() is not before
    me.window.actions_["fusion-panel"].setChecked(True)
    me.window.actions_["fusion-panel"].trigger()
    assert not me.window.bottom.isVisible()


@effect_of("label-image", "label-all")
def labels(me: "Person") -> Iterator[None]:
    tasks: list[object] = []
    # what it does takes a model and time; other journeys wait for it
    me.window.labelling._start = lambda task, **_: tasks.append(task)
    yield
    assert len(tasks) == 1


@effect_of(*(f"class-{n}" for n in range(1, 10)))
def gives_a_class(me: "Person") -> Iterator[None]:
    document = me.window.document
    for name in "cdefghijk":
        add_class(document, name)
    me.wait(lambda: tuple(me.window.classes.listed()) == document.classes[:9])
    select(me, NUT)
    yield
    (key,) = document.selection
    assert me.boxes[key].class_id == document.active_class


for name, kind in (
    ("export", ExportDialog),
    ("propagate", PropagateDialog),
    ("go-to", Finder),
    ("fine-tune", FineTuneDialog),
    ("commands", Finder),
    ("preferences", Preferences),
    ("shortcuts", ShortcutSheet),
):
    effect_of(name)(opens(kind))
for name in ("show-boxes", "show-labels"):
    effect_of(name)(toggles(name))


# And they do it


def keys_of(spec: ActionSpec) -> list[QKeySequence]:
    return [QKeySequence(text) for text in spec.shortcuts]


def test_every_key_of_the_table_is_told_here() -> None:
    assert set(EFFECTS) == {spec.name for spec in TABLE if spec.shortcuts}


def test_no_action_of_the_table_is_idle(me: "Person") -> None:
    actions = me.window.actions_
    assert [spec.name for spec in TABLE if not actions[spec.name].receivers(SIGNAL("triggered(bool)"))] == []


@pytest.mark.parametrize("subject", Subject)
def test_every_key_does_what_it_says(me: "Person", asked: list[str], subject: Subject) -> None:
    for spec in TABLE:
        for key in keys_of(spec) if spec.subject is subject else ():
            start_afresh(me)
            effect = EFFECTS[spec.name](me)
            next(effect)
            triggered = QSignalSpy(me.window.actions_[spec.name].triggered)
            me.press_sequence(key)
            assert triggered.count() == 1, f"{key.toString()} does not {spec.text}"
            assert next(effect, None) is None
    assert len(asked) == (3 if subject is Subject.FILES else 0)


@pytest.mark.parametrize(
    ("key", "at", "path"),
    [
        ("D", 1, "a3.png"),
        ("A", 1, "a1.png"),
        ("Right", 2, "a4.png"),
        ("Left", 2, "a2.png"),
        ("Home", 2, "a1.png"),
        ("End", 2, "a5.png"),
    ],
)
def test_one_gets_where_one_wants(me: "Person", key: str, at: int, path: str) -> None:
    navigation.step(me.window.document, at)
    me.press_sequence(QKeySequence(key))
    assert me.path == path


def test_arrows_are_the_boxes_while_some_are_selected(me: "Person") -> None:
    select(me, NUT)
    me.press(Key.Key_Right)
    assert (me.path, drawn(me)) == ("a1.png", [(101.0, 100.0, 201.0, 180.0)])
    me.press(Key.Key_Escape, Key.Key_Right)
    assert me.path == "a2.png"


# Where they do it

FIELD_KEEPS = ("Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Y", "Ctrl+A", "Ctrl+C", "Ctrl+X", "Ctrl+V")  # everywhere
FIELD_MAY_KEEP = ("Ctrl+U", "Ctrl+E", "Ctrl+D", "Ctrl+K", "Ctrl+H")  # of a desktop whose fields edit as a terminal does


@pytest.fixture
def heard(me: "Person") -> list[str]:
    """The names of the actions that are triggered; they do nothing else here."""
    names: list[str] = []
    actions = me.window.actions_
    me.window.document.selection_changed.disconnect(me.window._update_actions)
    for spec in TABLE:
        action = actions[spec.name]
        action.triggered.disconnect()
        action.setEnabled(True)
        action.triggered.connect(lambda _=False, name=spec.name: names.append(name))
    return names


def place(me: "Person", where: str) -> QWidget:
    """A widget that then has the focus."""
    window = me.window
    found: dict[str, Callable[[], QWidget]] = {
        "picture": lambda: window.canvas,
        "images": lambda: window.images.grid,
        "button": lambda: me.button("Reviewed", window.images),
        "slider": lambda: window.detection.findChild(QSlider),
        "search": lambda: next(
            item for item in window.images.findChildren(QLineEdit) if item.placeholderText() == "Search name or class"
        ),
    }
    widget = found[where]()
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    assert widget.hasFocus()
    return widget


@pytest.mark.parametrize("where", ["picture", "images", "button", "slider", "search"])
def test_bare_keys_are_those_of_picture_and_list_and_others_everybodys(
    me: "Person", heard: list[str], where: str
) -> None:
    wrong: list[str] = []
    for spec in TABLE:
        for key in keys_of(spec):
            place(me, where)
            heard.clear()
            me.press_sequence(key)
            text = key.toString()
            wanted = [spec.name] if where in ("picture", "images") or not is_bare(key) else []
            if where == "search" and (text in FIELD_KEEPS or text in FIELD_MAY_KEEP):
                wanted = [] if text in FIELD_KEEPS else heard
            if heard != wanted:
                wrong.append(f"{text}: {heard} instead of {wanted}")
    assert wrong == []


def test_fields_buttons_and_sliders_get_the_bare_keys_themselves(me: "Person", heard: list[str]) -> None:
    bare = [key for spec in TABLE for key in keys_of(spec) if is_bare(key)]
    field = place(me, "search")
    assert isinstance(field, QLineEdit)
    letters = [key for key in bare if len(key.toString()) == 1]
    for key in letters:
        me.press_sequence(key)
    assert field.text().upper() == "".join(key.toString() for key in letters)
    slider = place(me, "slider")
    assert isinstance(slider, QSlider)
    values: list[int] = []
    slider.valueChanged.connect(values.append)
    me.press(Key.Key_End, Key.Key_Left, Key.Key_Home, Key.Key_Right)
    assert len(set(values)) == 4
    button = me.button("Reviewed", me.window.images)
    button.setFocus(Qt.FocusReason.TabFocusReason)
    me.press(Key.Key_Space)
    assert button.isChecked()
    assert heard == []


def test_a_held_key_repeats_steps_but_no_verdicts(me: "Person", heard: list[str]) -> None:
    for spec in TABLE:
        for key in keys_of(spec):
            place(me, "images")
            heard.clear()
            me.press_sequence(key, repeated=True)
            assert heard == ([] if spec.once else [spec.name]), key.toString()
    assert {"review", "accept", "delete"} <= {spec.name for spec in TABLE if spec.once}
