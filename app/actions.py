"""Every action of the window as a table: its name, icon, keys, what it is about, and what it needs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.keys import is_bare, texts_of
from app.theme import icon
from app.wording import tooltip


class Subject(StrEnum):
    """What an action is about; the order in which people read about them."""

    REVIEW = "Review"
    DRAW = "Boxes"
    IMAGES = "Images"
    VIEW = "View"
    MODEL = "Model"
    FILES = "Files"
    PROGRAM = "Program"


class Need(StrEnum):
    """What must be there for an action to make sense, as what to do where it is not. All but NOTHING need a project."""

    NOTHING = ""
    PROJECT = "Open a folder first"
    SELECTION = "Select a box first"
    UNDO = "Nothing to take back"
    REDO = "Nothing was taken back"
    IDLE = "Auto-labelling is under way"


@dataclass(frozen=True)
class ActionSpec:
    """One row of the table. `shortcuts` are in Qt's portable spelling; `once`: a held key does not repeat it.

    Keys with Ctrl or Alt, and F1 … F35, act in the whole window; all others only while the picture or the images list
    has the focus, so that fields, buttons and sliders keep theirs.
    """

    name: str
    text: str
    icon: str
    shortcuts: tuple[str, ...] = ()
    subject: Subject = Subject.PROGRAM
    needs: Need = Need.PROJECT
    checkable: bool = False
    once: bool = False


_EVERYWHERE = Qt.ShortcutContext.WindowShortcut
_REVIEW, _DRAW, _IMAGES, _VIEW = Subject.REVIEW, Subject.DRAW, Subject.IMAGES, Subject.VIEW
_MODEL, _FILES, _PROGRAM = Subject.MODEL, Subject.FILES, Subject.PROGRAM
_NOTHING, _SELECTION = Need.NOTHING, Need.SELECTION

TABLE = (
    ActionSpec("open-folder", "Open folder…", "open", ("Ctrl+O", "Ctrl+U"), _FILES, _NOTHING),
    ActionSpec("open-coco", "Open COCO file…", "open-coco", ("Ctrl+Shift+O",), _FILES, _NOTHING),
    ActionSpec("open-sample", "Open the sample", "sample", (), _FILES, _NOTHING),
    ActionSpec("close-project", "Close project", "close", ("Ctrl+W",), _FILES),
    ActionSpec("save-coco", "Write annotations.json", "save", ("Ctrl+S",), _FILES),
    ActionSpec("import", "Import labels…", "import", (), _FILES),
    ActionSpec("export", "Export…", "export", ("Ctrl+Shift+E",), _FILES),
    ActionSpec("review", "Vouch for what is shown, go on", "review", ("Space",), _REVIEW, once=True),
    ActionSpec("mark-empty", "Reviewed, empty", "empty", ("E",), _REVIEW, once=True),
    ActionSpec("next-to-review", "Next image to review", "next", ("N", "Ctrl+Shift+D"), _REVIEW),
    ActionSpec("accept", "Accept proposal", "accept", ("Enter", "Return"), _REVIEW, _SELECTION, once=True),
    ActionSpec("undo", "Undo", "undo", ("Ctrl+Z",), _DRAW, Need.UNDO),
    ActionSpec("redo", "Redo", "redo", ("Ctrl+Shift+Z", "Ctrl+Y"), _DRAW, Need.REDO),
    ActionSpec("select", "Select and move", "select", ("V",), _DRAW, checkable=True),
    ActionSpec("draw", "Draw a box", "draw", ("W", "R", "Ctrl+R"), _DRAW, checkable=True),
    ActionSpec("delete", "Delete box, reject proposal", "delete", ("Del", "Backspace"), _DRAW, _SELECTION, once=True),
    ActionSpec("change-class", "Change class…", "class", ("Ctrl+E",), _DRAW, _SELECTION),
    ActionSpec("flag-occluded", "Occluded, or not", "flag", ("Q",), _DRAW, _SELECTION, once=True),
    ActionSpec("flag-truncated", "Truncated, or not", "flag", (), _DRAW, _SELECTION, once=True),
    ActionSpec("flag-difficult", "Difficult, or not", "flag", (), _DRAW, _SELECTION, once=True),
    ActionSpec("copy", "Copy boxes", "copy", ("Ctrl+C",), _DRAW, _SELECTION, once=True),
    ActionSpec("cut", "Cut boxes", "cut", ("Ctrl+X",), _DRAW, _SELECTION, once=True),
    ActionSpec("paste", "Paste boxes", "paste", ("Ctrl+V",), _DRAW, once=True),
    ActionSpec("duplicate", "Duplicate boxes", "duplicate", ("Ctrl+D",), _DRAW, _SELECTION, once=True),
    ActionSpec("copy-previous", "Copy boxes of the image before", "copy-previous", ("P",), _DRAW, once=True),
    ActionSpec("propagate", "Copy to the next images…", "propagate", ("Ctrl+P",), _DRAW, once=True),
    ActionSpec("select-all", "Select all boxes", "select", ("Ctrl+A",), _DRAW),
    ActionSpec("select-next", "Next box", "next", ("Tab",), _DRAW),
    ActionSpec("select-previous", "Previous box", "previous", ("Shift+Tab",), _DRAW),
    ActionSpec("next", "Next image", "next", ("D", "Right"), _IMAGES),
    ActionSpec("previous", "Previous image", "previous", ("A", "Left"), _IMAGES),
    ActionSpec("first", "First image", "previous", ("Home",), _IMAGES),
    ActionSpec("last", "Last image", "next", ("End",), _IMAGES),
    ActionSpec("go-to", "Go to image…", "search", ("Ctrl+G",), _IMAGES),
    ActionSpec("note", "Write a note on the image", "note", ("Ctrl+Shift+N",), _IMAGES),
    ActionSpec("refresh", "Look for changes in the folder", "refresh", ("F5",), _IMAGES, once=True),
    ActionSpec("find-missing", "Find missing files…", "search-missing", (), _IMAGES),
    ActionSpec("zoom-in", "Zoom in", "zoom-in", ("Ctrl++", "Ctrl+="), _VIEW),
    ActionSpec("zoom-out", "Zoom out", "zoom-out", ("Ctrl+-",), _VIEW),
    ActionSpec("zoom-100", "100%", "image", ("Ctrl+0",), _VIEW),
    ActionSpec("fit", "Fit the picture", "fit", ("F", "Ctrl+F"), _VIEW),
    ActionSpec("show-boxes", "Show boxes", "eye", ("H", "Ctrl+H"), _VIEW, checkable=True),
    ActionSpec("show-labels", "Class names on all boxes", "class", ("L",), _VIEW, checkable=True),
    ActionSpec("tone", "Brightness and contrast…", "tone", ("C",), _VIEW, once=True),
    ActionSpec("tone-reset", "Brightness and contrast as they are", "tone", ("Shift+C",), _VIEW, once=True),
    ActionSpec("next-panel", "Next panel", "next", ("Ctrl+Tab", "Ctrl+F6"), _VIEW),
    ActionSpec("previous-panel", "Previous panel", "previous", ("Ctrl+Shift+Tab", "Ctrl+Shift+F6"), _VIEW),
    ActionSpec("label-image", "Auto-label this image", "auto-label", ("I",), _MODEL, Need.IDLE, once=True),
    ActionSpec("label-all", "Auto-label all", "auto-label-all", ("Ctrl+B",), _MODEL, Need.IDLE, once=True),
    ActionSpec("label-visible", "Auto-label what the filter shows", "auto-label-all", (), _MODEL, Need.IDLE, once=True),
    ActionSpec("tiles", "Large images in tiles, too", "grid", (), _MODEL, checkable=True),
    ActionSpec("model-classes", "Classes of the model…", "class", (), _MODEL),
    ActionSpec("fine-tune", "Fine-tune…", "fine-tune", ("Ctrl+T",), _MODEL),
    ActionSpec("open-model", "Open a model file…", "model", (), _MODEL, _NOTHING),
    ActionSpec("training-panel", "Training", "fine-tune", ("F6",), _MODEL, checkable=True),
    ActionSpec("fusion-panel", "Fusion weights", "fusion", ("F7",), _MODEL, checkable=True),
    ActionSpec("evaluation-panel", "Evaluation", "evaluation", ("F8",), _MODEL, checkable=True),
    ActionSpec("theme-system", "Colours as the system", "theme", (), _PROGRAM, _NOTHING, checkable=True),
    ActionSpec("theme-light", "Light colours", "theme", (), _PROGRAM, _NOTHING, checkable=True),
    ActionSpec("theme-dark", "Dark colours", "theme", (), _PROGRAM, _NOTHING, checkable=True),
    ActionSpec("commands", "Find a command…", "search", ("Ctrl+K",), _PROGRAM, _NOTHING),
    ActionSpec("preferences", "Preferences…", "settings", ("Ctrl+,",), _PROGRAM, _NOTHING),
    ActionSpec("tour", "Show me around", "info", (), _PROGRAM, _NOTHING),
    ActionSpec("shortcuts", "Shortcuts", "help", ("F1", "?"), _PROGRAM, _NOTHING),
    ActionSpec("quit", "Quit", "quit", ("Ctrl+Q",), _PROGRAM, _NOTHING),
    *(ActionSpec(f"class-{n}", f"Class {n}", "class", (str(n),), _DRAW) for n in range(1, 10)),
)
BY_NAME = {spec.name: spec for spec in TABLE}


class Actions(QObject):
    """The table's actions by name, with the keys that the person gave them. `remapped`: some have others now.

    An action has the keys of one kind, bare ones (see `keys.is_bare`) or those that act everywhere: of the kind of its
    first one, which menus show. A twin that triggers it has the others.
    """

    remapped = Signal()

    def __init__(self, parent: QWidget, changed: Mapping[str, Iterable[str]]) -> None:
        super().__init__(parent)
        self._met: Collection[Need] = ()
        self._keys: dict[str, tuple[QKeySequence, ...]] = {}
        self._by_name = {spec.name: _make(spec, parent) for spec in TABLE}
        self._twins = {name: _twin(action) for name, action in self._by_name.items()}
        self.remap(changed)

    def __getitem__(self, name: str) -> QAction:
        return self._by_name[name]

    def act_in(self, window: QWidget, *images: QWidget) -> None:
        """Put the keys to work in the window, and the bare ones in these widgets of it."""
        for name, action in self._by_name.items():
            both = [action, self._twins[name]]
            for widget in (window, *images):
                widget.addActions(both)

    # Keys

    def keys(self, name: str) -> tuple[QKeySequence, ...]:
        """An action's keys, as they are now."""
        return self._keys[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """An action's keys as people read them."""
        return texts_of(self._keys[name])

    def holder(self, key: QKeySequence) -> str | None:
        """The name of the action that has a key."""
        return next((name for name, keys in self._keys.items() if key in keys), None)

    def remap(self, changed: Mapping[str, Iterable[str]]) -> None:
        """Give these actions these keys, and all others those of the table, unless one of these has them."""
        taken: list[QKeySequence] = []
        for spec in sorted(TABLE, key=lambda spec: spec.name not in changed):
            given = dict.fromkeys(QKeySequence(text) for text in changed.get(spec.name, spec.shortcuts))
            self._keys[spec.name] = tuple(key for key in given if not key.isEmpty() and key not in taken)
            taken += self._keys[spec.name]
            self._put_to_work(spec)
        self.remapped.emit()

    def changed(self) -> dict[str, list[str]]:
        """The keys in Qt's portable spelling of the actions whose keys are not those of the table."""
        given = {spec.name: tuple(map(QKeySequence, spec.shortcuts)) for spec in TABLE}
        return {name: [_portable(key) for key in keys] for name, keys in self._keys.items() if keys != given[name]}

    def give(self, keys: Mapping[str, Iterable[QKeySequence]]) -> None:
        """Give these actions these keys; all others keep theirs."""
        self.remap(self.changed() | {name: [_portable(key) for key in given] for name, given in keys.items()})

    def _put_to_work(self, spec: ActionSpec) -> None:
        action, keys = self._by_name[spec.name], self._keys[spec.name]
        own = [key for key in keys if is_bare(key) == is_bare(keys[0])]
        for owner, given in ((action, own), (self._twins[spec.name], [key for key in keys if key not in own])):
            is_everywhere = bool(given) and not is_bare(given[0])
            owner.setShortcutContext(_EVERYWHERE if is_everywhere else Qt.ShortcutContext.WidgetShortcut)
            owner.setShortcuts(given)
        texts = " or ".join(self.texts(spec.name))
        action.setToolTip(tooltip(f"{spec.text.rstrip('…')}  ({texts})" if texts else spec.text))

    # What can be done

    def set_met(self, met: Collection[Need]) -> None:
        """Enable the actions whose needs are among these, grey the others."""
        self._met = met
        for spec in TABLE:
            self._by_name[spec.name].setEnabled(not self.reason(spec.name))

    def reason(self, name: str) -> str:
        """Why an action cannot be done now, as what to do first; "" if it can."""
        needs = BY_NAME[name].needs
        if needs is Need.NOTHING:
            return ""
        return next((need.value for need in (Need.PROJECT, needs) if need not in self._met), "")


def _portable(key: QKeySequence) -> str:
    return key.toString(QKeySequence.SequenceFormat.PortableText)


def _make(spec: ActionSpec, parent: QObject) -> QAction:
    action = QAction(icon(spec.icon), spec.text, parent)
    action.setObjectName(spec.name)
    action.setCheckable(spec.checkable)
    action.setIconVisibleInMenu(not spec.checkable)  # there stands the check mark
    action.setAutoRepeat(not spec.once)
    return action


def _twin(action: QAction) -> QAction:
    """What triggers an action by other keys."""
    twin = QAction(action)
    twin.setAutoRepeat(action.autoRepeat())
    twin.triggered.connect(action.trigger)
    action.enabledChanged.connect(twin.setEnabled)
    return twin
