"""The sheet before a fine-tuning: what will be learnt from what, how long, and the options for those who want them."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.background.training_data_check import Compared
from app.background.training_pace import Pace, estimate
from app.dialogs.fine_tune_findings import FindingList
from app.dialogs.fine_tune_options import ModelFacts, OptionsForm
from app.dialogs.fine_tune_plan import FineTunePlan, Place, full_words, quick_words
from app.dialogs.fine_tune_recipe import RecipeChoice
from app.dialogs.sheet import paragraph
from app.models import ModelChoice
from app.theme import icon
from app.widgets.elided_label import ElidedLabel
from detector.data.training_data import Finding, TrainingData, findings
from detector.errors import OptionsError
from detector.training.options import FineTuneOptions

WIDTH = 560  # px
ROOM = 96  # px of the screen that the sheet leaves free


class FineTuneDialog(QDialog):
    """Asks for a start. start_wanted: the FineTuneOptions, the source of the model to begin with, and on how many GPUs,
    0 for the CPU. vouch_wanted: for all started images; `set_plan` follows. model_chosen: the source of another model;
    `set_model` follows. images_wanted: an ImageGroup to be shown. one_side_wanted: groups of ids of images that look
    alike.

    paces: known ones, newest first. gpus: how many the run could be on. models: those that it can begin with. before:
    what was chosen last for the project; without it a CPU begins with quick mode.
    """

    start_wanted = Signal(object, str, int)
    vouch_wanted = Signal()
    model_chosen = Signal(str)
    images_wanted = Signal(object)
    one_side_wanted = Signal(object)

    def __init__(
        self,
        plan: FineTunePlan,
        model: ModelFacts,
        *,
        models: Sequence[ModelChoice] = (),
        source: str = "",
        paces: Sequence[Pace] = (),
        gpus: int = 0,
        before: FineTuneOptions | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Fine-tune")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._paces = paces
        self._plan = plan
        self._training_data: TrainingData | None = None
        self._near_duplicates: Finding | None = None
        self.form, self.recipe = OptionsForm(models, source, gpus=gpus), RecipeChoice()
        self._build()
        self.set_model(model)
        self.form.set_options(before or FineTuneOptions(quick=not gpus))
        self.recipe.quick.setChecked(self.form.is_quick)
        self.set_plan(plan)
        self.form.changed.connect(self._refresh)
        self.recipe.quick_chosen.connect(self.form.set_quick)
        (self.recipe.quick if self.form.is_quick else self.recipe.full).setFocus()  # Enter starts, arrows choose

    def set_plan(self, plan: FineTunePlan) -> None:
        """Show what would be learnt from."""
        self._plan = plan
        self._summary.setText(plan.summary())
        self._learnt.setText(plan.content())
        self._learnt.setVisible(bool(plan.content()))
        self._problem.setText(plan.problem)
        self._problem.setVisible(bool(plan.problem))
        one = plan.started == 1
        self._vouch.setText("Vouch for the started image" if one else f"Vouch for the {plan.started:,} started images")
        self._vouch.setVisible(plan.started > 0)
        self._refresh()

    def set_model(self, model: ModelFacts) -> None:
        """Show the model to begin with."""
        self._model = model
        self._from.setText(f"From {model.title}")
        self.form.set_model(model)
        self._refresh()

    def set_training_data(self, data: TrainingData) -> None:
        """Show what is to be said of the data; pictures are compared from now on."""
        self._training_data, self._near_duplicates = data, None
        self._refresh()

    def set_compared(self, so_far: Compared) -> None:
        """Say how far the comparison of pictures is."""
        self._checking.setText(f"Comparing pictures: {so_far.done:,} of {so_far.total:,}")
        if self._checking.isHidden():
            self._checking.show()
            self._fit()

    def set_near_duplicates(self, found: Finding | None) -> None:
        """All pictures are compared."""
        self._near_duplicates = found
        self._checking.hide()
        self._refresh()

    # Construction

    def _build(self) -> None:
        title, self._from = QLabel("Fine-tune on what you reviewed"), ElidedLabel()
        title.setProperty("role", "title")
        self._from.setProperty("role", "muted")
        self._summary, self._learnt, self._problem = paragraph(), paragraph(role="muted"), paragraph(role="warning")
        self._checking, self._error = paragraph(role="small"), paragraph(role="bad")
        self._checking.hide()
        self._vouch = QPushButton()
        self._vouch.setProperty("role", "soft")
        self._vouch.setToolTip("Say that these images have all their boxes, so that they can be learnt from")
        self._vouch.clicked.connect(self.vouch_wanted)
        self._findings = FindingList()
        self._findings.images_wanted.connect(self._on_images_wanted)
        self._findings.size_wanted.connect(self.form.image_size.setValue)
        self._findings.one_side_wanted.connect(self.one_side_wanted)
        self._fold = QPushButton("Advanced")
        self._fold.setProperty("role", "fold")
        self._fold.setIcon(icon("chevron-down"))
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._on_folded)
        self.form.model_chosen.connect(self.model_chosen)
        self.form.hide()
        self._page = self._make_page()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._page)
        self._page.setAutoFillBackground(False)
        self._area.viewport().setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 24, 0, 16)
        column.setSpacing(8)
        head = QVBoxLayout()
        head.setContentsMargins(24, 0, 24, 0)
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self._from)
        column.addLayout(head)
        column.addWidget(self._area, 1)
        column.addLayout(self._make_buttons())

    def _make_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(24, 8, 24, 8)
        column.setSpacing(8)
        texts = (self._summary, self._vouch, self._learnt, self._problem, self._checking)
        for widget in (*texts, self._findings, self.recipe):
            align = Qt.AlignmentFlag.AlignLeft if widget is self._vouch else Qt.AlignmentFlag(0)
            column.addWidget(widget, 0, align)
        column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.form)
        column.addWidget(self._error)
        column.addStretch(1)
        return page

    def _make_buttons(self) -> QHBoxLayout:
        self._start = QPushButton("Start")
        self._start.setProperty("role", "primary")
        self._start.setDefault(True)
        self._start.clicked.connect(self._on_start)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self._start)
        return row

    # State

    def _refresh(self) -> None:
        try:
            options = self.form.options()
        except OptionsError as error:
            self._error.setText(str(error))
            options = None
        self._error.setVisible(options is None)
        self.form.show_automatic_length(self._plan.train + self._plan.undivided)
        self.recipe.setVisible(not self._plan.problem)
        self._fold.setVisible(not self._plan.problem or self._fold.isChecked())
        if options is not None:
            self._show_recipes()
            self._show_findings(options.image_size or self._model.image_size)
        self._start.setEnabled(options is not None and not self._plan.problem)
        self._fit()

    def _show_findings(self, size: int | None) -> None:
        """What is to be said at an image size; of data that cannot be learnt from there is something else to say."""
        shown: list[Finding] = []
        if self._training_data is not None and size is not None and not self._plan.problem:
            stride = self._model.variant.stride if self._model.variant else 128
            shown = findings(self._training_data, image_size=size, stride=stride)
        if self._near_duplicates is not None:
            shown.append(self._near_duplicates)
        self._findings.show_findings(shown)
        self._findings.setVisible(bool(shown))

    def _fit(self) -> None:
        """As high as the texts need at this width, which Qt finds by itself only the first time; at most the screen."""
        layout, page = self.layout(), self._page.layout()
        if layout is None or page is None:
            return
        page.activate()
        wanted = page.totalHeightForWidth(WIDTH)
        self._area.setMinimumHeight(0)
        layout.activate()
        around = layout.totalMinimumSize().height() - self._area.minimumSizeHint().height()
        highest = self.screen().availableGeometry().height() - ROOM
        self.setFixedSize(WIDTH, min(wanted + around, highest))
        if self.isVisible():
            self._come_up()

    def _come_up(self) -> None:
        """So far that the screen holds the buttons, where the sheet has grown below it."""
        screen = self.screen().availableGeometry()
        below = self.frameGeometry().bottom() - screen.bottom()
        if below > 0:
            self.move(self.x(), max(screen.top(), self.y() - below))

    def _show_recipes(self) -> None:
        full = self.form.options(quick=False)
        size, variant, gpus = full.image_size or self._model.image_size, self._model.variant, self.form.gpus.value()
        place = Place(variant.name if variant else "", size, gpus)
        expected = estimate(self._paces, variant, size, full, gpus=gpus)
        self.recipe.show_words(
            quick_words(self.form.quick_minutes(), place), full_words(self._plan, full, expected, place)
        )

    def _on_folded(self, opened: bool) -> None:
        self.form.setVisible(opened)
        self._fit()
        if opened:  # on a low screen all of the fold, and what is above it by scrolling; once its height is known
            QTimer.singleShot(0, self, lambda: self._area.ensureWidgetVisible(self.form))

    def _on_images_wanted(self, group: object) -> None:
        self.reject()
        self.images_wanted.emit(group)

    def _on_start(self) -> None:
        options, source, gpus = self.form.options(), self.form.source, self.form.gpus.value()
        self.accept()
        self.start_wanted.emit(options, source, gpus)
