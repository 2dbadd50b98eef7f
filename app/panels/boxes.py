"""The boxes and proposals of the current image as a table, in step with what is selected on the canvas."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.document import Document
from app.page import FLAGS, ShownBox
from app.verbs import box_verbs
from app.verbs.flagging import all_have, set_flag
from app.widgets.box_table import SHOWN, TITLES, BoxesModel, BoxesTable, Column
from app.wording import count

EMPTY = "No box on this image.\nPress W and drag to draw one, or I to auto-label it."
UNSEEN = "No box on this image, whose picture cannot be shown."
FLAG_TEXTS = {"occluded": "Occluded", "truncated": "Truncated", "difficult": "Difficult"}


def summary_text(shown: Sequence[ShownBox], unseen: int = 0) -> str:
    """How many boxes and how many proposals: "2 boxes, 10 proposals, 3 hidden", "" for none."""
    proposed = sum(box.is_proposal for box in shown)
    parts = (count(len(shown) - proposed, "box", "boxes"), count(proposed, "proposal"), f"{unseen:,} hidden")
    return ", ".join(part for part in parts if not part.startswith("0 "))


class BoxesPanel(QWidget):
    """What is shown on the current image; a click on a title sorts, the menu changes all chosen boxes at once.

    class_wanted: a point of the desktop, and the keys of the boxes that are to get another class.
    """

    class_wanted = Signal(QPoint, object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._is_following = False  # the document's selection, so that none goes back to it
        self._model = BoxesModel(document, self)
        self._table = BoxesTable(self._model)
        self._summary = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._summary.setProperty("role", "small")
        self._more = QToolButton()
        self._more.setIcon(theme.icon("more"))
        self._more.setToolTip("Change all chosen boxes, or their order")
        self._more.setAccessibleName("Change the chosen boxes")
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._table)
        self._empty = _muted(EMPTY)
        self._stack.addWidget(_page_of(self._empty))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(self._head())
        layout.addWidget(self._stack)
        self._wire()
        self._on_shown_changed()

    def _wire(self) -> None:
        document, table = self._document, self._table
        table.selectionModel().selectionChanged.connect(self._on_table_selection_changed)
        table.deletion_wanted.connect(lambda: box_verbs.delete(document, document.selection))
        table.acceptance_wanted.connect(lambda: box_verbs.accept(document, document.selection))
        table.menu_wanted.connect(self._open_menu)
        header = table.horizontalHeader()
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda point: self._order_menu(self).popup(header.mapToGlobal(point)))
        self._more.clicked.connect(lambda: self._open_menu(self._more.mapToGlobal(QPoint(0, self._more.height()))))
        document.shown_changed.connect(self._on_shown_changed)
        document.classes_changed.connect(self._on_shown_changed)
        document.project_changed.connect(self._on_shown_changed)
        document.selection_changed.connect(self._on_selection_changed)

    def _head(self) -> QHBoxLayout:
        title = QLabel("Boxes")
        title.setProperty("role", "strong")
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 0, 0)
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._summary)
        head.addWidget(self._more)
        return head

    def set_broken(self, broken: bool) -> None:
        """Whether the picture cannot be shown: then nobody is told to draw on it."""
        self._empty.setText(UNSEEN if broken else EMPTY)

    # The menu

    def _chosen(self) -> list[ShownBox]:
        return [box for box in self._document.shown if box.key in self._document.selection]

    def _open_menu(self, point: QPoint) -> None:
        menu = self._menu(point)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(point)

    def _menu(self, point: QPoint) -> QMenu:
        document, chosen = self._document, self._chosen()
        keys, menu = frozenset(box.key for box in chosen), QMenu(self)
        proposed = sum(box.is_proposal for box in chosen)
        many = f" {len(chosen)} boxes" if len(chosen) > 1 else ""
        doing = [
            menu.addAction(theme.icon("class"), "Change class…", lambda: self.class_wanted.emit(point, keys)),
            menu.addAction(theme.icon("accept"), f"Accept{many}", lambda: box_verbs.accept(document, keys)),
            menu.addAction(
                theme.icon("delete"),
                f"{'Reject' if chosen and proposed == len(chosen) else 'Delete'}{many}",
                lambda: box_verbs.delete(document, keys),
            ),
        ]
        doing[1].setVisible(proposed > 0)
        menu.addSeparator()
        for flag in FLAGS:
            action = menu.addAction(FLAG_TEXTS[flag])
            action.setCheckable(True)
            action.setChecked(all_have(chosen, flag))
            action.triggered.connect(lambda on, flag=flag: set_flag(document, keys, flag, on))
            doing.append(action)
        menu.addSeparator()
        same = {box.class_id for box in chosen}
        alike = menu.addAction("Select all of this class", lambda: self._select_classes(same))
        menu.addMenu(self._order_menu(menu))
        for action in (*doing, alike):
            action.setEnabled(bool(chosen))
        return menu

    def _order_menu(self, parent: QWidget) -> QMenu:
        menu = QMenu("Sort by", parent)
        together = QActionGroup(menu)
        for column in Column:
            action = menu.addAction(TITLES[column])
            action.setCheckable(True)
            action.setChecked(column is self._model.column)
            action.triggered.connect(lambda _, column=column: self._sort_by(column))
            together.addAction(action)
        return menu

    def _sort_by(self, column: Column) -> None:
        """Again by the same one: the other way round."""
        is_first_down = column in (Column.SCORE, Column.SIZE)
        descending = not self._model.descending if column is self._model.column else is_first_down
        self._table.sort_by(column, descending=descending)

    def _select_classes(self, class_ids: set[int]) -> None:
        self._document.set_selection(box.key for box in self._document.shown if box.class_id in class_ids)

    # In step with the document

    def _on_shown_changed(self) -> None:
        self._is_following = True
        self._model.read()
        self._is_following = False
        unseen = self._document.unseen
        self._summary.setText(summary_text(self._model.boxes, unseen))
        self._stack.setCurrentIndex(0 if self._model.boxes or unseen or self._document.current is None else 1)
        self._on_selection_changed()

    def _on_selection_changed(self) -> None:
        """Selects the rows of what the document has selected, and shows the first of them."""
        wanted = QItemSelection()
        last = len(SHOWN) - 1
        for row, box in enumerate(self._model.boxes):
            if box.key in self._document.selection:
                wanted.select(self._model.index(row, 0), self._model.index(row, last))
        selection = self._table.selectionModel()
        self._is_following = True
        selection.select(wanted, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._is_following = False
        if not wanted.isEmpty():
            first = wanted.indexes()[0]
            selection.setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
            self._table.scrollTo(first)

    def _on_table_selection_changed(self) -> None:
        if not self._is_following:
            rows = self._table.selectionModel().selectedRows()
            self._document.set_selection(self._model.boxes[index.row()].key for index in rows)


def _muted(words: str) -> QLabel:
    text = QLabel(words, wordWrap=True, alignment=Qt.AlignmentFlag.AlignHCenter)
    text.setTextFormat(Qt.TextFormat.PlainText)
    text.setProperty("role", "muted")
    return text


def _page_of(text: QLabel) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(theme.SPACE, 24, theme.SPACE, 24)
    layout.addWidget(text)
    layout.addStretch()
    return page
