"""The bar at the top: files, undo, the model and where it runs, the three verbs of the loop, and how far work is."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from app.actions import Actions
from app.models import DEVICES, SEPARATOR, ModelChoice, ModelGroup
from app.theme import ICON, icon
from app.widgets.elided_label import ElidedLabel
from app.wording import tooltip

HEIGHT = 52  # px
CONTROL = 34  # px, the height of what stands in the bar
MORE = 26  # px, the width of the part of a button that opens a menu
PROGRESS = (110, 320)  # px, how narrow and how wide it may be
COMFORT = 240  # px for the words about work, for which most buttons give up words
LEAST = 940  # px of the whole bar: with the letters of most systems all of it fits into that
MODEL_ROOM, BRIEF_MODEL_ROOM, DEVICE_ROOM = 240, 120, 200  # px for the words about model and device
MAKERS = ("NVIDIA", "GeForce", "GPU")  # words that tell nothing apart
WORK = "Labelling "  # what the words about a pass begin with, and can do without
FINE_TUNE = "Fine-tune"
STEPS = 1000  # of the progress bar


class TopBar(QFrame):
    """Shows and asks; decides nothing."""

    model_chosen = Signal(str)
    device_chosen = Signal(str)
    cancel_wanted = Signal()

    def __init__(self, actions: Actions, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._open_model = actions["open-model"]
        self.setProperty("role", "panel")
        self.setFixedHeight(HEIGHT)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(4)
        opener = _button(actions["open-folder"], text="Open")
        label = _button(actions["label-image"], text="Auto-label")
        self.tune_button = VerbButton(actions["fine-tune"], FINE_TUNE, image="fine-tune", role="primary")
        opener.setMenu(menu)
        opener.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        opener.setProperty("role", "menu")
        self.model_button = _model_button(self)
        self._model_classes = actions["model-classes"]
        self._model_text, self._device_text = "", "Device: looking…"
        self._device = self._make_device_button()
        self._progress = Progress(self)
        self._progress.cancel_button.clicked.connect(self.cancel_wanted)
        export = _button(actions["export"], text="Export")
        self.label_button = VerbButton(actions["label-all"], "Auto-label all", image="auto-label-all", role="soft")
        for widget in (
            opener,
            export,
            _line(),
            _button(actions["undo"]),
            _button(actions["redo"]),
            _line(),
            self.model_button,
            self._device,
            _line(),
            label,
            _split(
                self.label_button,
                [actions[name] for name in ("label-image", "label-visible", "label-all")],
                [actions["model-classes"], actions["tiles"]],
            ),
            self.tune_button,
        ):
            if not isinstance(widget, QFrame) or isinstance(widget, QLabel):
                widget.setFixedHeight(CONTROL)
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addSpacing(8)
        row.addStretch(1)
        row.addWidget(self._progress, 100)
        self._savings: tuple[tuple[Callable[[bool], None], int], ...] = (  # what can be spared first, and for what
            (lambda spared: self._write_device(spared), COMFORT),
            (lambda spared: _show_words(export, not spared), COMFORT),
            (lambda spared: _show_words(label, not spared), COMFORT),
            (lambda spared: self._write_model(spared), COMFORT),
            (lambda spared: _show_words(opener, not spared), PROGRESS[0]),
            (lambda spared: self._write_device(True, name=not spared), PROGRESS[0]),
            (lambda spared: self.tune_button.setText("" if spared else FINE_TUNE), PROGRESS[0]),
        )

    def minimumSizeHint(self) -> QSize:
        """What is left when all words are given up that can be spared."""
        return QSize(LEAST, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window buttons give up words, one after the other, so that the words about work keep theirs."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        for saving, _ in reversed(self._savings):
            saving(False)
        for saving, for_progress in self._savings:
            if self._row.minimumSize().width() - PROGRESS[0] + for_progress > self.width():
                saving(True)

    def set_models(self, groups: Sequence[ModelGroup], chosen: ModelChoice) -> None:
        """Offer models under headings; those that are missing say why. They can be chosen where they can be fetched."""
        menu = QMenu(self.model_button)
        menu.setToolTipsVisible(True)
        together = QActionGroup(menu)
        for group in groups:
            place = menu
            if group.folded:
                place = menu.addMenu(_plain(group.heading))
                place.setToolTipsVisible(True)
            elif group.choices:
                menu.addAction(_heading(group.heading, menu))
            for item in group.choices:
                place.addAction(self._choice_action(item, chosen, together, menu))
        menu.addSeparator()
        menu.addAction(self._open_model)
        menu.addAction(self._model_classes)
        if old := self.model_button.menu():
            old.deleteLater()
        self.model_button.setMenu(menu)
        self._model_text = chosen.title
        self._fit()
        self.model_button.setToolTip(tooltip(f"The model that labels and that fine-tuning starts from: {chosen.title}"))

    def set_device_choice(self, device: str) -> None:
        """Mark what the person chose: auto, cpu, cuda or mps."""
        self._devices[device if device in self._devices else "auto"].setChecked(True)

    def set_device(self, text: str, *, is_fallback: bool) -> None:
        """Where models run; a fallback to the CPU is said in the colour of a warning."""
        self._device_text = text
        self._fit()
        self._device.setToolTip(tooltip(f"Where models run, for labelling and for fine-tuning: {text}"))
        self._device.setProperty("state", "fallback" if is_fallback else "good")
        self._device.style().unpolish(self._device)
        self._device.style().polish(self._device)

    def _write_device(self, brief: bool, *, name: bool = True) -> None:
        """The device; `brief`: without how it computes, without `name` only its kind."""
        text = device_name(self._device_text)
        text = text.partition(", ")[0] if brief else text
        text = text if name else text.partition(":")[0]
        shown = self._device.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, DEVICE_ROOM)
        self._device.setText(_plain(f"●  {shown}"))

    def _write_model(self, brief: bool) -> None:
        """The model; `brief`: without the size of its pictures."""
        text = self._model_text.rpartition(SEPARATOR)[0] if brief else ""
        room = BRIEF_MODEL_ROOM if brief else MODEL_ROOM
        shown = self.model_button.fontMetrics().elidedText(text or self._model_text, Qt.TextElideMode.ElideMiddle, room)
        self.model_button.setText(_plain(shown))

    def set_progress(self, text: str, share: float | None) -> None:
        """How far work is; no share: it is not known."""
        self._progress.show_work(text, share)

    def end_progress(self) -> None:
        """Nothing is under way."""
        self._progress.hide()

    def _make_device_button(self) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "device")
        button.setToolTip("Where models run, for labelling and for fine-tuning")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu, together = QMenu(button), QActionGroup(button)
        self._devices: dict[str, QAction] = {}
        for name, text in DEVICES.items():
            action = self._devices[name] = menu.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, name=name: self.device_chosen.emit(name))
            together.addAction(action)
        button.setMenu(menu)
        return button

    def _choice_action(self, item: ModelChoice, chosen: ModelChoice, group: QActionGroup, menu: QMenu) -> QAction:
        absent = f"\tdownload {item.megabytes} MB" if item.megabytes else "\tnot here" if item.missing else ""
        action = QAction(_plain(f"{item.title}{absent}"), menu)
        action.setCheckable(not item.missing)
        action.setChecked(not item.missing and item.source == chosen.source)
        action.setEnabled(not item.missing or item.megabytes > 0)
        action.setToolTip(tooltip(item.missing or item.source))
        action.triggered.connect(lambda _=False, source=item.source: self.model_chosen.emit(source))
        group.addAction(action)
        return action


class Progress(QWidget):
    """One line about work under way, a bar, and a button that ends it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMinimumWidth(PROGRESS[0])
        self.setMaximumWidth(PROGRESS[1])
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setRetainSizeWhenHidden(True)  # nothing moves as work begins and ends
        self.setSizePolicy(policy)
        self._text = ElidedLabel("", self)
        self._text.setProperty("role", "small")
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self.cancel_button = QToolButton(self)
        self.cancel_button.setIcon(icon("close"))
        self.cancel_button.setToolTip("Stop")
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addStretch(1)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        column.addStretch(1)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(column, 1)
        row.addWidget(self.cancel_button)
        self.hide()

    def show_work(self, text: str, share: float | None) -> None:
        """See TopBar.set_progress."""
        self._bar.setRange(0, 0 if share is None else STEPS)
        if share is not None:
            self._bar.setValue(round(share * STEPS))
        self.show()
        self._row.activate()  # or there is no telling how much room the words have
        is_short = self._text.fontMetrics().horizontalAdvance(text) > self._text.width()
        self._text.setText(text.removeprefix(WORK) if is_short else text)


class VerbButton(QPushButton):
    """A button that stands out, for an action of the table; its icon is resources/icons/NAME.svg of the action."""

    def __init__(self, action: QAction, text: str, *, image: str, role: str) -> None:
        super().__init__(text)
        self.setProperty("role", role)
        self.setIcon(icon(image, ink="on_accent" if role == "primary" else "accent"))
        self.setIconSize(QSize(ICON, ICON))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(text)
        self.action = action
        self.clicked.connect(action.trigger)
        action.changed.connect(self._on_action_changed)
        self._on_action_changed()

    def _on_action_changed(self) -> None:
        """The action can be done or not, or has other keys."""
        self.setToolTip(self.action.toolTip())
        self.setEnabled(self.action.isEnabled())


def device_name(text: str) -> str:
    """A device as one calls it: "CUDA: NVIDIA GeForce RTX 4070 Laptop GPU" is "CUDA: RTX 4070 Laptop"."""
    return " ".join(word for word in text.split(" ") if word not in MAKERS)


def _show_words(button: QToolButton, shown: bool) -> None:
    styles = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    button.setToolButtonStyle(styles[shown])


def _split(button: VerbButton, *groups: Sequence[QAction]) -> QWidget:
    """A button with a narrow one beside it that opens a menu of more."""
    more, menu = QPushButton(), QMenu(button)
    for actions in groups:
        menu.addActions(list(actions))
        menu.addSeparator()
    more.setMenu(menu)
    more.setFixedWidth(MORE)
    more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    more.setToolTip("Which images, and which classes")
    more.setAccessibleName("More of auto-labelling")
    button.action.enabledChanged.connect(more.setEnabled)
    more.setEnabled(button.action.isEnabled())
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(1)
    for part, side in ((button, "left"), (more, "right")):
        part.setProperty("role", "soft")
        part.setProperty("side", side)
        part.setFixedHeight(CONTROL)
        row.addWidget(part)
    return both


def _button(action: QAction, *, text: str = "") -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(ICON, ICON))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if text:
        action.setIconText(text)  # which the button takes over whenever the action changes
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def _model_button(parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setProperty("role", "field")
    button.setIcon(icon("model"))
    button.setIconSize(QSize(ICON, ICON))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return button


def _heading(text: str, menu: QMenu) -> QWidgetAction:
    """A line of a menu that cannot be chosen; a styled menu does not show the titles of sections."""
    label = QLabel(text, menu)
    label.setProperty("role", "small")
    action = QWidgetAction(menu)
    action.setDefaultWidget(label)
    action.setEnabled(False)
    return action


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("role", "upright-line")
    line.setFixedSize(9, 24)  # with 4 px of room on either side
    return line


def _plain(text: str) -> str:
    """Text for a button or menu, which would take & for a mark of a mnemonic."""
    return text.replace("&", "&&")
