"""What a person did, step by step, to be taken back and done again."""

from PySide6.QtCore import QObject, Signal


class Step:
    """One step of undo. It knows whether it is done, so that nothing is done or taken back twice."""

    image_id: int | None = None  # where it happens, if on one image
    is_about_boxes = False  # it changes boxes and images only, whatever models have found meanwhile

    def __init__(self, text: str, *, is_done: bool = False) -> None:
        self.text = text
        self._is_done = is_done

    def redo(self) -> None:
        """Do it, or do it again. Raises ProjectError."""
        if not self._is_done:
            self._do()
            self._is_done = True

    def undo(self) -> None:
        """Take it back. Raises ProjectError."""
        if self._is_done:
            self._take_back()
            self._is_done = False

    def _do(self) -> None:
        raise NotImplementedError

    def _take_back(self) -> None:
        raise NotImplementedError


class LongStep(Step):
    """A step that a worker does after it was begun here."""

    def fail(self, history: "History", *, back: bool) -> None:
        """The worker could not do it: the step stands where it stood before."""
        self._is_done = back
        place = history.index() if back else history.index() - 1
        if history.command(place) is self:
            (history.redo if back else history.undo)()


class History(QObject):
    """Steps that were done, and behind them those that were taken back. indexChanged: how many are done.

    As QUndoStack, with two differences: an error of a step reaches the caller, and leaves the step where it was; and a
    step can be inserted. Qt rewords errors that pass through it, and drops all that was taken back at each push.
    """

    indexChanged = Signal(int)  # noqa: N815  (as Qt spells it)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps: list[Step] = []
        self._done = 0

    def push(self, step: Step) -> None:
        """Do a step; what was taken back before is gone. Raises ProjectError, which leaves all as it was."""
        step.redo()
        self._steps[self._done :] = [step]
        self._move(1)

    def insert(self, step: Step) -> None:
        """A step that was done beside what the person does: edits of boxes that were taken back can be done again."""
        if all(each.is_about_boxes for each in self._steps[self._done :]):
            self._steps.insert(self._done, step)
            self._move(1)
        else:
            self.push(step)

    def undo(self) -> None:
        """Take the last step back. Raises ProjectError."""
        if self.canUndo():
            self._steps[self._done - 1].undo()
            self._move(-1)

    def redo(self) -> None:
        """Do again what was taken back last. Raises ProjectError."""
        if self.canRedo():
            self._steps[self._done].redo()
            self._move(1)

    def clear(self) -> None:
        """Forget all steps."""
        self._steps.clear()
        self._move(-self._done)

    def count(self) -> int:
        """All steps."""
        return len(self._steps)

    def index(self) -> int:
        """How many are done: the place of the next one to be done again."""
        return self._done

    def command(self, place: int) -> Step | None:
        """The step at a place from 0, None where there is none."""
        return self._steps[place] if 0 <= place < len(self._steps) else None

    def canUndo(self) -> bool:
        """Whether a step is done."""
        return self._done > 0

    def canRedo(self) -> bool:
        """Whether a step was taken back."""
        return self._done < len(self._steps)

    def undoText(self) -> str:
        """What would be taken back, "" for nothing."""
        return self._steps[self._done - 1].text if self.canUndo() else ""

    def redoText(self) -> str:
        """What would be done again, "" for nothing."""
        return self._steps[self._done].text if self.canRedo() else ""

    def _move(self, by: int) -> None:
        self._done += by
        self.indexChanged.emit(self._done)
