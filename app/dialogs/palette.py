"""The command list: every action and every class, found by words, with keys, and why some cannot be done now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QIcon

from app.actions import TABLE, Actions, Subject
from app.dialogs.finder import Found
from app.matching import fit, words_of
from app.theme import icon
from app.widgets.row_list import Row
from app.widgets.swatches import swatch
from detector.data.project.records import ProjectClass

PROMPT = "Find a command or a class"
DIGIT = "class-"  # how the names of the actions begin that give a class by its digit


@dataclass(frozen=True)
class Command:
    """One entry: `run` does it; `about` is what else it is found by."""

    text: str
    detail: str
    keys: tuple[str, ...]
    icon: QIcon
    reason: str
    run: Callable[[], object]

    @property
    def about(self) -> str:
        """Its subject and its keys."""
        return " ".join((self.detail, *self.keys))


def commands(actions: Actions) -> list[Command]:
    """The table's actions, subject by subject; those of the digits come with the classes."""
    subjects = list(Subject)
    shown = [spec for spec in TABLE if not spec.name.startswith(DIGIT) and spec.name != "commands"]
    return [
        Command(
            text=actions[spec.name].text(),
            detail=spec.subject.value,
            keys=actions.texts(spec.name),
            icon=icon(spec.icon),
            reason=actions.reason(spec.name),
            run=actions[spec.name].trigger,
        )
        for spec in sorted(shown, key=lambda spec: subjects.index(spec.subject))
    ]


def class_commands(
    actions: Actions,
    classes: Sequence[ProjectClass],
    *,
    listed: Sequence[ProjectClass],
    use: Callable[[int], object],
) -> list[Command]:
    """One for each class, which gives it by its id; `listed`: those that have a digit, in its order."""
    digits = {entry.id: actions.texts(f"{DIGIT}{place}") for place, entry in enumerate(listed, 1)}
    return [
        Command(
            text=entry.name,
            detail="Class",
            keys=digits.get(entry.id, ()),
            icon=swatch(entry.colour),
            reason="",
            run=lambda class_id=entry.id: use(class_id),
        )
        for entry in classes
    ]


def find(entries: Sequence[Command], text: str) -> Found:
    """Those that fit what was typed, the best first; a key typed as it is written comes before all."""
    words, typed = words_of(text), text.strip().casefold()

    def rank(entry: Command) -> int | None:
        if typed and typed in (key.casefold() for key in entry.keys):
            return -1
        return fit(entry.text, entry.about, words)

    ranked = [(place, entry) for entry in entries if (place := rank(entry)) is not None]
    # what can be done stands first, and what is nearest to the words; at first all is in the table's order
    ranked.sort(key=lambda pair: (pair[0], bool(pair[1].reason), len(pair[1].text) if words else 0))
    rows = [
        Row(entry.run, entry.text, entry.detail, keys=entry.keys, icon=entry.icon, reason=entry.reason)
        for _, entry in ranked
    ]
    return Found(rows, "" if rows else f"No command and no class matches “{text.strip()}”.")
