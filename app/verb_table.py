"""What each action of the table does, subject by subject."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from app import settings as table
from app.canvas.tone import PLAIN
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.focus_cycle import go_to_panel
from app.page import FLAGS
from app.verbs import box_verbs, copying, navigation, undoing
from app.verbs.flagging import toggle_flag
from app.verbs.reviewing import mark_empty, review

if TYPE_CHECKING:
    from app.main_window import MainWindow

BROKEN = "This picture cannot be read, so nobody can vouch for it; repair its file, or ignore the image in the list."
LOADING = "This picture is still being read; look at it first."
HIDDEN = "The boxes were hidden, and are shown again; look at them first."
Verbs = dict[str, Callable[[], object]]


def _file_verbs(window: "MainWindow") -> Verbs:
    """What actions do with files."""
    return {
        "open-folder": window.files.ask_folder,
        "open-coco": window.files.ask_coco,
        "open-sample": window.projects.open_sample,
        "close-project": window.projects.close,
        "save-coco": window.exporting.save,
        "import": window.sheets.ask_import,
        "export": window.sheets.ask_export,
        "refresh": window.refreshing.look,
        "find-missing": window.refreshing.ask_missing,
    }


def _box_verbs(window: "MainWindow") -> Verbs:
    """What actions do with boxes."""
    document, canvas, clipboard = window.document, window.canvas, QGuiApplication.clipboard()
    changes: Verbs = {
        "delete": lambda: box_verbs.delete(document, document.selection),
        "accept": lambda: box_verbs.accept(document, document.selection),
        "change-class": canvas.ask_class,
        **{f"flag-{name}": partial(toggle_flag, document, name) for name in FLAGS},
        "cut": partial(copying.cut, document, clipboard),
    }
    additions: Verbs = {
        "draw": partial(canvas.set_tool, Tool.DRAW),
        "paste": lambda: copying.paste(document, clipboard.text()),
        "duplicate": partial(copying.duplicate, document),
        "copy-previous": partial(copying.copy_previous, document),
        "propagate": window.sheets.ask_propagate,
    }
    return {
        "undo": partial(undoing.undo, document),
        "redo": partial(undoing.redo, document),
        "select": partial(canvas.set_tool, Tool.SELECT),
        **{name: partial(_if_boxes_seen, window, verb) for name, verb in changes.items()},
        **{name: partial(_with_boxes_shown, canvas, verb) for name, verb in additions.items()},
        "copy": partial(copying.copy, document, clipboard),
        "select-all": canvas.select_all,
        "select-next": partial(canvas.select_next, 1),
        "select-previous": partial(canvas.select_next, -1),
        **{f"class-{n}": partial(_use_class, window, n - 1) for n in range(1, 10)},
    }


def _image_verbs(window: "MainWindow") -> Verbs:
    """What actions do with images, and how these are shown."""
    document, canvas = window.document, window.canvas
    return {
        "review": partial(_if_seen, window, review),
        "mark-empty": partial(_if_seen, window, mark_empty),
        "next": partial(navigation.step, document, 1),
        "previous": partial(navigation.step, document, -1),
        "next-to-review": partial(navigation.show_next_to_review, document),
        "first": partial(navigation.step, document, -(10**9)),
        "last": partial(navigation.step, document, 10**9),
        "go-to": window.lookup.go_to_image,
        "note": window.images.note.setFocus,
        "zoom-in": canvas.zoom_in,
        "zoom-out": canvas.zoom_out,
        "zoom-100": partial(canvas.zoom_to, 1.0),
        "fit": canvas.fit,
        "next-panel": partial(go_to_panel, window.panels, 1),
        "previous-panel": partial(go_to_panel, window.panels, -1),
        "tone": window.stage.toggle_tone,
        "tone-reset": partial(canvas.set_tone, PLAIN),
    }


def _use_class(window: "MainWindow", place: int) -> None:
    """What a digit does: the class at a place of the list."""
    window.class_choice.use(window.classes.listed(), place)


def _if_boxes_seen(window: "MainWindow", verb: Callable[[], object]) -> None:
    """A verb on boxes: where they are hidden, it only brings them back, for nobody means what they do not see."""
    if window.document.shown and not window.canvas.boxes_visible:
        window.canvas.set_boxes_visible(True)
        window.document.refused.emit(HIDDEN)
    else:
        verb()


def _with_boxes_shown(canvas: CanvasView, verb: Callable[[], object]) -> None:
    """A verb that adds boxes: where they are hidden it brings all back first, so that these are seen."""
    canvas.set_boxes_visible(True)
    verb()


def _if_seen(window: "MainWindow", verb: Callable[[Document], object]) -> None:
    """A verb that vouches for the current image: nobody does so before they see its picture and its boxes."""
    document, canvas = window.document, window.canvas
    image = None if document.current is None else document.images[document.current]
    if image is None or not image.is_open or document.read_only:
        verb(document)
    elif canvas.picture_size is None:
        document.refused.emit(BROKEN if canvas.is_broken else LOADING)
    else:
        _if_boxes_seen(window, partial(verb, document))


def _other_verbs(window: "MainWindow") -> Verbs:
    """What actions do with models and with the program."""
    return {
        "quit": window.close,
        "label-image": window.requests.label_current,
        "label-visible": window.requests.label_visible,
        "label-all": window.requests.label_all,
        "model-classes": window.requests.ask_classes,
        "fine-tune": window.sheets.ask_fine_tune,
        "open-model": window.model_opening.ask,
        "commands": window.lookup.find_command,
        "preferences": window.sheets.show_preferences,
        "shortcuts": window.sheets.show_shortcuts,
        "tour": window.tour.begin,
    }


def connect_actions(window: "MainWindow") -> None:
    """Let each action do what it says."""
    canvas = window.canvas
    verbs = _file_verbs(window) | _box_verbs(window) | _image_verbs(window) | _other_verbs(window)
    for name, verb in verbs.items():
        window.actions_[name].triggered.connect(lambda _=False, verb=verb: verb())
    toggles: dict[str, Callable[[bool], object]] = {
        "show-boxes": canvas.set_boxes_visible,
        "show-labels": window.set_labels_always,
        "training-panel": partial(window.toggle_bottom, window.training),
        "fusion-panel": partial(window.toggle_bottom, window.fusion),
        "tiles": window.model.set_tiled,
        "evaluation-panel": partial(window.toggle_bottom, window.evaluation),
    }
    for name, toggle in toggles.items():
        window.actions_[name].triggered.connect(lambda checked, toggle=toggle: toggle(checked))
    for name in ("system", "light", "dark"):
        window.actions_[f"theme-{name}"].triggered.connect(lambda _=False, name=name: window.choose_theme(name))
    window.actions_[f"theme-{window.settings.get(table.THEME)}"].setChecked(True)
    window.model.changed.connect(lambda: window.actions_["tiles"].setChecked(window.model.tiled))
    window.actions_["show-boxes"].setChecked(True)
    canvas.boxes_visible_changed.connect(window.actions_["show-boxes"].setChecked)
    window.actions_["select"].setChecked(True)
    window.actions_["show-labels"].setChecked(window.settings.get(table.LABELS_ALWAYS))
    canvas.set_labels_always(window.settings.get(table.LABELS_ALWAYS))
    window.actions_.act_in(window, canvas, window.images.grid, window.images.empty)
