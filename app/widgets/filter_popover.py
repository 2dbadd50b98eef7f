"""The popup that narrows the images list: how images stand, which class they have, where their boxes come from."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.document import Document
from app.image_filter import FilterKind, ImageFilter, kind_counts
from app.widgets.flow_layout import FlowLayout
from app.widgets.popup import Popup
from app.widgets.swatches import SWATCH, swatch
from detector.data.project.records import Origin, ProjectClass

WIDTH = 280  # px
ROW, ROWS = 28, 6  # px, and how many classes are seen without scrolling
FEW = 7  # classes that need no search
KIND_TEXTS = {
    FilterKind.ALL: "All",
    FilterKind.TO_REVIEW: "To review",
    FilterKind.UNLABELLED: "Unlabelled",
    FilterKind.STARTED: "Started",
    FilterKind.REVIEWED: "Reviewed",
    FilterKind.EMPTY: "Reviewed, empty",
    FilterKind.NOTED: "With a note",
    FilterKind.IGNORED: "Ignored",
    FilterKind.MISSING: "Missing",
}
ORIGIN_TEXTS = {
    Origin.DRAWN: "Drawn",
    Origin.ACCEPTED: "Accepted",
    Origin.EDITED: "Edited",
    Origin.IMPORTED: "Imported",
}
ORIGIN_HINTS = {
    Origin.DRAWN: "Images with a box that a person drew",
    Origin.ACCEPTED: "Images with a box as a model proposed it",
    Origin.EDITED: "Images with a proposal or an imported box that a person changed",
    Origin.IMPORTED: "Images with a box that came from a file",
}
_CLASS = Qt.ItemDataRole.UserRole  # the class id


class FilterPopover(Popup):
    """Acts at once on the document's filter; what it narrows stays visible as chips after it is closed."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._kinds = {kind: _chip(text) for kind, text in KIND_TEXTS.items()}
        for kind, chip in self._kinds.items():
            chip.clicked.connect(lambda _=False, kind=kind: self._set(kind=kind))
        self._origins = {origin: _chip(text) for origin, text in ORIGIN_TEXTS.items()}
        for origin, chip in self._origins.items():
            chip.setToolTip(ORIGIN_HINTS[origin])
            chip.clicked.connect(lambda checked, origin=origin: self._set(origin=origin if checked else None))
        self._search = QLineEdit(placeholderText="Search class", clearButtonEnabled=True)
        self._search.textChanged.connect(self._fill_classes)
        self._class_heading = _heading("With a box or a proposal of")
        self._classes = self._make_classes()
        self._number = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._number.setProperty("role", "small")
        self._clear = QPushButton("Show all")
        self._clear.setProperty("role", "quiet")
        self._clear.clicked.connect(self._on_clear_clicked)
        self._lay_out()
        self.setFixedWidth(WIDTH)
        for signal in (document.filter_changed, document.visible_changed, document.classes_changed):
            signal.connect(self._on_document_changed)

    def open_below(self, widget: QWidget) -> None:
        """Shows the popup under a widget, moved so that the screen holds it."""
        self._search.clear()
        self._search.setVisible(len(self._document.classes) > FEW)
        for part in (self._class_heading, self._classes):
            part.setVisible(bool(self._document.classes))
        self._fill_classes()
        self._show_state()
        self.show_at(widget.mapToGlobal(QPoint(0, widget.height() + 4)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter chooses a class as a click does."""
        if watched is self._classes and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            item = self._classes.currentItem()
            if item is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_item_clicked(item)
                return True
        return super().eventFilter(watched, event)

    def _set(self, **values: FilterKind | Origin | int | None) -> None:
        self._document.set_filter(replace(self._document.filter, **values))  # pyright: ignore[reportArgumentType]
        self._show_state()  # a click on what is chosen already changes nothing but the button

    def _on_clear_clicked(self) -> None:
        self._document.set_filter(ImageFilter())

    def _on_item_clicked(self, item: QTreeWidgetItem) -> None:
        class_id = item.data(0, _CLASS)
        self._set(class_id=None if class_id == self._document.filter.class_id else class_id)

    def _on_document_changed(self) -> None:
        if self.isVisible():
            self._show_state()

    def _show_state(self) -> None:
        wanted, numbers = self._document.filter, kind_counts(self._document.tally)
        for kind, chip in self._kinds.items():
            chip.setText(f"{KIND_TEXTS[kind]} {numbers[kind]:,}")
            chip.setChecked(kind is wanted.kind)
            chip.setEnabled(numbers[kind] > 0 or kind in (FilterKind.ALL, wanted.kind))
        for origin, chip in self._origins.items():
            chip.setChecked(origin is wanted.origin)
        for row in range(self._classes.topLevelItemCount()):
            item = self._classes.topLevelItem(row)
            if item is not None:
                item.setSelected(item.data(0, _CLASS) == wanted.class_id)
        self._number.setText(f"{len(self._document.visible):,} of {numbers[FilterKind.ALL]:,} images")
        self._clear.setEnabled(wanted != ImageFilter())

    def _fill_classes(self) -> None:
        self._classes.clear()
        found = _matching(self._document.classes, self._search.text())
        for entry in found:
            item = QTreeWidgetItem([entry.name])
            item.setIcon(0, swatch(entry.colour))
            item.setData(0, _CLASS, entry.id)
            item.setSizeHint(0, QSize(0, ROW))
            item.setSelected(entry.id == self._document.filter.class_id)
            self._classes.addTopLevelItem(item)
        self._classes.setFixedHeight(min(max(len(found), 1), ROWS) * ROW)

    def _make_classes(self) -> QTreeWidget:
        tree = QTreeWidget()  # as a plain list
        tree.setHeaderHidden(True)
        tree.setRootIsDecorated(False)
        tree.setIndentation(0)
        tree.setUniformRowHeights(True)
        tree.setIconSize(QSize(SWATCH, SWATCH))
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        tree.setAccessibleName("Classes")
        tree.itemClicked.connect(self._on_item_clicked)
        tree.installEventFilter(self)
        return tree

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 8)
        column.setSpacing(theme.SPACE)
        column.addWidget(_heading("How images stand"))
        column.addLayout(_flow(list(self._kinds.values())))
        column.addSpacing(4)
        column.addWidget(self._class_heading)
        column.addWidget(self._search)
        column.addWidget(self._classes)
        column.addSpacing(4)
        column.addWidget(_heading("With boxes that are"))
        column.addLayout(_flow(list(self._origins.values())))
        foot = QHBoxLayout()
        foot.addWidget(self._number)
        foot.addStretch()
        foot.addWidget(self._clear)
        column.addLayout(foot)


def _matching(classes: Sequence[ProjectClass], text: str) -> list[ProjectClass]:
    wanted = text.strip().casefold()
    return [entry for entry in classes if wanted in entry.name.casefold()]


def _chip(text: str) -> QPushButton:
    chip = QPushButton(text)
    chip.setCheckable(True)
    chip.setProperty("role", "chip")
    return chip


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "small")
    return label


def _flow(widgets: Sequence[QWidget]) -> FlowLayout:
    layout = FlowLayout(gap=4)
    for widget in widgets:
        layout.addWidget(widget)
    return layout
