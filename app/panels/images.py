"""The images list: thumbnails with their states, search, and filters. What is shown is the document's `visible`."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.document import Document
from app.flow_layout import FlowLayout
from app.image_filter import FilterKind, ImageFilter
from app.thumbnail_grid import PADS, ThumbnailGrid
from app.thumbnails import Thumbnails

MARGIN = 12  # px
TYPING_PAUSE = 150  # ms
CHIPS = {
    FilterKind.ALL: "All",
    FilterKind.TO_REVIEW: "To review",
    FilterKind.REVIEWED: "Reviewed",
    FilterKind.UNLABELLED: "Unlabelled",
    FilterKind.STARTED: "Started",
}
NUMBERED = (FilterKind.TO_REVIEW, FilterKind.UNLABELLED, FilterKind.STARTED)
ONLY_IF_ANY = (FilterKind.UNLABELLED, FilterKind.STARTED)


def empty_text(wanted: ImageFilter, counts: dict[FilterKind, int]) -> str:
    """Why no image is listed, and what to do."""
    total = counts[FilterKind.ALL]
    if not total:
        return "No picture here yet."
    if text := wanted.text.strip():
        return f"No image matches “{text}”."
    if wanted.kind is FilterKind.TO_REVIEW:
        if counts[FilterKind.REVIEWED] == total:
            return "Everything is reviewed."
        return "Nothing to review. Auto-label proposes boxes; each image with some waits here."
    if wanted.kind is FilterKind.REVIEWED:
        return "Nothing is reviewed yet. Space vouches for the image that you look at."
    return f"No image is {wanted.kind.value}."


class ImagesPanel(QWidget):
    """Search, filters and thumbnails of a document's images; a click shows one."""

    def __init__(self, document: Document, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._document = document
        self._progress = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._progress.setProperty("role", "small")
        self._search = self._make_search()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_PAUSE)
        self._typing.timeout.connect(self._on_typing_paused)
        self._chips = {kind: self._make_chip(kind) for kind in CHIPS}
        self.grid = ThumbnailGrid(document, thumbnails)
        self._empty, self._empty_text = self._make_empty()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self._empty)
        self._lay_out()
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self._on_counts_changed)
        for signal in (
            document.images_changed,
            document.image_updated,
            document.visible_changed,
            document.proposals_changed,
        ):
            signal.connect(self._on_document_changed)
        document.project_changed.connect(self._on_project_changed)
        self._on_counts_changed()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search field Escape clears, Enter and the down key go to the pictures."""
        if watched is self._search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self._search.clear()
            if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
                self._on_typing_paused()
                self.grid.setFocus()
                return True
        return super().eventFilter(watched, event)

    def _on_text_changed(self, text: str) -> None:
        if text != self._document.filter.text:
            self._typing.start()

    def _on_typing_paused(self) -> None:
        self._typing.stop()
        self._document.set_filter(ImageFilter(self._document.filter.kind, self._search.text()))

    def _on_chip_clicked(self, kind: FilterKind) -> None:
        self._document.set_filter(ImageFilter(kind, self._search.text()))
        self.grid.setFocus()

    def _on_show_all_clicked(self) -> None:
        self._search.clear()
        self._document.set_filter(ImageFilter())

    def _on_project_changed(self) -> None:
        self._search.clear()
        self._typing.stop()
        self._on_counts_changed()

    def _on_document_changed(self) -> None:
        self._refresh.start()  # once for however many changes come together

    def _on_counts_changed(self) -> None:
        counts, wanted = self._document.filter_counts(), self._document.filter
        if not self._typing.isActive() and self._search.text() != wanted.text:
            self._search.setText(wanted.text)
        total = counts[FilterKind.ALL]
        self._progress.setText(f"{counts[FilterKind.REVIEWED]:,} of {total:,} reviewed" if total else "")
        for kind, chip in self._chips.items():
            chip.setText(f"{CHIPS[kind]} {counts[kind]:,}" if kind in NUMBERED and counts[kind] else CHIPS[kind])
            chip.setToolTip(f"{counts[kind]:,} of {total:,} images")
            chip.setChecked(kind is wanted.kind)
            chip.setVisible(kind not in ONLY_IF_ANY or counts[kind] > 0 or kind is wanted.kind)
        is_empty = self._is_empty()
        if is_empty:
            self._empty_text.setText(empty_text(wanted, counts))
        self._stack.setCurrentWidget(self._empty if is_empty else self.grid)
        self._show_all.setVisible(is_empty and total > 0)

    def _is_empty(self) -> bool:
        """Whether the filter lets nothing through: the document lists the current image even then."""
        document = self._document
        if len(document.visible) != 1 or document.visible[0] != document.current:
            return not document.visible
        image = document.images[document.visible[0]]
        names = [document.class_of(box.class_id).name for box in document.shown if not box.is_proposal]
        return not document.filter.accepts(image, proposals=document.proposal_count(image.id), classes=names)

    def _make_search(self) -> QLineEdit:
        search = QLineEdit(placeholderText="Search name or class", clearButtonEnabled=True)
        search.setAccessibleName("Search images by name or class")
        search.installEventFilter(self)
        search.textChanged.connect(self._on_text_changed)
        return search

    def _make_chip(self, kind: FilterKind) -> QPushButton:
        chip = QPushButton(CHIPS[kind])
        chip.setCheckable(True)
        chip.setProperty("role", "chip")
        chip.clicked.connect(lambda: self._on_chip_clicked(kind))
        return chip

    def _make_empty(self) -> tuple[QWidget, QLabel]:
        page = QWidget()
        text = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True, alignment=Qt.AlignmentFlag.AlignHCenter)
        text.setProperty("role", "muted")
        self._show_all = QPushButton("Show all images")
        self._show_all.clicked.connect(self._on_show_all_clicked)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(MARGIN, 24, MARGIN, 24)
        layout.setSpacing(16)
        layout.addWidget(text)
        layout.addWidget(self._show_all, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        return page, text

    def _lay_out(self) -> None:
        title = QLabel("Images")
        title.setProperty("role", "strong")
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._progress)
        chips = FlowLayout(gap=4)
        group = QButtonGroup(self)
        for chip in self._chips.values():
            group.addButton(chip)
            chips.addWidget(chip)
        above = QVBoxLayout()
        above.setContentsMargins(MARGIN, 0, MARGIN, 0)
        above.setSpacing(theme.SPACE)
        above.addLayout(head)
        above.addWidget(self._search)
        above.addLayout(chips)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, MARGIN, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        pictures = QHBoxLayout()
        pictures.setContentsMargins(MARGIN - PADS[0], 0, 0, 0)  # so that pictures and words begin at one line
        pictures.addWidget(self._stack)
        layout.addLayout(pictures, 1)
