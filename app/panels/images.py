"""The images list: thumbnails or lines, search, filters, order, and verbs on several images at once. What is shown is
the document's `visible`.
"""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.background.thumbnails import Thumbnails
from app.document import Document
from app.image_filter import FilterKind, ImageFilter, empty_text, kind_counts
from app.widgets.filter_chips import FilterChips
from app.widgets.filter_popover import FilterPopover
from app.widgets.image_menu import ImageMenu, ImageVerb
from app.widgets.note_field import NoteField
from app.widgets.order_button import OrderButton
from app.widgets.thumbnail_grid import PADS, ThumbnailGrid
from app.wording import count

MARGIN = 12  # px
TYPING_PAUSE = 150  # ms


class ImagesPanel(QWidget):
    """Search, filters, order and thumbnails of a document's images; a click shows one. `verb_wanted` carries an
    ImageVerb and ids; `order_wanted` an ImageOrder; `note_written` an image's id and what is to be noted.
    """

    verb_wanted = Signal(object, object)
    label_wanted = Signal(object)  # ids
    order_wanted = Signal(object)
    note_written = Signal(int, str)
    compact_changed = Signal(bool)

    def __init__(self, document: Document, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._document = document
        self._progress = _label("small")
        self._search = self._make_search()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_PAUSE)
        self._typing.timeout.connect(self._on_typing_paused)
        self.chips = FilterChips(document)
        self.chips.kind_chosen.connect(self._on_kind_chosen)
        self._popover = FilterPopover(document, self)
        self._filter_button = _tool("filter", "Filter")
        self._filter_button.clicked.connect(lambda: self._popover.open_below(self._filter_button))
        self._number = _label("small")
        self._order = OrderButton(document)
        self._order.order_wanted.connect(self.order_wanted)
        self._compact = _tool("list", "Compact list")
        self._compact.clicked.connect(self._on_compact_clicked)
        self.grid = ThumbnailGrid(document, thumbnails)
        self.grid.menu_wanted.connect(self._on_menu_wanted)
        self.grid.chosen_changed.connect(self._on_chosen_changed)
        self.empty, self._empty_text = self._make_empty()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self.empty)
        self._chosen_bar, self._chosen_text = self._make_chosen_bar()
        self.note = NoteField(document)
        self.note.written.connect(self.note_written)
        self._lay_out()
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self._on_counts_changed)
        for signal in (
            document.images_changed,
            document.image_updated,
            document.visible_changed,
            document.filter_changed,
            document.proposals_changed,
            document.classes_changed,
        ):
            signal.connect(self._on_document_changed)
        document.project_changed.connect(self._on_project_changed)
        self._on_counts_changed()

    def set_compact(self, compact: bool) -> None:
        """Show lines with names, or thumbnails."""
        self._compact.setIcon(theme.icon("grid" if compact else "list"))
        self._compact.setToolTip("Thumbnails" if compact else "Compact list")
        self._compact.setAccessibleName(self._compact.toolTip())
        self.grid.set_compact(compact)

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

    # What the person does

    def _on_text_changed(self, text: str) -> None:
        if text != self._document.filter.text:
            self._typing.start()

    def _on_typing_paused(self) -> None:
        self._typing.stop()
        self._set_filter(text=self._search.text())

    def _on_kind_chosen(self, kind: FilterKind) -> None:
        self._set_filter(kind=kind, text=self._search.text())
        self.grid.setFocus()

    def _set_filter(self, **values: FilterKind | str | None) -> None:
        self._document.set_filter(replace(self._document.filter, **values))  # pyright: ignore[reportArgumentType]

    def _on_show_all_clicked(self) -> None:
        self._search.clear()
        self._document.set_filter(ImageFilter())

    def _on_compact_clicked(self) -> None:
        self.set_compact(not self.grid.is_compact)
        self.compact_changed.emit(self.grid.is_compact)

    def _on_menu_wanted(self, image_ids: Sequence[int], point: QPoint) -> None:
        menu = ImageMenu(self._document, image_ids, self)
        menu.verb_wanted.connect(self._on_verb_wanted)
        menu.popup(point)

    def _on_actions_clicked(self) -> None:
        self._on_menu_wanted(self.grid.chosen, self._chosen_bar.mapToGlobal(QPoint(0, 0)))

    def _on_verb_wanted(self, verb: ImageVerb, image_ids: Sequence[int]) -> None:
        if verb is ImageVerb.NOTE:
            self._document.show(image_ids[0])
            self.note.setFocus()
        elif verb is ImageVerb.LABEL:
            self.label_wanted.emit(image_ids)
        else:
            self.verb_wanted.emit(verb, image_ids)

    # What changes

    def _on_chosen_changed(self) -> None:
        number = len(self.grid.chosen)
        self._chosen_bar.setVisible(number > 1)
        self._chosen_text.setText(f"{number:,} chosen")

    def _on_project_changed(self) -> None:
        self._typing.stop()
        self._search.setText(self._document.filter.text)
        self._on_counts_changed()

    def _on_document_changed(self) -> None:
        self._refresh.start()  # once for however many changes come together

    def _on_counts_changed(self) -> None:
        document = self._document
        known = {item.id for item in document.classes}
        if document.filter.class_id is not None and document.filter.class_id not in known:
            document.set_filter(replace(document.filter, class_id=None))
        counts, wanted = kind_counts(document.tally), document.filter
        if not self._typing.isActive() and self._search.text() != wanted.text:
            self._search.setText(wanted.text)
        total = counts[FilterKind.ALL]
        self._progress.setText(f"{counts[FilterKind.REVIEWED]:,} of {total:,} reviewed" if total else "")
        self.chips.show_filter(wanted, counts)
        self._filter_button.setChecked(self.chips.shows_more)
        is_empty = self._is_empty()
        if is_empty:
            self._empty_text.setText(empty_text(wanted, counts))
        self._number.setText("" if is_empty else count(len(document.visible), "image"))
        self._turn_to(self.empty if is_empty else self.grid)
        self._show_all.setVisible(is_empty and total > 0)

    def _turn_to(self, page: QWidget) -> None:
        """Show the pictures, or why there are none; who was among them with the keys stays there, on no button."""
        had_focus = self.grid.hasFocus() or self.empty.hasFocus()
        self._stack.setCurrentWidget(page)
        if had_focus:
            page.setFocus()

    def _is_empty(self) -> bool:
        """Whether the filter lets nothing through: the document lists the current image even then."""
        document = self._document
        if len(document.visible) != 1 or document.visible[0] != document.current:
            return not document.visible
        return not document.listing.accepts(document.visible[0])

    # Parts

    def _make_search(self) -> QLineEdit:
        search = QLineEdit(placeholderText="Search name or class", clearButtonEnabled=True)
        search.setAccessibleName("Search images by name, class or note")
        search.setToolTip("Finds names, classes and notes")
        search.installEventFilter(self)
        search.textChanged.connect(self._on_text_changed)
        return search

    def _make_empty(self) -> tuple[QWidget, QLabel]:
        page = QWidget()
        page.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        text = _label("muted")
        text.setWordWrap(True)
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._show_all = QPushButton("Show all images")
        self._show_all.clicked.connect(self._on_show_all_clicked)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(MARGIN, 24, MARGIN, 24)
        layout.setSpacing(16)
        layout.addWidget(text)
        layout.addWidget(self._show_all, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        return page, text

    def _make_chosen_bar(self) -> tuple[QWidget, QLabel]:
        bar = QFrame()
        bar.setProperty("role", "field")
        text = _label("strong")
        actions = QPushButton("Actions")
        actions.setProperty("role", "soft")
        actions.clicked.connect(self._on_actions_clicked)
        end = _tool("close", "Choose none")
        end.clicked.connect(lambda: self.grid.choose(()))
        row = QHBoxLayout(bar)
        row.setContentsMargins(MARGIN, 4, 4, 4)
        row.addWidget(text, 1)
        row.addWidget(actions)
        row.addWidget(end)
        bar.hide()
        return bar, text

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        title = _label("strong")
        title.setText("Images")
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._progress)
        search = QHBoxLayout()
        search.setSpacing(4)
        search.addWidget(self._search, 1)
        search.addWidget(self._filter_button)
        self._filter_button.setCheckable(True)
        order = QHBoxLayout()
        order.setSpacing(0)
        order.addWidget(self._number)
        order.addStretch()
        order.addWidget(self._order)
        order.addWidget(self._compact)
        above = QVBoxLayout()
        above.setContentsMargins(MARGIN, 0, MARGIN, 0)
        above.setSpacing(theme.SPACE)
        above.addLayout(head)
        above.addLayout(search)
        above.addWidget(self.chips)
        above.addLayout(order)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, MARGIN, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        pictures = QHBoxLayout()
        pictures.setContentsMargins(MARGIN - PADS[0], 0, 0, 0)  # so that pictures and words begin at one line
        pictures.addWidget(self._stack)
        layout.addLayout(pictures, 1)
        below = QVBoxLayout()
        below.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        below.addWidget(self._chosen_bar)
        below.addWidget(self.note)
        layout.addLayout(below)


def _label(role: str) -> QLabel:
    label = QLabel(textFormat=Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label


def _tool(icon: str, text: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(theme.icon(icon))
    button.setToolTip(text)
    button.setAccessibleName(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
