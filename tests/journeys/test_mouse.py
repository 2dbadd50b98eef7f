"""What the hand on the mouse is used to, on the picture; a habit of the shortcut sheet that is not told here fails."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.canvas.tools import Tool
from app.habits import HABITS
from app.verbs import box_verbs
from detector.data.project.records import State

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

Key = Qt.Key
CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
NUT, BOLT = (100.0, 100.0, 200.0, 180.0), (300.0, 200.0, 420.0, 320.0)  # what is proposed, see conftest
ON_NUT, ON_BOLT, ON_NOTHING = (150.0, 140.0), (360.0, 260.0), (560.0, 60.0)
Habit = Callable[["Person"], None]
TOLD: dict[str, Habit] = {}


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before five pictures, on the first three of which a model has found a nut and a bolt."""
    person = start(folder)
    person.wait(lambda: person.sees_picture() and person.window.document.tally.proposal_total() == (6, 3))
    return person


def told(text: str) -> Callable[[Habit], Habit]:
    """Enters what a habit does under its words."""

    def enter(habit: Habit) -> Habit:
        TOLD[text] = habit
        return habit

    return enter


def selected(me: "Person") -> list[tuple[float, ...]]:
    return sorted(me.boxes[key].xyxy for key in me.window.document.selection)


def corner(me: "Person") -> QPointF:
    """Where the picture's top left corner is."""
    return me.window.canvas.viewportTransform().map(QPointF(0, 0))


@told("Draw")
def drags_or_clicks_twice(me: "Person") -> None:
    me.press(Key.Key_W)
    me.drag((460, 60), (560, 140))
    me.press(Key.Key_W)
    me.click_picture((20, 300))
    me.click_picture((80, 380))
    assert len(me.boxes) == 4


@told("Give up, step by step")
def gives_up(me: "Person") -> None:
    me.press(Key.Key_W)
    me.click_picture((20, 300))
    me.press(Key.Key_Escape)
    me.click_picture((80, 380))
    me.press(Key.Key_Escape, Key.Key_Escape)
    assert me.window.canvas.tool is Tool.SELECT
    assert len(me.boxes) == 2


@told("Select several")
def selects_several(me: "Person") -> None:
    me.click_picture(ON_NUT)
    me.click_picture(ON_BOLT, modifiers=CTRL)
    assert selected(me) == [NUT, BOLT]
    me.click_picture(ON_NUT, modifiers=CTRL)
    assert selected(me) == [BOLT]
    me.drag((40, 40), (240, 200))
    assert selected(me) == [NUT]


@told("Reach the box below")
def reaches_the_box_below(me: "Person") -> None:
    box_verbs.draw(me.window.document, (110, 110, 190, 170))
    me.press(Key.Key_Escape)
    me.click_picture(ON_NUT)
    assert selected(me) == [(110, 110, 190, 170)]
    me.click_picture(ON_NUT)
    assert selected(me) == [NUT]


@told("Change class")
def changes_the_class(me: "Person") -> None:
    me.click_picture(ON_NUT)
    me.click_picture(ON_NUT, double=True)
    assert QApplication.activePopupWidget() is me.window.class_choice.chooser
    me.type("bolt")
    me.press(Key.Key_Return)
    (key,) = me.window.document.selection
    assert me.window.document.class_of(me.boxes[key].class_id).name == "bolt"


@told("Move by a pixel, or ten")
def nudges(me: "Person") -> None:
    me.click_picture(ON_NUT)
    me.press(Key.Key_Left)
    me.press(Key.Key_Down, modifiers=SHIFT)
    assert selected(me) == [(99, 110, 199, 190)]


@told("Move right and lower side")
def nudges_right_and_lower_side(me: "Person") -> None:
    me.click_picture(ON_NUT)
    me.press(Key.Key_Right, modifiers=CTRL)
    me.press(Key.Key_Down, modifiers=CTRL | SHIFT)
    assert selected(me) == [(100, 100, 201, 190)]


@told("Move left and upper side")
def nudges_left_and_upper_side(me: "Person") -> None:
    me.click_picture(ON_NUT)
    me.press(Key.Key_Left, modifiers=ALT)
    me.press(Key.Key_Up, modifiers=ALT | SHIFT)
    assert selected(me) == [(99, 90, 200, 180)]


@told("Zoom at the pointer")
def zooms_at_the_pointer(me: "Person") -> None:
    canvas = me.window.canvas
    place, zoom = me.on_canvas(ON_BOLT), canvas.zoom
    me.turn_wheel(ON_BOLT, 2, modifiers=CTRL)
    assert canvas.zoom > zoom
    assert (me.on_canvas(ON_BOLT) - place).manhattanLength() <= 2
    me.turn_wheel(ON_BOLT, -2, modifiers=CTRL)
    assert canvas.zoom == pytest.approx(zoom)


@told("Scroll")
def scrolls(me: "Person") -> None:
    me.window.canvas.zoom_to(3.0)
    before, zoom = corner(me), me.window.canvas.zoom
    me.turn_wheel((320, 240), -1)
    assert (corner(me).x(), corner(me).y() < before.y()) == (before.x(), True)
    assert me.window.canvas.zoom == zoom


@told("Scroll sideways")
def scrolls_sideways(me: "Person") -> None:
    me.window.canvas.zoom_to(3.0)
    before = corner(me)
    me.turn_wheel((320, 240), -1, modifiers=SHIFT)
    assert (corner(me).x() < before.x(), corner(me).y()) == (True, before.y())


@told("Pan")
def pans(me: "Person") -> None:
    me.window.canvas.zoom_to(3.0)
    before = corner(me)
    me.drag((320, 240), (300, 250), button=Qt.MouseButton.MiddleButton)
    moved = corner(me) - before
    assert (round(moved.x()), round(moved.y())) == (-60, 30)
    me.hold(Key.Key_Space)
    me.drag((320, 240), (340, 230))
    me.let_go(Key.Key_Space)
    assert corner(me) == before
    assert {image.state for image in me.window.document.images.values()} == {State.UNLABELLED}  # that was no tap
    assert me.window.document.undo_stack.count() == 0


def test_every_habit_is_told_here() -> None:
    assert set(TOLD) == {habit.text for habit in HABITS}


@pytest.mark.parametrize("habit", [habit.text for habit in HABITS])
def test_habits(me: "Person", habit: str) -> None:
    TOLD[habit](me)


def test_a_tap_of_space_is_for_whichever_action_has_the_key(me: "Person") -> None:
    document = me.window.document
    me.window.actions_.remap({"review": ["Ctrl+J"], "mark-empty": ["Space"]})
    me.press(Key.Key_End)
    me.wait(me.sees_picture)
    me.press(Key.Key_Space)
    assert document.images[document.visible[-1]].state is State.REVIEWED
    me.press(Key.Key_Home)
    me.wait(me.sees_picture)
    me.press(Key.Key_J, modifiers=CTRL)
    assert (document.images[document.visible[0]].state, me.path) == (State.REVIEWED, "a2.png")
    me.window.actions_.remap({"review": []})
    me.press(Key.Key_Space)
    assert me.path == "a2.png"
