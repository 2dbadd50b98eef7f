"""The panel of evaluation: how good the model in use is on the validation images, and which images are behind it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QStackedWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.background.evaluation_work import Kept, Report
from app.image_filter import ImageGroup
from app.panels.evaluation_curves import PrecisionRecall
from app.panels.evaluation_rows import class_rows, confusion_rows
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_page import EmptyText
from app.widgets.plain_table import PlainTable
from app.wording import count
from detector.data.project.records import ProjectClass

CLASS_TITLES = ("Class", "AP", "Objects", "Found", "Confused", "Missed", "False", "Precision", "Recall", "Score ≥")
EXPENDABLE = (9, 8, 7)  # columns that go first where the panel is narrow: the others say as much, in images
EMPTY = (
    "Not measured yet.\n"
    "Measure the model on your validation images: a share of what you reviewed that no fine-tuning learns from."
)
NO_IMAGES = "No reviewed image validates yet.\nReview some more: about one in five is kept to measure on."
LEAST = (160, 48)  # px of a view, on the lowest of screens
METRICS = {
    "AP": "Mean over IoU 0.5 … 0.95 and all classes",
    "AP50": "At IoU 0.5: roughly in the right place",
    "AP75": "At IoU 0.75: well in the right place",
    "APs": "Of small objects, below 32 × 32 px",
    "APm": "Of middling objects, up to 96 × 96 px",
    "APl": "Of large objects",
    "AR100": "Mean recall, with 100 detections an image",
}


class View(StrEnum):
    """What the panel shows of a report."""

    CLASSES = "Classes"
    CURVES = "Precision–recall"
    CONFUSION = "Confusion"


class EvaluationPanel(QWidget):
    """measure_wanted, stop_wanted: for the model in use. images_wanted: an ImageGroup behind a number. shown: it came
    into sight, and wants to know what is known.
    """

    measure_wanted = Signal()
    stop_wanted = Signal()
    images_wanted = Signal(object)
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._classes: Sequence[ProjectClass] = ()
        self._kept = Kept(None)
        self._images, self._progress = 0, ""
        self._build()
        self._refresh()

    def set_model(self, title: str, *, images: int) -> None:
        """The model in use, and how many images there are to measure on."""
        self._title.setText(title)
        self._images = images
        self._refresh()

    def set_classes(self, classes: Sequence[ProjectClass]) -> None:
        """The project's classes, by whose names and colours it is told."""
        if classes != self._classes:
            self._classes = classes
            self._fill()

    def set_kept(self, kept: Kept) -> None:
        """Show a report, or that there is none."""
        self._kept = kept
        self._fill()
        self._refresh()

    def set_progress(self, text: str) -> None:
        """How far measuring is; "" once it is over."""
        self._progress = text
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    # Construction

    def _build(self) -> None:
        self._title, self._where = ElidedLabel(), ElidedLabel()
        self._title.setProperty("role", "strong")
        self._where.setProperty("role", "small")
        self._measure, self._stop = QPushButton("Measure"), QPushButton("Stop")
        self._measure.setToolTip("Look at all validation images with the model in use")
        self._measure.clicked.connect(self.measure_wanted)
        self._stop.clicked.connect(self.stop_wanted)
        self._numbers = {name: QLabel() for name in METRICS}
        self._empty = EmptyText(EMPTY)
        self.classes, self.confusion = (
            PlainTable(CLASS_TITLES, numeric=9, expendable=EXPENDABLE),
            PlainTable((), numeric=0),
        )
        self.classes.let_sort()
        self.curves = PrecisionRecall()
        for table in (self.classes, self.confusion):
            table.itemClicked.connect(self._on_item_clicked)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._where)
        header = QHBoxLayout()
        header.setContentsMargins(16, 8, 16, 0)
        header.setSpacing(8)
        header.addLayout(words, 1)
        self._chips = {view: self._chip(view) for view in View}
        for chip in self._chips.values():
            header.addWidget(chip)
        header.addSpacing(8)
        header.addWidget(self._measure)
        header.addWidget(self._stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(header)
        self._pages = QStackedLayout()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._report_page())
        column.addLayout(self._pages, 1)
        self._show_view(View.CLASSES)

    def _report_page(self) -> QWidget:
        page = QWidget()
        strip = QHBoxLayout()
        strip.setContentsMargins(16, 0, 16, 0)
        strip.setSpacing(24)
        for name, number in self._numbers.items():
            strip.addLayout(_figure(name, number, METRICS[name]))
        strip.addStretch(1)
        self._views = QStackedWidget()
        self._views.setMinimumSize(*LEAST)
        for view in (self.classes, self.curves, self.confusion):
            self._views.addWidget(view)
        room = QHBoxLayout()
        room.setContentsMargins(12, 0, 12, 0)
        room.addWidget(self._views)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(strip)
        column.addLayout(room, 1)
        return page

    def _chip(self, view: View) -> QPushButton:
        chip = QPushButton(view)
        chip.setProperty("role", "chip")
        chip.setCheckable(True)
        chip.clicked.connect(lambda: self._show_view(view))
        return chip

    # State

    def _refresh(self) -> None:
        report, working = self._kept.report, bool(self._progress)
        for chip in self._chips.values():
            chip.setVisible(report is not None)
        self._measure.setVisible(not working)
        self._measure.setEnabled(self._images > 0)
        self._measure.setText("Measure" if report is None else "Measure again")
        self._stop.setVisible(working)
        self._pages.setCurrentIndex(0 if report is None else 1)
        self._empty.setText(EMPTY if self._images else NO_IMAGES)
        self._where.setText(self._progress or (_told(report, self._kept.is_current) if report else _room(self._images)))

    def _fill(self) -> None:
        report = self._kept.report
        if report is None:
            return
        for name, label in self._numbers.items():
            label.setText(f"{report.metrics[name]:.3f}" if name in report.metrics else "–")
        self.classes.setSortingEnabled(False)
        self.classes.set_rows(class_rows(report, self._classes))
        self.classes.let_sort()
        titles, rows = confusion_rows(report, self._classes)
        self.confusion.set_titles(titles, numeric=len(titles) - 1)
        self.confusion.set_rows(rows)
        self.curves.show_curves([(item.name, item.colour, report.curves.get(item.id, ())) for item in self._classes])

    def _show_view(self, view: View) -> None:
        self._views.setCurrentIndex(list(View).index(view))
        for each, chip in self._chips.items():
            chip.setChecked(each is view)

    def _on_item_clicked(self, item: QTableWidgetItem) -> None:
        table = item.tableWidget()
        group = table.value(item.row(), item.column()) if isinstance(table, PlainTable) else None
        if isinstance(group, ImageGroup):
            self.images_wanted.emit(group)


def _told(report: Report, is_current: bool) -> str:
    when = datetime.fromisoformat(report.created)
    told = f"Measured on {count(report.images, 'validation image')}, {when:%d %b %Y %H:%M}"
    failed = f" · {report.failed:,} could not be read" if report.failed else ""
    return told + failed + ("" if is_current else " · the labels have changed since: measure again")


def _room(images: int) -> str:
    return f"{count(images, 'validation image')} to measure on" if images else ""


def _figure(name: str, number: QLabel, hint: str) -> QVBoxLayout:
    """A number with its name below."""
    caption = QLabel(name)
    caption.setProperty("role", "small")
    number.setProperty("role", "title")
    column = QVBoxLayout()
    column.setSpacing(0)
    for label in (number, caption):
        label.setToolTip(hint)
        column.addWidget(label)
    return column
