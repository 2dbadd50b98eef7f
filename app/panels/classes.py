"""The classes of the project: choose, add, rename, recolour, merge, reorder, hide and remove them."""

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app import theme
from app.document import Document
from app.verbs.class_verbs import add_class, hide_classes, move_class, recolour_class
from app.widgets.class_list import ClassesList, ClassesModel
from app.widgets.class_rows import ClassRow, Row, listed
from app.wording import count
from detector.data.project.records import ProjectClass

EMPTY = "No class yet.\nName one below, or let a model\nbring its own."


class ClassesPanel(QWidget):
    """A click makes a class the active one; on its swatch it opens the colours; a double click renames it."""

    removal_wanted = Signal(int)
    merge_wanted = Signal(int, QPoint)  # at a point of the desktop

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._is_open = False
        self._summary = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._summary.setProperty("role", "small")
        centred = Qt.AlignmentFlag.AlignHCenter
        self._empty = QLabel(EMPTY, textFormat=Qt.TextFormat.PlainText, wordWrap=True, alignment=centred)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(8, 16, 8, 0)
        self._model = ClassesModel(document, self)
        self._list = ClassesList(self._model)
        self._list.row_pressed.connect(self._on_row_pressed)
        self._list.colour_wanted.connect(self._on_colour_wanted)
        self._list.removal_wanted.connect(self.removal_wanted)
        self._list.merge_wanted.connect(self.merge_wanted)
        self._list.hiding_wanted.connect(self._on_hiding_wanted)
        self._list.hiding_others_wanted.connect(self._on_hiding_others_wanted)
        self._list.move_wanted.connect(self._on_move_wanted)
        self._list.step_wanted.connect(self._on_step_wanted)
        self._show_all = QPushButton()
        self._show_all.setProperty("role", "chip")
        self._show_all.setIcon(theme.icon("eye-off"))
        self._show_all.setToolTip("Show the boxes of all classes again")
        self._show_all.clicked.connect(lambda: hide_classes(document, []))
        self._new = QLineEdit(placeholderText="New class…")
        self._new.setAccessibleName("Name of a new class")
        self._new.returnPressed.connect(self._on_name_entered)
        self._lay_out()
        self._refresh = QTimer(self, singleShot=True, interval=0)
        self._refresh.timeout.connect(self._read)
        for signal in (
            document.classes_changed,
            document.active_class_changed,
            document.image_updated,
            document.images_changed,
            document.project_changed,
        ):
            signal.connect(self._on_document_changed)
        self._read()

    def listed(self) -> list[ProjectClass]:
        """The classes that have a digit, in the order of the digits."""
        return [row.entry for row in self._model.rows if isinstance(row, ClassRow) and row.digit is not None]

    def _on_document_changed(self) -> None:
        self._refresh.start()  # once for however many changes come together

    def _on_row_pressed(self, row: Row) -> None:
        if isinstance(row, ClassRow):
            self._document.set_active_class(row.entry.id)
        else:
            self._is_open = not self._is_open
            self._read()

    def _on_hiding_wanted(self, class_id: int, hidden: bool) -> None:
        now = self._document.limits.hidden
        hide_classes(self._document, now | {class_id} if hidden else now - {class_id})

    def _on_hiding_others_wanted(self, class_id: int) -> None:
        hide_classes(self._document, {item.id for item in self._document.classes} - {class_id})

    def _on_move_wanted(self, class_id: int, behind: int | None) -> None:
        others = [item.id for item in self._document.classes if item.id != class_id]
        move_class(self._document, class_id, 0 if behind is None else others.index(behind) + 1)

    def _on_step_wanted(self, class_id: int, by: int) -> None:
        """To the other side of the next class that is listed."""
        shown = [row.entry.id for row in self._model.classes()]
        place = shown.index(class_id) + by
        if 0 <= place < len(shown):
            others = [item.id for item in self._document.classes if item.id != class_id]
            move_class(self._document, class_id, others.index(shown[place]) + (by > 0))

    def _on_colour_wanted(self, class_id: int) -> None:
        dialog = QColorDialog(QColor(self._document.class_of(class_id).colour), self)
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Colour of the class")
        dialog.colorSelected.connect(lambda colour: recolour_class(self._document, class_id, colour.name()))
        dialog.open()

    def _on_name_entered(self) -> None:
        name = self._new.text().strip()
        if name and (class_id := add_class(self._document, name)) is not None:
            self._new.clear()
            self._read()
            self._list.show_class(class_id)

    def _read(self) -> None:
        """Takes over the document's classes; waits while a name is being edited."""
        if self._list.is_editing():
            self._refresh.start()
            return
        document, counts = self._document, self._document.tally.class_counts()
        hidden = document.limits.hidden & {item.id for item in document.classes}
        rows = listed(
            document.classes, counts, active=document.active_class, is_open=self._is_open, out_of_sight=hidden
        )
        self._model.set_rows(rows)
        self._list.mark_active(document.active_class)
        used = sum(1 for entry in document.classes if counts.get(entry.id))
        self._summary.setText(f"{count(len(document.classes), 'class', 'classes')}, {used:,} in use")
        self._summary.setVisible(bool(document.classes))
        self._show_all.setText(f"{len(hidden)} hidden")
        self._show_all.setVisible(bool(hidden))
        self._empty.setVisible(not document.classes)
        self._new.setEnabled(not document.read_only)

    def _lay_out(self) -> None:
        title = QLabel("Classes")
        title.setProperty("role", "strong")
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 8, 0)
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._show_all)
        head.addWidget(self._summary)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 12, 4, 12)
        layout.setSpacing(theme.SPACE)
        layout.addLayout(head)
        layout.addWidget(self._empty)
        layout.addWidget(self._list, 1)
        field = QHBoxLayout()
        field.setContentsMargins(8, 0, 8, 0)
        field.addWidget(self._new)
        layout.addLayout(field)
