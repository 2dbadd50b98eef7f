"""The page of the preferences on which every action gets its keys."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.actions import BY_NAME, TABLE, Actions, Subject
from app.dialogs.key_recorder import KeyRecorder
from app.keys import ARROWS, is_bare, text_of
from app.matching import fit, words_of
from app.theme import icon
from app.widgets.flow_layout import FlowLayout
from app.widgets.row_list import Row, RowList

GAP = 12  # px
PROMPT = "Search actions or keys"
_EDITING = tuple(QKeySequence(f"Ctrl+{letter}") for letter in "ACVXYZ")


def note_on(key: QKeySequence) -> str:
    """What one should know about a key, since picture and fields have uses of their own for it; "" for most."""
    if key == QKeySequence("Space"):
        return "Space held down on the picture pans; a tap does this."
    if any(key == QKeySequence(arrow) for arrow in ARROWS):
        return "While boxes are selected, arrows move these."
    if key in _EDITING:
        return f"In a field {text_of(key)} edits the text."
    if is_bare(key):
        return "Keys without Ctrl or Alt act on the picture and in the images list only: fields keep their letters."
    return ""


def rows(actions: Actions, text: str) -> list[Row]:
    """The table's actions that fit what was typed, subject by subject, with their keys."""
    subjects, words, changed = list(Subject), words_of(text), actions.changed()
    found: list[Row] = []
    for spec in sorted(TABLE, key=lambda spec: subjects.index(spec.subject)):
        keys = actions.texts(spec.name)
        if fit(spec.text, " ".join((spec.subject.value, *keys)), words) is not None:
            detail = spec.subject.value + (", changed" if spec.name in changed else "")
            found.append(Row(spec.name, spec.text.rstrip("…"), detail, keys=keys, icon=icon(spec.icon)))
    return found


class ShortcutPage(QWidget):
    """Whatever is changed here acts at once."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._replaced: QKeySequence | None = None  # which the next key takes the place of
        self._wanted: QKeySequence | None = None  # a key that another action has
        self.search = QLineEdit(placeholderText=PROMPT, clearButtonEnabled=True)
        self.search.setAccessibleName(PROMPT)
        self.search.textChanged.connect(self._on_searched)
        self.list = RowList()
        self.list.setAccessibleName("Actions")
        self.list.current_changed.connect(self._on_row_changed)
        self.list.doubleClicked.connect(lambda _: self.recorder.start())
        self.recorder = KeyRecorder("Add a key")
        self.recorder.pressed_keys.connect(self._on_recorded)
        self.reset_all = QPushButton("Reset all keys")
        self.reset_all.setAutoDefault(False)
        self.reset_all.clicked.connect(lambda: actions.remap({}))
        self._strip = self._make_strip()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GAP, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self._strip)
        column.addWidget(self.reset_all, 0, Qt.AlignmentFlag.AlignLeft)
        actions.remapped.connect(self._on_remapped)
        self._fill()

    def name(self) -> str | None:
        """Of the action whose keys are shown."""
        row = self.list.row()
        return None if row is None else row.value

    def choose(self, name: str) -> None:
        """Show an action's keys."""
        names = [row.value for row in self.list.rows]
        if name in names:
            self.list.set_rows(self.list.rows, current=names.index(name))

    # What the person does

    def _on_searched(self) -> None:
        self._fill()

    def _on_row_changed(self) -> None:
        self._ask_no_more()
        self._show()

    def _on_recorded(self, key: QKeySequence) -> None:
        name, holder = self.name(), self._actions.holder(key)
        if name is None:
            return
        if holder is None:
            self._give(name, key)
        elif holder == name:
            self._say(f"{text_of(key)} is one of its keys already.")
        else:
            self._wanted = key
            self._say(f"{text_of(key)} is “{BY_NAME[holder].text.rstrip('…')}”. Take it away there?", asks=True)

    def _on_taken(self) -> None:
        if (name := self.name()) is not None and self._wanted is not None:
            self._give(name, self._wanted)

    def _on_left(self) -> None:
        self._ask_no_more()

    def _on_reset(self) -> None:
        if (name := self.name()) is not None:
            self._actions.remap({other: keys for other, keys in self._actions.changed().items() if other != name})

    def _on_remapped(self) -> None:
        self._fill()

    def _give(self, name: str, key: QKeySequence) -> None:
        """A key for an action, taken away elsewhere; in the place of one that is to be replaced, if any."""
        keys = self._actions.keys(name)
        with_it = tuple(key if old == self._replaced else old for old in keys)
        given = {name: with_it if key in with_it else (*keys, key)}
        if (holder := self._actions.holder(key)) is not None:
            given[holder] = tuple(old for old in self._actions.keys(holder) if old != key)
        self._actions.give(given)

    def _remove(self, key: QKeySequence) -> None:
        if (name := self.name()) is not None:
            self._actions.give({name: tuple(old for old in self._actions.keys(name) if old != key)})

    def _replace(self, key: QKeySequence) -> None:
        self._ask_no_more()
        self._replaced = key
        self.recorder.start()

    # What is seen

    def _make_strip(self) -> QFrame:
        strip = QFrame()
        strip.setProperty("role", "field")
        self._title, self._note, self._message = QLabel(), QLabel(wordWrap=True), QLabel(wordWrap=True)
        for label, role in ((self._title, "strong"), (self._note, "small"), (self._message, "warning")):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
        self.reset = _button("Reset", self._on_reset)
        self.take, self.leave = _button("Take it", self._on_taken), _button("Leave it there", self._on_left)
        head, asked = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self.reset)
        self._keys = FlowLayout(gap=theme.SPACE)
        asked.setSpacing(theme.SPACE)
        for widget, stretch in ((self._message, 1), (self.take, 0), (self.leave, 0)):
            asked.addWidget(widget, stretch)
        column = QVBoxLayout(strip)
        column.setContentsMargins(GAP, theme.SPACE, GAP, GAP)
        column.setSpacing(theme.SPACE)
        column.addLayout(head)
        column.addLayout(self._keys)
        column.addLayout(asked)
        column.addWidget(self._note)
        return strip

    def _fill(self) -> None:
        before = self.name()
        found = rows(self._actions, self.search.text())
        names = [row.value for row in found]
        self.list.set_rows(found, current=names.index(before) if before in names else 0)
        self._strip.setVisible(bool(found))
        self.reset_all.setEnabled(bool(self._actions.changed()))
        self._on_row_changed()

    def _show(self) -> None:
        name = self.name()
        if name is None:
            return
        keys = self._actions.keys(name)
        self._title.setText(BY_NAME[name].text.rstrip("…"))
        self.reset.setEnabled(name in self._actions.changed())
        self._set_chips(keys)
        notes = dict.fromkeys(note for key in keys if (note := note_on(key)))
        self._note.setText(" ".join(notes))
        self._note.setVisible(bool(notes))

    def _set_chips(self, keys: Sequence[QKeySequence]) -> None:
        while (item := self._keys.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not self.recorder:
                widget.hide()
                widget.deleteLater()
        for key in keys:
            self._keys.addWidget(self._chip(key))
        self._keys.addWidget(self.recorder)

    def _chip(self, key: QKeySequence) -> QWidget:
        chip = QWidget()
        change = _button(text_of(key), lambda: self._replace(key))
        change.setToolTip("Press another key instead")
        remove = QToolButton()
        remove.setIcon(icon("close"))
        remove.setToolTip(f"Take {text_of(key)} away")
        remove.setAccessibleName(f"Take {text_of(key)} away")
        remove.clicked.connect(lambda: self._remove(key))
        row = QHBoxLayout(chip)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(change)
        row.addWidget(remove)
        return chip

    def _say(self, text: str, *, asks: bool = False) -> None:
        self._message.setText(text)
        for widget, shown in ((self._message, bool(text)), (self.take, asks), (self.leave, asks)):
            widget.setVisible(shown)
        if asks:
            self.leave.setFocus()

    def _ask_no_more(self) -> None:
        self._replaced = self._wanted = None
        self._say("")


def _button(text: str, run: Callable[[], object]) -> QPushButton:
    button = QPushButton(text.replace("&", "&&"))
    button.setAutoDefault(False)
    button.clicked.connect(lambda _=False: run())
    return button
