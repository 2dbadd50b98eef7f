"""The main window: puts the parts together and wires them; whatever decides is elsewhere."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QMainWindow,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from app import settings as table
from app import theme
from app.actions import Actions, Need
from app.background.auto_labelling import AutoLabelling
from app.background.class_work import ClassWork
from app.background.device_probe import DeviceFinder
from app.background.evaluating import Evaluating
from app.background.exporting import Exporting
from app.background.fine_tuning import FineTuning
from app.background.image_work import ImageWork
from app.background.importing import Importing
from app.background.importing_predictions import ImportingPredictions
from app.background.labelling_requests import LabellingRequests
from app.background.model_opening import ModelOpening
from app.background.model_work import Studio
from app.background.ordering import Ordering
from app.background.pictures import Pictures
from app.background.propagation import Propagation
from app.background.refreshing import Refreshing
from app.background.thumbnails import Thumbnails
from app.background.weights_download import WeightsDownload
from app.bookmark import Bookmark
from app.canvas.stage import Stage
from app.canvas.view import CanvasView
from app.class_choice import ClassChoice
from app.connections import Connections
from app.dialogs.welcome import WelcomePage
from app.document import Document
from app.file_choice import FileChoice
from app.jobs import Jobs
from app.long_edits import LongEdits
from app.lookup import Lookup
from app.menus import box_menu, main_menu
from app.model_choice import ModelInUse
from app.notifications import Notifications
from app.panels.boxes import BoxesPanel
from app.panels.classes import ClassesPanel
from app.panels.detection import DetectionPanel
from app.panels.evaluation import EvaluationPanel
from app.panels.fusion import FusionPanel
from app.panels.images import ImagesPanel
from app.panels.notices import Notices
from app.panels.top_bar import TopBar
from app.panels.training import TrainingPanel
from app.projects import Projects
from app.settings import Settings
from app.sheets import Sheets
from app.tour import Tour
from app.verb_table import connect_actions
from app.widgets import frames
from app.widgets.coach_mark import CoachMark

LEFT, RIGHT, BOTTOM = 268, 288, 300  # px at first
TITLE = "EfficientDet Studio"


class MainWindow(QMainWindow):
    """One window on one project. What it is made of is public, so that tests and scripts can drive it."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.notifications = Notifications(self)
        self.jobs = Jobs(self.notifications, self)
        self.document = Document(self)
        self.projects = Projects(self.document, self.jobs, self.notifications, settings, self)
        self.model = ModelInUse(self.document, settings, self)
        self.actions_ = Actions(self, settings.shortcuts())
        self._add_image_work()
        self._add_label_work()
        self._add_model_work()
        self._build()
        self._add_training()
        self.lookup = Lookup(self.document, self.actions_, self.class_choice, listed=self.classes.listed, parent=self)
        self.sheets = Sheets(self)
        self._follow()
        Connections(self)
        connect_actions(self)
        self.resize(1440, 900)
        self._restore_layout()
        self._on_project_changed()

    # Parts

    def _add_image_work(self) -> None:
        document, jobs, notifications = self.document, self.jobs, self.notifications
        self.files = FileChoice(self.projects, notifications, self)
        self.bookmark = Bookmark(document, self)
        self.ordering = Ordering(document, jobs, self)
        self.long_edits = LongEdits(document, jobs, self)
        self.image_work = ImageWork(document, jobs, notifications, self)
        self.refreshing = Refreshing(document, jobs, notifications, self)
        self.thumbnails = Thumbnails(document, jobs, self)
        self.pictures = Pictures(document, jobs, self)

    def _add_label_work(self) -> None:
        document, jobs, notifications = self.document, self.jobs, self.notifications
        self.exporting = Exporting(document, jobs, notifications, self)
        self.importing = Importing(document, jobs, notifications, self)
        self.importing_predictions = ImportingPredictions(document, jobs, notifications, self)
        self.propagation = Propagation(document, jobs, notifications, self)
        self.class_choice = ClassChoice(document, self)
        self.class_work = ClassWork(document, jobs, self)

    def _add_model_work(self) -> None:
        jobs, notifications = self.jobs, self.notifications
        self.labelling = AutoLabelling(self.document, jobs, notifications, self)
        self.weights = WeightsDownload(jobs, notifications, self.model, parent=self)
        self.device_finder = DeviceFinder(jobs, self)
        self.model_opening = ModelOpening(jobs, notifications, self.model, parent=self)
        self.requests = LabellingRequests(
            self.document,
            self.labelling,
            self.model,
            self.weights,
            classes=self.class_work,
            notifications=self.notifications,
            parent=self,
        )

    def _add_training(self) -> None:
        studio = Studio(self.document, self.jobs, self.notifications, self.model)
        self.fine_tuning = FineTuning(
            studio,
            settings=self.settings,
            training=self.training,
            fusion=self.fusion,
            parent=self,
        )
        self.tour = Tour(
            self.document,
            self.projects,
            self.model,
            self.fine_tuning,
            settings=self.settings,
            mark=self._coach,
            targets={
                "label": self.top_bar.label_button,
                "picture": self.stage,
                "fine-tune": self.top_bar.tune_button,
                "training": self.training,
            },
            parent=self,
        )
        self.evaluating = Evaluating(studio, panel=self.evaluation, parent=self)

    def _build(self) -> None:
        document = self.document
        self.welcome = WelcomePage(self.settings.recent())
        self.top_bar = TopBar(self.actions_, main_menu(self.actions_, self))
        self.images = ImagesPanel(document, self.thumbnails)
        self.canvas = CanvasView(document)
        self.canvas.menu_wanted.connect(box_menu(self.actions_, self).popup)
        self.stage = Stage(document, self.canvas, self.actions_)
        self.boxes = BoxesPanel(document)
        self.detection = DetectionPanel(document)
        self.classes = ClassesPanel(document)
        self.training = TrainingPanel()
        self.fusion = FusionPanel()
        self.evaluation = EvaluationPanel()
        self.bottom = QTabWidget()
        self.bottom.setDocumentMode(True)
        self.bottom.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.bottom.setCornerWidget(frames.fold_button(lambda: self.toggle_bottom(self.bottom.currentWidget(), False)))
        self.bottom.addTab(self.training, "Training")
        self.bottom.addTab(self.fusion, "Fusion weights")
        self.bottom.addTab(self.evaluation, "Evaluation")
        self._middle = frames.splitter(Qt.Orientation.Vertical, self.stage, self.bottom, sizes=(600, BOTTOM))
        right = self._right_column()
        self._columns = frames.splitter(
            Qt.Orientation.Horizontal, self.images, self._middle, right, sizes=(LEFT, 884, RIGHT)
        )
        self.panels = (self.images, self.stage, right, self.bottom, self.top_bar)  # one after the other by keys
        self._columns.setStretchFactor(1, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self._columns)
        self.notices = Notices(self._pages)
        centre = QWidget()
        column = frames.column(centre, self.top_bar, frames.line(), self._pages)
        column.setStretch(2, 1)
        self.setCentralWidget(centre)
        self._coach = CoachMark(centre)

    def _right_column(self) -> QWidget:
        right = QFrame()
        right.setProperty("role", "panel")
        column = frames.column(right, self.boxes, frames.line(), self.detection, frames.line(), self.classes)
        column.setStretch(0, 3)
        column.setStretch(4, 2)
        return right

    # What changes

    def _follow(self) -> None:
        document, labelling = self.document, self.labelling
        document.project_changed.connect(self._on_project_changed)
        document.undo_stack.indexChanged.connect(self._update_undo)
        document.selection_changed.connect(self._update_actions)
        labelling.began.connect(self._update_actions)
        labelling.ended.connect(self._update_actions)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)

    def _on_project_changed(self) -> None:
        project = self.document.project
        self._pages.setCurrentWidget(self._columns if project else self.welcome)
        self.setWindowTitle(f"{project.folder.name} – {TITLE}" if project else TITLE)
        self.notices.clear()
        if project:
            self.canvas.setFocus()
        else:
            self.welcome.set_recents(self.settings.recent())
            self.welcome.setFocus()  # the page itself: no button asks for attention
        self._update_undo()
        self.show_models()
        self.show_bottom(self.bottom.currentWidget(), opened=bool(project) and self.settings.get(table.BOTTOM_OPEN))

    def _update_actions(self) -> None:
        stack, is_open = self.document.undo_stack, self.document.project is not None
        holds = {
            Need.PROJECT: is_open,
            Need.SELECTION: bool(self.document.selection),
            Need.UNDO: stack.canUndo(),
            Need.REDO: stack.canRedo(),
            Need.IDLE: not self.labelling.is_running,
        }
        self.actions_.set_met([need for need, is_met in holds.items() if is_met])

    def _update_undo(self) -> None:
        stack = self.document.undo_stack
        self.actions_["undo"].setText(f"Undo {stack.undoText().lower()}".strip())
        self.actions_["redo"].setText(f"Redo {stack.redoText().lower()}".strip())
        self._update_actions()

    def show_models(self) -> None:
        """Offer the models that there are."""
        self.top_bar.set_models(self.model.groups(), self.model.choice)

    def find_device(self) -> None:
        """Find out where models will run, without loading torch here."""
        self.device_finder.look(self.model.device)

    def show_device(self, text: str) -> None:
        """Say where models run."""
        self.top_bar.set_device(text, is_fallback=text.startswith("CPU"))

    # How it looks

    def show_bottom(self, tab: QWidget, *, opened: bool = True) -> None:
        """Unfold a tab at the bottom, or fold it away."""
        self.bottom.setCurrentWidget(tab)
        self.bottom.setVisible(opened)
        self.actions_["training-panel"].setChecked(opened and tab is self.training)
        self.actions_["fusion-panel"].setChecked(opened and tab is self.fusion)
        self.actions_["evaluation-panel"].setChecked(opened and tab is self.evaluation)
        if opened and tab is self.fusion:
            self.fine_tuning.fusion_work.show()

    def toggle_bottom(self, tab: QWidget, checked: bool) -> None:
        """As `show_bottom`; remembered."""
        self.show_bottom(tab, opened=checked)
        self.settings.set(table.BOTTOM_OPEN, checked)

    def set_labels_always(self, always: bool) -> None:
        """Class names on all boxes, from now on."""
        self.canvas.set_labels_always(always)
        self.settings.set(table.LABELS_ALWAYS, always)

    def choose_theme(self, name: str) -> None:
        """Other colours, from now on: system, light or dark."""
        self.settings.set(table.THEME, name)
        self._apply_theme()

    def _apply_theme(self) -> None:
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.apply(application, theme.named(self.settings.get(table.THEME)))

    def _restore_layout(self) -> None:
        if geometry := self.settings.layout("window"):
            self.restoreGeometry(geometry)
        for name, splitter in (("columns", self._columns), ("middle", self._middle)):
            if state := self.settings.layout(name):
                splitter.restoreState(state)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Everything is stored already: only workers have to end. A run goes on without the window."""
        self.settings.keep_layout("window", self.saveGeometry())
        for name, splitter in (("columns", self._columns), ("middle", self._middle)):
            self.settings.keep_layout(name, splitter.saveState())
        self.weights.stop()
        self.fine_tuning.close()
        self.projects.leave()
        super().closeEvent(event)
