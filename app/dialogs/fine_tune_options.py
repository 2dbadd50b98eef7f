"""The fold of a fine-tuning's sheet: the options, for those who want them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QFrame, QLineEdit, QSpinBox, QWidget

from app.models import ModelChoice, info_of
from detector.errors import OptionsError
from detector.model.variants import VARIANTS, Variant, find_variant
from detector.model.weights import PUBLISHED
from detector.training.options import FineTuneOptions, Freeze, quick_minutes

DEFAULT = FineTuneOptions()
LARGEST_SIZE, MOST_STEPS, MOST_MINUTES, LARGEST_BATCH, LARGEST_SEED = 2048, 1_000_000, 10_000, 512, 2**31 - 1


@dataclass(frozen=True)
class ModelFacts:
    """The model to begin with: its name as shown; variant and image size in px, None where its file does not say."""

    title: str
    variant: Variant | None = None
    image_size: int | None = None


@dataclass(frozen=True)
class Strength:
    """How far training pictures stray from what they are: range of sizes, colours, share of mosaics."""

    name: str
    scale: tuple[float, float]
    photometric: float
    mosaic: float


STRENGTHS = (
    Strength("None: pictures as they are", (1.0, 1.0), 0.0, 0.0),
    Strength("Gentle: sizes and colours a little", (0.8, 1.25), 0.1, 0.0),
    Strength("Usual", DEFAULT.scale, DEFAULT.photometric, DEFAULT.mosaic),
    Strength("Strong: for few, similar pictures", (0.4, 1.8), 0.4, 0.3),
)
USUAL = next(place for place, strength in enumerate(STRENGTHS) if strength.name == "Usual")


def facts_of(choice: ModelChoice) -> ModelFacts:
    """What is known of a model. Raises CheckpointError."""
    if choice.source in PUBLISHED:
        variant = PUBLISHED[choice.source].variant
        return ModelFacts(choice.title, variant, variant.image_size)
    info = info_of(choice.source)
    return ModelFacts(choice.title, find_variant(info.variant), info.image_size) if info else ModelFacts(choice.title)


class OptionsForm(QFrame):
    """Fields for all that may be chosen. changed: some value; model_chosen: the source of another start. gpus: how many
    a run could use.
    """

    changed = Signal()
    model_chosen = Signal(str)

    def __init__(
        self, models: Sequence[ModelChoice], source: str, *, gpus: int = 0, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "field")
        self._facts = ModelFacts("")
        self.is_quick = False
        self._images = 0
        self._minutes = {True: 0, False: 0}  # chosen for quick mode, and for the full training; 0: none
        self._most_gpus = gpus
        self.model = QComboBox()
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for choice in models:
            self.model.addItem(choice.title, choice.source)
        self.model.setCurrentIndex(max(0, self.model.findData(source)))
        self.model.currentIndexChanged.connect(lambda _: self.model_chosen.emit(self.source))
        self._make_fields()
        self._lay_out()

    @property
    def source(self) -> str:
        """The model to begin with."""
        return self.model.currentData() or ""

    def set_model(self, facts: ModelFacts) -> None:
        """Another model to begin with: its image size is the one that is proposed."""
        self._facts = facts
        self.image_size.setSingleStep(facts.variant.stride if facts.variant else 128)
        self.image_size.setValue(facts.image_size or 0)
        self.changed.emit()

    def set_quick(self, quick: bool) -> None:
        """Quick mode, whose budget is time, or the full training. Each keeps the time that was chosen for it."""
        self.is_quick = quick
        with QSignalBlocker(self.minutes):
            self.minutes.setValue(self._minutes[quick])
        self._on_length_changed()

    def set_options(self, options: FineTuneOptions) -> None:
        """Show what was chosen before; of the size only one that the model does not have anyway."""
        self._minutes[options.quick] = max(1, round(options.minutes)) if options.minutes else 0
        self.steps.setValue(options.steps or 0)
        self.batch.setValue(options.batch)
        self.rate.setText(f"{options.learning_rate:g}")
        self.seed.setValue(options.seed)
        if options.image_size:
            self.image_size.setValue(options.image_size)
        kinds = [(strength.scale, strength.photometric) for strength in STRENGTHS]
        if (kind := (options.scale, options.photometric)) in kinds:
            self.strength.setCurrentIndex(kinds.index(kind))
        self.freeze.setChecked(options.freeze is Freeze.BACKBONE)
        self.any_orientation.setChecked(options.any_orientation)
        self.flip.setChecked(options.flip)
        self.set_quick(options.quick)

    def show_automatic_length(self, images: int) -> None:
        """Say how long it takes with so many images to learn from, where nothing was chosen."""
        self._images = images
        time = (
            f"{self.quick_minutes()} min, from the number of images" if self.is_quick else "as long as the steps take"
        )
        self.minutes.setSpecialValueText(time)
        steps = FineTuneOptions(batch=self.batch.value() * max(1, self.gpus.value())).total_steps(images) or 0
        automatic = (
            "as many as the time allows"
            if self.is_quick or self.minutes.value()
            else f"{steps:,}, from the number of images"
        )
        self.steps.setSpecialValueText(automatic)

    def options(self, *, quick: bool | None = None) -> FineTuneOptions:
        """What is chosen; `quick`: what that would be in this mode. Raises OptionsError where it does not fit."""
        quick = self.is_quick if quick is None else quick
        try:
            rate = float(self.rate.text().replace(",", "."))
        except ValueError:
            raise OptionsError(f"“{self.rate.text()}” is no learning rate; 0.002 is usual.") from None
        size, strength = self.image_size.value(), STRENGTHS[self.strength.currentIndex()]
        if self._facts.variant is not None:
            self._facts.variant.check_image_size(size)
        minutes = self._minutes[quick] or None
        return FineTuneOptions(
            steps=None if quick or minutes else self.steps.value() or None,
            minutes=minutes,
            quick=quick,
            batch=self.batch.value(),
            learning_rate=rate,
            image_size=None if size == (self._facts.image_size or 0) else size,
            freeze=Freeze.BACKBONE if self.freeze.isChecked() and not quick else Freeze.NONE,
            any_orientation=self.any_orientation.isChecked(),
            flip=self.flip.isChecked(),
            seed=self.seed.value(),
            scale=strength.scale,
            photometric=strength.photometric,
            mosaic=0.0 if quick else strength.mosaic,
        )

    def quick_minutes(self) -> int:
        """How long quick mode would take."""
        return self._minutes[True] or quick_minutes(self._images, self._facts.variant or VARIANTS["d0"])

    def _on_minutes_chosen(self) -> None:
        self._minutes[self.is_quick] = self.minutes.value()
        self._on_length_changed()

    def _on_length_changed(self) -> None:
        """Time is a budget of its own, and quick mode freezes by itself."""
        self.steps.setEnabled(not self.is_quick and not self.minutes.value())
        self.freeze.setEnabled(not self.is_quick)
        self.changed.emit()

    def _make_fields(self) -> None:
        self.steps = _number(0, MOST_STEPS, 0, self.changed.emit)
        self.minutes = _number(0, MOST_MINUTES, 0, self._on_minutes_chosen)
        self.minutes.setSuffix(" min, measuring included")
        self.batch = _number(1, LARGEST_BATCH, DEFAULT.batch, self.changed.emit)
        self.image_size = _number(0, LARGEST_SIZE, 0, self.changed.emit)
        self.image_size.setSuffix(" px")
        self.image_size.setSpecialValueText("the model's")
        self.seed = _number(0, LARGEST_SEED, DEFAULT.seed, self.changed.emit)
        self.rate = QLineEdit(str(DEFAULT.learning_rate))
        self.rate.textChanged.connect(self.changed)
        self.strength = QComboBox()
        self.strength.addItems([strength.name for strength in STRENGTHS])
        self.strength.setCurrentIndex(USUAL)
        self.strength.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.gpus = _number(min(1, self._most_gpus), self._most_gpus, self._most_gpus, self.changed.emit)
        self.freeze = QCheckBox("Keep the backbone as it is: faster, learns less")
        self.any_orientation = QCheckBox("No side is up: turn pictures in all ways")
        self.flip = QCheckBox("Mirror half of the pictures")
        self.flip.setChecked(DEFAULT.flip)
        for box in (self.freeze, self.any_orientation, self.flip):
            box.toggled.connect(lambda _: self.changed.emit())

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(16, 12, 16, 12)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, widget in {
            "Start from": self.model,
            "Image size": self.image_size,
            "Steps": self.steps,
            "Time": self.minutes,
            "Images per step": self.batch,
            "Learning rate": self.rate,
            "Augmentation": self.strength,
            "Seed": self.seed,
            "GPUs": self.gpus,
        }.items():
            form.addRow(name, widget)
        form.setRowVisible(self.gpus, self._most_gpus > 1)
        for box in (self.freeze, self.flip, self.any_orientation):
            form.addRow(box)


def _number(low: int, high: int, value: int, on_change: Callable[[], None]) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setGroupSeparatorShown(True)
    box.lineEdit().setTextMargins(9, 0, 0, 0)  # which style sheets do not reach
    box.valueChanged.connect(lambda _: on_change())
    return box
