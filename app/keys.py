"""Keys as people press, read and keep them."""

from collections.abc import Iterable

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

ARROWS = {
    Qt.Key.Key_Left: "←",
    Qt.Key.Key_Right: "→",
    Qt.Key.Key_Up: "↑",
    Qt.Key.Key_Down: "↓",
}
_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_SHOWN = ARROWS | {Qt.Key.Key_Return: "Enter", Qt.Key.Key_Enter: "Enter"}
_NO_KEYS = (
    Qt.Key.Key_unknown,
    Qt.Key.Key_Control,
    Qt.Key.Key_Shift,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
    Qt.Key.Key_CapsLock,
    Qt.Key.Key_NumLock,
    Qt.Key.Key_ScrollLock,
)


def is_bare(key: QKeySequence) -> bool:
    """Whether a key writes, or means something to a button or a slider: without Ctrl, Alt or Meta, not F1 … F35."""
    combination = _first(key)
    if combination.keyboardModifiers() & _COMMAND:
        return False
    return not Qt.Key.Key_F1 <= combination.key() <= Qt.Key.Key_F35


def text_of(key: QKeySequence) -> str:
    """A key as people read it on this system: "Ctrl+D", "→", "Enter"."""
    combination = _first(key)
    drawn = _SHOWN.get(combination.key())
    if drawn is None:
        return key.toString(QKeySequence.SequenceFormat.NativeText)
    # the modifiers as Qt writes them, before a key that is the same on every system
    modified = QKeySequence(QKeyCombination(combination.keyboardModifiers(), Qt.Key.Key_F1))
    return modified.toString(QKeySequence.SequenceFormat.NativeText).removesuffix("F1") + drawn


def texts_of(keys: Iterable[QKeySequence]) -> tuple[str, ...]:
    """Keys as people read them, those that read alike once."""
    return tuple(dict.fromkeys(map(text_of, keys)))


def recorded(event: QKeyEvent) -> QKeySequence | None:
    """The key that a person pressed; None for Shift and the like alone."""
    key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if key in _NO_KEYS:
        return None
    if key is Qt.Key.Key_Backtab:
        key = Qt.Key.Key_Tab
    elif event.text().isprintable() and event.text().strip() and not event.text().isalpha():
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier  # "?" is what one presses, wherever a keyboard has it
    return QKeySequence(QKeyCombination(modifiers, key))


def _first(key: QKeySequence) -> QKeyCombination:
    """The only key combination of a sequence: no action has several to be pressed one after the other."""
    return key[0]  # pyright: ignore[reportIndexIssue]  (missing in the stubs)
