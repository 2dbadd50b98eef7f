"""The sheet that says which of a model's classes are used, and what they are called in the project."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.dialogs.class_chooser import ClassChooser
from app.widgets.elided_label import ElidedLabel
from app.widgets.swatches import SWATCH, swatch
from app.wording import count, tooltip
from detector.data.project.records import ProjectClass

SIZE, MARGIN = QSize(520, 560), 48  # px: of the sheet, and what of its window it leaves free
ROW = 30  # px
SKIPPED = "left out"
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


class Column(IntEnum):
    """The table's columns."""

    MODEL = 0
    HERE = 1


TITLES = {Column.MODEL: "The model's class", Column.HERE: "Called here"}


@dataclass
class Entry:
    """A class of the model: its name there and here, and whether it is used."""

    name: str
    here: str
    used: bool


def summary_text(entries: Sequence[Entry], known: Collection[str]) -> str:
    """How much is used: "3 of 80 classes, as 1 class here (new)"."""
    names = {entry.here.casefold() for entry in entries if entry.used}
    new = len(names - {name.casefold() for name in known})
    used = sum(entry.used for entry in entries)
    text = f"{used:,} of {count(len(entries), 'class', 'classes')} used"
    if used:
        text += f", as {count(len(names), 'class', 'classes')} here" + (f", {new:,} of them new" if new else "")
    return text


class ClassMapDialog(QDialog):
    """map_wanted: the model's name → the name here, None for a class that is left out.

    mine: names of the classes that are the person's own, and not only there because a model brought them.
    """

    map_wanted = Signal(dict)

    def __init__(
        self,
        model: str,
        names: Mapping[str, str | None],
        classes: Sequence[ProjectClass],
        *,
        mine: Collection[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Classes of the model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        room = parent.window().size() - QSize(MARGIN, MARGIN) if parent is not None else SIZE
        self.resize(SIZE.boundedTo(room))
        self._classes, self._mine = classes, {name.casefold() for name in mine}
        self.chooser: ClassChooser | None = None
        self._model = _MapModel([Entry(name, here or name, here is not None) for name, here in names.items()], classes)
        self._model.setParent(self)
        self._model.toggled.connect(self._on_toggled)
        self.table = _Table(self._model)
        self.table.doubleClicked.connect(self._on_double_clicked)
        self.table.call_wanted.connect(self._ask_name)
        self.table.selectionModel().selectionChanged.connect(self._refresh)
        self.search = QLineEdit(placeholderText="Search")
        self.search.setAccessibleName("Search a class of the model")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._model.search)
        self.keep_all, self.skip_all = QPushButton("Use all"), QPushButton("Leave all out")
        self.only_mine = QPushButton("Only those I have")
        self.keep_all.clicked.connect(lambda: self._use(lambda entry: True))
        self.skip_all.clicked.connect(lambda: self._use(lambda entry: False))
        self.only_mine.clicked.connect(self._use_only_mine)
        self.call, self.own_name = QPushButton("Call them…"), QPushButton("By their own names")
        self.call.setToolTip("Several of the model's classes can be one here: car, truck and bus a vehicle")
        self.call.clicked.connect(self._ask_name)
        self.own_name.clicked.connect(self._use_own_names)
        self._summary = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._summary.setProperty("role", "small")
        self.apply_button = QPushButton("Apply")
        self.apply_button.setProperty("role", "primary")
        self.apply_button.clicked.connect(self._on_apply)
        self._arrange(model)
        self._refresh()
        self.search.setFocus()

    def names(self) -> dict[str, str | None]:
        """What is chosen."""
        return {entry.name: entry.here if entry.used else None for entry in self._model.entries}

    def _arrange(self, model: str) -> None:
        title, note = ElidedLabel(f"Classes of {model}"), QLabel(wordWrap=True)
        title.setProperty("role", "title")
        note.setText("What it has proposed already follows at once. Undo takes it back.")
        note.setProperty("role", "muted")
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        for button in (self.keep_all, self.skip_all, self.only_mine, self.call, self.own_name, cancel):
            button.setAutoDefault(False)  # Enter in the search field must not press one
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(8)
        column.addWidget(title)
        column.addWidget(note)
        column.addSpacing(8)
        column.addWidget(self.search)
        column.addLayout(_row(self.keep_all, self.skip_all, self.only_mine))
        column.addWidget(self.table, 1)
        column.addLayout(_row(self.call, self.own_name))
        column.addSpacing(8)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._summary, 1)
        foot.addWidget(cancel)
        foot.addWidget(self.apply_button)
        column.addLayout(foot)

    def _chosen(self) -> list[Entry]:
        return [self._model.shown[index.row()] for index in self.table.selectionModel().selectedRows()]

    def _use(self, wanted: Callable[[Entry], bool]) -> None:
        for entry in self._model.shown:
            entry.used = wanted(entry)
        self._changed()

    def _use_only_mine(self) -> None:
        self._use(lambda entry: entry.here.casefold() in self._mine)

    def _use_own_names(self) -> None:
        for entry in self._chosen():
            entry.here, entry.used = entry.name, True
        self._changed()

    def _on_toggled(self, entry: Entry) -> None:
        """A check mark counts for all chosen rows, if it is one of theirs."""
        chosen = self._chosen()
        for other in chosen if entry in chosen else [entry]:
            other.used = entry.used
        self._changed()

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.column() == Column.HERE:
            self._ask_name()

    def _ask_name(self) -> None:
        chosen = self._chosen()
        if not chosen:
            return
        self.chooser = ClassChooser(self)
        self.chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        by_id = {item.id: item.name for item in self._classes}
        self.chooser.chosen.connect(lambda class_id: self._name(chosen, by_id[class_id]))
        self.chooser.new_wanted.connect(lambda name: self._name(chosen, " ".join(name.split())))
        row = self.table.visualRect(self.table.currentIndex().siblingAtColumn(Column.HERE))
        self.chooser.open_at(self.table.viewport().mapToGlobal(row.bottomLeft() + QPoint(0, 2)), self._classes)

    def _name(self, entries: Iterable[Entry], name: str) -> None:
        for entry in entries:
            entry.here, entry.used = name, True
        self._changed()

    def _changed(self) -> None:
        self._model.tell()
        self._refresh()

    def _refresh(self) -> None:
        has_chosen = self.table.selectionModel().hasSelection()
        self.call.setEnabled(has_chosen)
        self.own_name.setEnabled(has_chosen)
        self._summary.setText(summary_text(self._model.entries, [item.name for item in self._classes]))

    def _on_apply(self) -> None:
        names = self.names()
        self.accept()
        self.map_wanted.emit(names)


class _Table(QTableView):
    """Whole rows, several at once. Space checks, Enter asks for a name."""

    call_wanted = Signal()

    def __init__(self, model: QAbstractTableModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setAccessibleName("Classes of the model")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setIconSize(QSize(SWATCH, SWATCH))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        index = self.currentIndex().siblingAtColumn(Column.MODEL)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.call_wanted.emit()
        elif event.key() == Qt.Key.Key_Space and index.isValid():
            is_on = index.data(Role.CheckStateRole) == Qt.CheckState.Checked
            off, on = Qt.CheckState.Unchecked, Qt.CheckState.Checked
            self.model().setData(index, off if is_on else on, Role.CheckStateRole)
        else:
            super().keyPressEvent(event)


class _MapModel(QAbstractTableModel):
    """The model's classes that match the search. toggled: an entry got or lost its check mark."""

    toggled = Signal(object)

    def __init__(self, entries: list[Entry], classes: Sequence[ProjectClass]) -> None:
        super().__init__()
        self.entries, self.shown = entries, entries
        self._colours = {item.name.casefold(): item.colour for item in classes}

    def search(self, text: str) -> None:
        """Show the entries whose name there or here holds the text."""
        wanted = text.strip().casefold()
        self.beginResetModel()
        self.shown = [item for item in self.entries if wanted in f"{item.name}\n{item.here}".casefold()]
        self.endResetModel()

    def tell(self) -> None:
        """Entries have changed."""
        if self.shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.shown) - 1, len(Column) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """One row a class."""
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The model's name, the name here."""
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> object:
        """The columns' titles."""
        is_title = orientation is Qt.Orientation.Horizontal and role == Role.DisplayRole
        return TITLES[Column(section)] if is_title else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The model's classes have check marks."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == Column.MODEL else flags

    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        """Names, check marks, colours."""
        entry, is_here = self.shown[index.row()], index.column() == Column.HERE
        if role == Role.DisplayRole:
            return (entry.here if entry.used else SKIPPED) if is_here else entry.name
        if role == Role.ToolTipRole:
            return tooltip(f"{entry.name}: {entry.here if entry.used else SKIPPED}")
        if role == Role.CheckStateRole and not is_here:
            return Qt.CheckState.Checked if entry.used else Qt.CheckState.Unchecked
        if role == Role.ForegroundRole and not entry.used:
            return QColor(theme.current().muted)
        if role == Role.DecorationRole and is_here and entry.used:
            return swatch(self._colours.get(entry.here.casefold(), theme.current().line))  # grey: there is none yet
        return None

    def setData(self, index: Index, value: object, role: int = Role.EditRole) -> bool:
        """A click on a check mark."""
        if role != Role.CheckStateRole:
            return False
        entry = self.shown[index.row()]
        entry.used = Qt.CheckState(value) is Qt.CheckState.Checked
        self.toggled.emit(entry)
        return True


def _row(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row
