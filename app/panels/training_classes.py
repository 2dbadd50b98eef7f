"""AP by class before and after a run, what got worse first; and from which score on each class is shown."""

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QWidget

from app.background.training_course import WORTH_A_WORD, ClassChange
from app.widgets.plain_table import Cell, PlainTable

TITLES = ("Class", "Before", "After", "Change", "Shown from score")


class ClassChanges(PlainTable):
    """One row for each class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(TITLES, numeric=4, parent=parent)

    def show_changes(self, changes: Sequence[ClassChange], thresholds: Mapping[str, float]) -> None:
        """Show these, in their order."""
        self.set_rows([_row(change, thresholds.get(change.name)) for change in changes])


def _row(change: ClassChange, threshold: float | None) -> list[Cell]:
    role = "bad" if change.gain <= -WORTH_A_WORD else "good" if change.gain >= WORTH_A_WORD else "muted"
    gain = f"{change.gain:+.2f}".replace("-", "−")
    told = f"{gain} worse" if role == "bad" else gain if role == "good" else "same"
    return [
        Cell(change.name),
        Cell(_measure(change.before), role="muted"),
        Cell(_measure(change.after)),
        Cell(told, role=role),
        Cell("–" if threshold is None else f"{threshold:.2f}", role="muted"),
    ]


def _measure(ap: float | None) -> str:
    return "–" if ap is None else f"{ap:.2f}"
