"""The window's menus: which actions stand together."""

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.actions import Actions

MAIN = (
    ("open-folder", "open-coco", "open-sample"),
    ("save-coco", "import", "export", "close-project"),
    ("refresh", "find-missing"),
    ("training-panel", "fusion-panel", "evaluation-panel"),
)
BOXES = (
    ("accept", "change-class", "delete"),
    ("copy", "cut", "paste", "duplicate"),
    ("copy-previous", "propagate"),
    ("draw", "select-all", "show-boxes", "fit"),
)
THEMES = ("theme-system", "theme-light", "theme-dark")


def main_menu(actions: Actions, parent: QWidget) -> QMenu:
    """What the top bar's menu offers."""
    menu = QMenu(parent)
    _add_groups(menu, actions, MAIN)
    colours, together = menu.addMenu("Colours"), QActionGroup(parent)
    for name in THEMES:
        together.addAction(actions[name])
        colours.addAction(actions[name])
    _add_groups(menu, actions, (("commands", "preferences", "shortcuts", "tour"),))
    menu.addAction(actions["quit"])
    return menu


def box_menu(actions: Actions, parent: QWidget) -> QMenu:
    """What a right click on the picture offers."""
    menu = QMenu(parent)
    _add_groups(menu, actions, BOXES)
    return menu


def _add_groups(menu: QMenu, actions: Actions, groups: tuple[tuple[str, ...], ...]) -> None:
    for names in groups:
        menu.addActions([actions[name] for name in names])
        menu.addSeparator()
