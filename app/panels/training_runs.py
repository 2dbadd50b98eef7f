"""All runs side by side: what each began with, what it came to, and what can be done with one."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.background.run_records import RunRecord
from app.background.training_course import ap_change
from app.theme import icon
from app.widgets.empty_page import empty_page
from app.widgets.flow_layout import FlowLayout
from app.widgets.plain_table import Cell, PlainTable
from app.wording import count, duration

TITLES = ("Name", "Began", "From", "Options", "Images", "Size", "Steps", "Time", "AP")
EXPENDABLE = (5, 4, 3, 2, 7, 6, 1)  # columns that go first where the panel is narrow: Size, Images, …
LOW = 140  # px: below this height there are rows in the place of buttons, and a menu
OPTIONS = {  # those that a person may have chosen otherwise, as a few letters say them
    "quick": lambda value: "quick" if value else "",
    "minutes": lambda value: f"{value:g} min" if value else "",
    "freeze": lambda value: "frozen backbone" if value == "backbone" else "",
    "any_orientation": lambda value: "any orientation" if value else "",
    "flip": lambda value: "" if value else "not mirrored",
    "mosaic": lambda value: f"mosaic {value:g}" if value else "",
    "batch": lambda value: f"batch {value}" if value != 8 else "",
    "learning_rate": lambda value: f"rate {value:g}" if value != 0.002 else "",
    "seed": lambda value: f"seed {value}" if value else "",
}


class RunTable(QWidget):
    """Newest first. Each signal carries a RunRecord; rename_wanted also the new name."""

    show_wanted = Signal(object)
    use_wanted = Signal(object)
    rename_wanted = Signal(object, str)
    resume_wanted = Signal(object)
    folder_wanted = Signal(object)
    removal_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = PlainTable(TITLES, numeric=5, expendable=EXPENDABLE)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._on_menu_wanted)
        self.table.itemSelectionChanged.connect(self._refresh)
        self.table.itemDoubleClicked.connect(lambda _: self._emit(self.show_wanted))
        self._buttons = {
            text: self._button(text, hint, run)
            for text, hint, run in (
                ("Show curves", "Show this run in the other views", lambda: self._emit(self.show_wanted)),
                ("Use model", "Let this run's model label from now on", lambda: self._emit(self.use_wanted)),
                ("Go on", "Go on where this run was cut short", lambda: self._emit(self.resume_wanted)),
                ("Rename…", "Call it by another name", self._ask_name),
                ("Open folder", "Show its files", lambda: self._emit(self.folder_wanted)),
                ("Delete…", "Move it to the system's trash", lambda: self._emit(self.removal_wanted)),
            )
        }
        self._none = empty_page("No run yet.")
        self._more = QToolButton()
        self._more.setIcon(icon("more"))
        self._more.setToolTip("What can be done with the chosen run")
        self._more.clicked.connect(lambda: self._open_menu(self._more.mapToGlobal(self._more.rect().bottomLeft())))
        self._foot = QWidget()
        verbs = FlowLayout(gap=4)
        for button in self._buttons.values():
            verbs.addWidget(button)
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(8, 0, 16, 8)
        foot.addLayout(verbs, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._none, 1)
        room = QHBoxLayout()
        room.setContentsMargins(12, 0, 12, 0)  # so that words and the panel's begin at one line
        room.addWidget(self.table)
        room.addWidget(self._more, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(room, 1)
        column.addWidget(self._foot)
        self.set_records([])

    def set_records(self, records: Sequence[RunRecord], *, in_use: str = "") -> None:
        """Show these runs; `in_use`: the source of the model in use."""
        self.table.set_rows([_row(record, in_use) for record in records])
        self.table.setVisible(bool(records))
        self._none.setVisible(not records)
        self._make_room()
        if records and self.table.currentRow() < 0:
            self.table.setCurrentCell(0, 0)
        self._refresh()

    def chosen(self) -> RunRecord | None:
        """The run that a verb would be about."""
        return self.table.value(self.table.currentRow()) if self.table.currentRow() >= 0 else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Buttons where the panel is high, their menu where it is low."""
        is_low = self.height() < LOW
        self._foot.setVisible(not is_low)
        self._more.setVisible(is_low and not self.table.isHidden())

    def _refresh(self) -> None:
        record = self.chosen()
        for button in self._buttons.values():
            button.setEnabled(record is not None)
        self._buttons["Use model"].setEnabled(record is not None and record.checkpoint is not None)
        self._buttons["Go on"].setEnabled(record is not None and record.can_go_on)
        self._buttons["Delete…"].setEnabled(record is not None and not record.alive)

    def _on_menu_wanted(self, point: QPoint) -> None:
        if self.chosen() is not None:
            self._open_menu(self.table.viewport().mapToGlobal(point))

    def _open_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, button in self._buttons.items():
            menu.addAction(text, button.click).setEnabled(button.isEnabled())
        menu.popup(place)

    def _ask_name(self) -> None:
        record = self.chosen()
        if record is None:
            return
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename the run")
        dialog.setLabelText("Name:")
        dialog.setTextValue(record.run.title)
        dialog.textValueSelected.connect(lambda name: self.rename_wanted.emit(record, name))
        dialog.open()

    def _emit(self, signal: object) -> None:
        if (record := self.chosen()) is not None:
            signal.emit(record)  # pyright: ignore[reportAttributeAccessIssue]

    def _button(self, text: str, hint: str, run: object) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("role", "quiet")
        button.setToolTip(hint)
        button.clicked.connect(lambda: run())  # pyright: ignore[reportCallIssue]
        return button


def _row(record: RunRecord, in_use: str) -> list[Cell]:
    run, started, finished = record.run, record.started, record.finished
    began = datetime.fromisoformat(run.created)
    is_used = bool(in_use) and record.checkpoint is not None and str(record.checkpoint) == in_use
    images = f"{started.train_images:,} + {started.validation_images:,}" if started else "–"
    words = [word(run.options[name]) for name, word in OPTIONS.items() if name in run.options]
    options = ", ".join(filter(None, [*words, count(run.processes, "GPU") if run.processes > 1 else ""]))
    return [
        Cell(f"{run.title}  ·  in use" if is_used else run.title, role="accent" if is_used else "", value=record),
        Cell(f"{began:%d %b %H:%M}", key=began.timestamp(), role="muted"),
        Cell(run.model.partition(" · ")[0], role="muted"),
        Cell(options or "as proposed", role="muted"),
        Cell(images, role="muted"),
        Cell(f"{started.image_size}" if started else "–", role="muted"),
        Cell(_steps(record), role="muted"),
        Cell(duration(finished.seconds) if finished else "–", role="muted"),
        _ap(record),
    ]


def _steps(record: RunRecord) -> str:
    if record.alive:
        return f"{record.step:,} …"
    ended = record.finished is not None and record.finished.reason != "stopped"
    return f"{record.step:,}" if ended else f"{record.step:,}, cut short"


def _ap(record: RunRecord) -> Cell:
    if record.after is None:
        return Cell("not measured", role="muted")
    is_worse = record.before is not None and record.after < record.before
    text = ap_change(record.before, record.after).removeprefix("AP ")
    return Cell(text, key=record.after, role="bad" if is_worse else "good" if record.before is not None else "")
