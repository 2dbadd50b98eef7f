"""The sheet before a fine-tuning: what will be learnt from what, how long, and the options for those who want them."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.background.training_pace import Pace
from app.dialogs.fine_tune_plan import FineTunePlan, effort
from app.theme import icon
from app.widgets.elided_label import ElidedLabel
from app.wording import count
from detector.errors import OptionsError
from detector.model.variants import Variant
from detector.training.options import FineTuneOptions, Freeze

WIDTH = 520  # px
DEFAULT = FineTuneOptions()
LARGEST_SIZE, MOST_STEPS, LARGEST_BATCH, LARGEST_SEED = 2048, 1_000_000, 512, 2**31 - 1


@dataclass(frozen=True)
class ModelFacts:
    """The model to begin with: its name as shown; variant and image size in px, None where its file does not say."""

    title: str
    variant: Variant | None = None
    image_size: int | None = None


class FineTuneDialog(QDialog):
    """Asks for a start. start_wanted: the FineTuneOptions. vouch_wanted: for all started images; `set_plan` follows.

    paces: measured ones, newest first.
    """

    start_wanted = Signal(object)
    vouch_wanted = Signal()

    def __init__(
        self, plan: FineTunePlan, model: ModelFacts, *, paces: tuple[Pace, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Fine-tune")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._model, self._paces = model, paces
        self._build()
        self.set_plan(plan)

    def set_plan(self, plan: FineTunePlan) -> None:
        """Show what would be learnt from."""
        self._plan = plan
        self._summary.setText(plan.summary())
        self._lesson.setText(plan.lesson())
        self._lesson.setVisible(bool(plan.lesson()))
        self._problem.setText(plan.problem)
        self._problem.setVisible(bool(plan.problem))
        self._vouch.setText(f"Vouch for the {count(plan.started, 'started image')}")
        self._vouch.setVisible(plan.started > 0)
        self._refresh()

    def options(self) -> FineTuneOptions:
        """What is chosen. Raises OptionsError where that does not fit."""
        try:
            rate = float(self._rate.text().replace(",", "."))
        except ValueError:
            raise OptionsError(f"“{self._rate.text()}” is no learning rate; 0.002 is usual.") from None
        size = self._size.value()
        if self._model.variant is not None:
            self._model.variant.check_image_size(size)
        return FineTuneOptions(
            steps=self._steps.value() or None,
            batch=self._batch.value(),
            learning_rate=rate,
            image_size=None if size == (self._model.image_size or 0) else size,
            freeze=Freeze.BACKBONE if self._freeze.isChecked() else Freeze.NONE,
            any_orientation=self._any_orientation.isChecked(),
            flip=self._flip.isChecked(),
            seed=self._seed.value(),
        )

    # Construction

    def _build(self) -> None:
        title, model = QLabel("Fine-tune on what you reviewed"), ElidedLabel(f"From {self._model.title}")
        title.setProperty("role", "title")
        model.setProperty("role", "muted")
        self._summary, self._lesson, self._problem, self._effort = _text(), _text("muted"), _text("warning"), _text()
        self._vouch = QPushButton()
        self._vouch.setProperty("role", "soft")
        self._vouch.setToolTip("Say that these images have all their boxes, so that they can be learnt from")
        self._vouch.clicked.connect(self.vouch_wanted)
        self._fold = QPushButton("Advanced")
        self._fold.setProperty("role", "fold")
        self._fold.setIcon(icon("chevron-down"))
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._on_folded)
        self._options_box = self._make_options()
        self._options_box.hide()
        self._error = _text("bad")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(8)
        column.addWidget(title)
        column.addWidget(model)
        column.addSpacing(8)
        for widget in (self._summary, self._vouch, self._lesson, self._problem, self._effort):
            align = Qt.AlignmentFlag.AlignLeft if widget is self._vouch else Qt.AlignmentFlag(0)
            column.addWidget(widget, 0, align)
        column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._options_box)
        column.addWidget(self._error)
        column.addStretch(1)
        column.addSpacing(8)
        column.addLayout(self._make_buttons())

    def _make_options(self) -> QFrame:
        variant, size = self._model.variant, self._model.image_size
        self._steps = _number(0, MOST_STEPS, 0, self._refresh)
        self._batch = _number(1, LARGEST_BATCH, DEFAULT.batch, self._refresh)
        self._size = _number(0, LARGEST_SIZE, size or 0, self._refresh)
        self._size.setSingleStep(variant.stride if variant else 128)
        self._size.setSuffix(" px")
        self._size.setSpecialValueText("the model's")
        self._seed = _number(0, LARGEST_SEED, DEFAULT.seed, self._refresh)
        self._rate = QLineEdit(str(DEFAULT.learning_rate))
        self._rate.textChanged.connect(self._refresh)
        self._freeze = QCheckBox("Keep the backbone as it is: faster, learns less")
        self._any_orientation = QCheckBox("No side is up: turn pictures in all ways")
        self._flip = QCheckBox("Mirror half of the pictures")
        self._flip.setChecked(DEFAULT.flip)
        frame = QFrame()
        frame.setProperty("role", "field")
        form = QFormLayout(frame)
        form.setContentsMargins(16, 12, 16, 12)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        rows = {"Steps": self._steps, "Images per step": self._batch, "Image size": self._size}
        for name, widget in {**rows, "Learning rate": self._rate, "Seed": self._seed}.items():
            form.addRow(name, widget)
        for box in (self._freeze, self._any_orientation, self._flip):
            box.toggled.connect(self._refresh)
            form.addRow(box)
        return frame

    def _make_buttons(self) -> QHBoxLayout:
        self._start = QPushButton("Start")
        self._start.setProperty("role", "primary")
        self._start.setDefault(True)
        self._start.clicked.connect(self._on_start)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self._start)
        return row

    # State

    def _refresh(self) -> None:
        if not hasattr(self, "_plan"):
            return  # still under construction
        try:
            options = self.options()
        except OptionsError as error:
            self._error.setText(str(error))
            options = None
        self._error.setVisible(options is None)
        automatic = FineTuneOptions(batch=self._batch.value()).total_steps(self._plan.train + self._plan.undivided)
        self._steps.setSpecialValueText(f"{automatic:,}, from the number of images")
        self._effort.setVisible(options is not None and not self._plan.problem)
        if options is not None:
            self._effort.setText(self._effort_text(options))
        self._start.setEnabled(options is not None and not self._plan.problem)
        self._fit()

    def _fit(self) -> None:
        """As high as the texts need at this width, which Qt finds by itself only the first time."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.setFixedSize(WIDTH, layout.totalHeightForWidth(WIDTH))

    def _effort_text(self, options: FineTuneOptions) -> str:
        size, variant = options.image_size or self._model.image_size, self._model.variant
        fitting = (pace for pace in self._paces if variant and (pace.variant, pace.image_size) == (variant.name, size))
        pace = next(fitting, None)
        seconds, device = (pace.seconds_per_image, pace.device) if pace else (None, "")
        return effort(self._plan, options, seconds_per_image=seconds, device=device)

    def _on_folded(self, opened: bool) -> None:
        self._options_box.setVisible(opened)
        self._fit()

    def _on_start(self) -> None:
        options = self.options()
        self.accept()
        self.start_wanted.emit(options)


def _text(role: str = "") -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("role", role)
    return label


def _number(low: int, high: int, value: int, on_change: Callable[[], None]) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setGroupSeparatorShown(True)
    box.lineEdit().setTextMargins(9, 0, 0, 0)  # which style sheets do not reach
    box.valueChanged.connect(lambda _: on_change())
    return box
