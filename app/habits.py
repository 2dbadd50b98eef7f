"""What mouse and keys do on the picture beside the table of actions, in words; the shortcut sheet tells it."""

from typing import NamedTuple


class Habit(NamedTuple):
    """What one gets, and by what."""

    text: str
    by: str


HABITS = (
    Habit("Draw", "drag, or click twice"),
    Habit("Give up, step by step", "Esc"),
    Habit("Select several", "Ctrl-click, drag around"),
    Habit("Reach the box below", "click again"),
    Habit("Change class", "double-click"),
    Habit("Move by a pixel, or ten", "arrows, Shift"),
    Habit("Move right and lower side", "Ctrl-arrows, Shift"),
    Habit("Move left and upper side", "Alt-arrows, Shift"),
    Habit("Zoom at the pointer", "Ctrl-wheel"),
    Habit("Scroll", "wheel"),
    Habit("Scroll sideways", "Shift-wheel"),
    Habit("Pan", "Space-drag, middle-drag"),
)
