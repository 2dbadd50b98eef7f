"""The sliders for brightness and contrast, and the mark that says when a picture is shown other than it is."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from app import theme
from app.canvas.tone import MOST, PLAIN, Tone, signed

SLIDER = 160  # px
PAGE = 10  # of 100: a click beside the slider's handle


class TonePanel(QFrame):
    """Floats over the picture. tone_chosen: the person wants another tone. left: the keyboard goes back."""

    tone_chosen = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "notice")
        self.setAccessibleName("Brightness and contrast")
        self.brightness, self.contrast = (_slider(name) for name in ("Brightness", "Contrast"))
        self._numbers = {slider: QLabel("0") for slider in (self.brightness, self.contrast)}
        self.reset = QPushButton("Reset")
        self.reset.setProperty("role", "quiet")
        self.reset.clicked.connect(lambda: self.tone_chosen.emit(PLAIN))
        self._arrange()
        for slider in self._numbers:
            slider.valueChanged.connect(self._on_value_changed)
            slider.sliderReleased.connect(self.left)
        self.set_tone(PLAIN)
        self.hide()

    def set_tone(self, tone: Tone) -> None:
        """Show a tone."""
        for slider, value in ((self.brightness, tone.brightness), (self.contrast, tone.contrast)):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
            self._numbers[slider].setText(signed(value))
        self.reset.setEnabled(not tone.is_plain)

    def open(self) -> None:
        """Show itself, with the keyboard on the first slider."""
        self.show()
        self.raise_()
        self.brightness.setFocus()

    def fold(self) -> None:
        """Go away."""
        self.hide()
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc and Return put it away."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.fold()
        else:
            super().keyPressEvent(event)

    def _arrange(self) -> None:
        title, note = QLabel("Brightness and contrast"), QLabel("For looking only: nothing that is stored changes.")
        title.setProperty("role", "strong")
        note.setProperty("role", "small")
        close = QPushButton(theme.icon("close"), "")
        close.setProperty("role", "quiet")
        close.setAccessibleName("Close")
        close.setToolTip("Close")
        close.setFixedSize(28, 28)
        close.clicked.connect(self.fold)
        head, rows, foot, column = QHBoxLayout(), QGridLayout(), QHBoxLayout(), QVBoxLayout(self)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(close)
        head.setContentsMargins(0, 0, 6, 0)  # the cross, not its room, ends where the numbers do
        widest = QFontMetrics(self.font()).horizontalAdvance(signed(-MOST)) + theme.SPACE
        for row, slider in enumerate((self.brightness, self.contrast)):
            number = self._numbers[slider]
            number.setFixedWidth(widest)
            number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place, part in enumerate((QLabel(slider.accessibleName()), slider, number)):
                rows.addWidget(part, row, place)
        rows.setHorizontalSpacing(theme.SPACE)
        rows.setVerticalSpacing(4)
        foot.addWidget(note, 1)
        foot.addWidget(self.reset)
        foot.setSpacing(theme.SPACE)
        foot.setContentsMargins(0, 0, 1, 0)  # likewise the word on the button
        rows.setContentsMargins(0, 0, 12, 0)
        column.setContentsMargins(12, 8, 0, 8)
        column.setSpacing(4)
        for layout in (head, rows, foot):
            column.addLayout(layout)

    def _on_value_changed(self) -> None:
        self.tone_chosen.emit(Tone(self.brightness.value(), self.contrast.value()))


class ToneMark(QPushButton):
    """Says that the picture is shown brighter or darker than it is, as long as that is so."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "mark")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # else the picture would jump as it comes
        self.setSizePolicy(policy)
        self.setToolTip("The picture is shown other than it is; what is stored stays as it is.")
        self.hide()

    def set_tone(self, tone: Tone) -> None:
        """Show a tone, or nothing where the picture is shown as it is."""
        self.setText(tone.words())
        self.setVisible(not tone.is_plain)


def _slider(name: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setAccessibleName(name)
    slider.setRange(-MOST, MOST)
    slider.setPageStep(PAGE)
    slider.setFixedWidth(SLIDER)
    return slider
