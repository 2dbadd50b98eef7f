"""What mouse and keys do on the picture beside the table of actions, in words; the shortcut sheet tells it."""

from typing import NamedTuple

from app.actions import Subject


class Habit(NamedTuple):
    """What one gets, and by what."""

    subject: Subject
    text: str
    by: str


HABITS = (
    Habit(Subject.DRAW, "Draw", "drag, or click twice"),
    Habit(Subject.DRAW, "Give up, step by step", "Esc"),
    Habit(Subject.DRAW, "Add to the selection", "Ctrl-click"),
    Habit(Subject.DRAW, "Select several", "drag around them"),
    Habit(Subject.DRAW, "Reach the box below", "click again"),
    Habit(Subject.DRAW, "Change class", "double-click"),
    Habit(Subject.DRAW, "Move by a pixel, or ten", "arrows, Shift"),
    Habit(Subject.DRAW, "Move right and lower side", "Ctrl-arrows, Shift"),
    Habit(Subject.DRAW, "Move left and upper side", "Alt-arrows, Shift"),
    Habit(Subject.VIEW, "Zoom at the pointer", "Ctrl-wheel"),
    Habit(Subject.VIEW, "Scroll", "wheel, Shift for sideways"),
    Habit(Subject.VIEW, "Pan", "Space-drag, middle-drag"),
)
