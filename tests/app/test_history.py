"""Steps of undo: what errors leave behind, and what becomes of steps that were taken back."""

import pytest
from pytestqt.qtbot import QtBot

from app.history import History, Step
from detector.errors import ProjectError


class Mark(Step):
    """Notes itself in a list as long as it is done; `fails`: the store refuses."""

    def __init__(self, done: list[str], text: str, *, is_about_boxes: bool = True) -> None:
        super().__init__(text, is_done=text in done)
        self._marks = done
        self.is_about_boxes = is_about_boxes
        self.fails = False

    def _do(self) -> None:
        self._check()
        self._marks.append(self.text)

    def _take_back(self) -> None:
        self._check()
        self._marks.remove(self.text)

    def _check(self) -> None:
        if self.fails:
            raise ProjectError("the disk is full")


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def history(done: list[str]) -> History:
    made = History()
    for text in "abc":
        made.push(Mark(done, text))
    return made


def test_steps_are_taken_back_and_done_again(history: History, done: list[str], qtbot: QtBot):
    with qtbot.waitSignal(history.indexChanged, check_params_cb=lambda index: index == 2):
        history.undo()
    assert (done, history.undoText(), history.redoText()) == (["a", "b"], "b", "c")
    history.redo()
    assert (done, history.undoText(), history.redoText()) == (["a", "b", "c"], "c", "")
    history.redo()
    for _ in range(5):
        history.undo()
    assert (done, history.undoText(), history.redoText()) == ([], "", "a")


def test_what_was_taken_back_is_gone_with_the_next_step(history: History, done: list[str]):
    history.undo()
    history.undo()
    history.push(Mark(done, "d"))
    assert (done, history.canRedo(), history.count()) == (["a", "d"], False, 2)


def test_a_step_that_fails_stays_where_it_was(history: History, done: list[str]):
    last = history.command(2)
    assert isinstance(last, Mark)
    last.fails = True
    with pytest.raises(ProjectError, match="disk is full"):
        history.undo()
    assert (done, history.index()) == (["a", "b", "c"], 3)
    refused = Mark(done, "d")
    refused.fails = True
    with pytest.raises(ProjectError):
        history.push(refused)
    assert (done, history.count()) == (["a", "b", "c"], 3)


def test_an_inserted_step_leaves_edits_of_boxes_to_be_done_again(history: History, done: list[str]):
    history.undo()
    done.append("pass")
    history.insert(Mark(done, "pass"))
    assert (done, history.undoText(), history.redoText()) == (["a", "b", "pass"], "pass", "c")
    history.redo()
    assert done == ["a", "b", "pass", "c"]
    for _ in range(4):
        history.undo()
    assert done == []


def test_an_inserted_step_ends_what_was_taken_back_of_other_things(history: History, done: list[str]):
    history.push(Mark(done, "class", is_about_boxes=False))
    history.undo()
    history.undo()
    done.append("pass")
    history.insert(Mark(done, "pass"))
    assert (done, history.canRedo()) == (["a", "b", "pass"], False)
