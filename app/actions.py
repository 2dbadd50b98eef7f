"""Every action of the window as a table: its name, icon, shortcuts, and where these act."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.theme import icon
from app.wording import tooltip


class Scope(StrEnum):
    """Where shortcuts act: everywhere in the window, or only while canvas or images list has the focus."""

    WINDOW = "window"
    IMAGES = "images"


@dataclass(frozen=True)
class ActionSpec:
    """One row of the table. `shortcuts` are in Qt's portable spelling; `once`: a held key does not repeat it."""

    name: str
    text: str
    icon: str
    shortcuts: tuple[str, ...] = ()
    scope: Scope = Scope.WINDOW
    checkable: bool = False
    once: bool = False


TABLE = (
    ActionSpec("open-folder", "Open folder…", "open", ("Ctrl+O", "Ctrl+U")),
    ActionSpec("open-coco", "Open COCO file…", "open-coco", ("Ctrl+Shift+O",)),
    ActionSpec("open-sample", "Open the sample", "sample"),
    ActionSpec("close-project", "Close project", "close", ("Ctrl+W",)),
    ActionSpec("save-coco", "Write annotations.json", "save", ("Ctrl+S",)),
    ActionSpec("export", "Export…", "export", ("Ctrl+Shift+E",)),
    ActionSpec("quit", "Quit", "quit", ("Ctrl+Q",)),
    ActionSpec("undo", "Undo", "undo", ("Ctrl+Z",)),
    ActionSpec("redo", "Redo", "redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
    ActionSpec("select", "Select and move", "select", ("V",), Scope.IMAGES, checkable=True),
    ActionSpec("draw", "Draw a box", "draw", ("W", "R", "Ctrl+R"), Scope.IMAGES, checkable=True),
    ActionSpec("delete", "Delete box, reject proposal", "delete", ("Del", "Backspace"), Scope.IMAGES, once=True),
    ActionSpec("accept", "Accept proposal", "accept", ("Return", "Enter"), Scope.IMAGES, once=True),
    ActionSpec("change-class", "Change class…", "class", ("Ctrl+E",)),
    ActionSpec("select-all", "Select all boxes", "select", ("Ctrl+A",), Scope.IMAGES),
    ActionSpec("select-next", "Next box", "next", ("Tab",), Scope.IMAGES),
    ActionSpec("select-previous", "Previous box", "previous", ("Shift+Tab",), Scope.IMAGES),
    ActionSpec("review", "Vouch for what is shown, go on", "review", ("Space",), Scope.IMAGES, once=True),
    ActionSpec("mark-empty", "Reviewed, empty", "empty", ("E",), Scope.IMAGES, once=True),
    ActionSpec("next", "Next image", "next", ("D", "Right"), Scope.IMAGES),
    ActionSpec("previous", "Previous image", "previous", ("A", "Left"), Scope.IMAGES),
    ActionSpec("next-to-review", "Next image to review", "next", ("N", "Ctrl+Shift+D"), Scope.IMAGES),
    ActionSpec("first", "First image", "previous", ("Home",), Scope.IMAGES),
    ActionSpec("last", "Last image", "next", ("End",), Scope.IMAGES),
    ActionSpec("zoom-in", "Zoom in", "zoom-in", ("Ctrl++", "Ctrl+=")),
    ActionSpec("zoom-out", "Zoom out", "zoom-out", ("Ctrl+-",)),
    ActionSpec("zoom-100", "100%", "image", ("Ctrl+0",)),
    ActionSpec("fit", "Fit the picture", "fit", ("F", "Ctrl+F"), Scope.IMAGES),
    ActionSpec("show-boxes", "Show boxes", "eye", ("H", "Ctrl+H"), Scope.IMAGES, checkable=True),
    ActionSpec("show-labels", "Class names on all boxes", "class", ("L",), Scope.IMAGES, checkable=True),
    ActionSpec("label-image", "Auto-label", "auto-label", ("I",), Scope.IMAGES, once=True),
    ActionSpec("label-all", "Auto-label all", "auto-label-all", ("Ctrl+B",), once=True),
    ActionSpec("fine-tune", "Fine-tune…", "fine-tune", ("Ctrl+T",)),
    ActionSpec("training-panel", "Training", "fine-tune", ("F6",), checkable=True),
    ActionSpec("fusion-panel", "Fusion weights", "fusion", ("F7",), checkable=True),
    ActionSpec("theme-system", "As the system", "theme", checkable=True),
    ActionSpec("theme-light", "Light", "theme", checkable=True),
    ActionSpec("theme-dark", "Dark", "theme", checkable=True),
    ActionSpec("shortcuts", "Shortcuts", "help", ("F1", "?")),
    *(ActionSpec(f"class-{n}", f"Class {n}", "class", (str(n),), Scope.IMAGES) for n in range(1, 10)),
)


class Actions:
    """The table's actions by name. Those of Scope.IMAGES act in the widgets that `act_in` names."""

    def __init__(self, parent: QObject, changed: Mapping[str, Iterable[str]]) -> None:
        self.table = TABLE
        self._by_name = {spec.name: _make(spec, parent, changed.get(spec.name, spec.shortcuts)) for spec in TABLE}

    def __getitem__(self, name: str) -> QAction:
        return self._by_name[name]

    def act_in(self, window: QWidget, *images: QWidget) -> None:
        """Put the shortcuts to work in the window, and those of Scope.IMAGES in these widgets of it."""
        for spec in TABLE:
            action = self._by_name[spec.name]
            if spec.scope is Scope.WINDOW:
                window.addAction(action)
            else:
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
                for widget in images:
                    widget.addAction(action)


def _make(spec: ActionSpec, parent: QObject, shortcuts: Iterable[str]) -> QAction:
    action = QAction(icon(spec.icon), spec.text, parent)
    action.setObjectName(spec.name)
    action.setShortcuts([QKeySequence(text) for text in shortcuts])
    action.setCheckable(spec.checkable)
    action.setIconVisibleInMenu(not spec.checkable)  # there stands the check mark
    action.setAutoRepeat(not spec.once)
    keys = " or ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())
    action.setToolTip(tooltip(f"{spec.text.rstrip('…')}  ({keys})" if keys else spec.text))
    return action
