"""Windows to be killed: each line on stdin (folder, settings, whether to go step by step) gets a process with one.

It works until it is killed or has done all gestures, the same ones in the same order each time, and tells the number of
each as soon as that is done. Modules are loaded once.
"""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from tests.journeys.conftest import CTRL, Person, start_window

GESTURES = 40
SEED = 8
Key = Qt.Key
Verb = Callable[[Person, random.Random], None]


def draw(me: Person, rng: random.Random) -> None:
    x, y = rng.uniform(10, 500), rng.uniform(10, 340)
    me.press(Key.Key_W)
    me.drag((x, y), (x + rng.uniform(20, 120), y + rng.uniform(20, 120)))


def move(me: Person, rng: random.Random) -> None:
    x1, y1, x2, y2 = rng.choice(sorted(box.xyxy for box in me.boxes.values()))
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    me.click_picture(middle)
    me.drag(middle, (middle[0] + rng.uniform(-30, 30), middle[1] + rng.uniform(-30, 30)))


def choose(me: Person, rng: random.Random) -> None:
    me.press(*[Key.Key_Tab] * rng.randint(1, 3))


def accept(me: Person, rng: random.Random) -> None:
    choose(me, rng)
    me.press(Key.Key_Return)


def delete(me: Person, rng: random.Random) -> None:
    choose(me, rng)
    me.press(Key.Key_Delete)


def relabel(me: Person, rng: random.Random) -> None:
    choose(me, rng)
    me.press(rng.choice([Key.Key_1, Key.Key_2]))


def review(me: Person, rng: random.Random) -> None:
    me.press(Key.Key_Space)


def step(me: Person, rng: random.Random) -> None:
    me.press(rng.choice([Key.Key_D, Key.Key_D, Key.Key_A]))


def undo(me: Person, rng: random.Random) -> None:
    me.press(Key.Key_Z, modifiers=CTRL)


def redo(me: Person, rng: random.Random) -> None:
    me.press(Key.Key_Y, modifiers=CTRL)


ALWAYS: tuple[Verb, ...] = (draw, draw, step, undo, undo, redo)
ON_BOXES: tuple[Verb, ...] = (move, accept, accept, delete, relabel, review)


def work(folder: Path, settings: Path, *, step_by_step: bool) -> None:
    """All gestures; step by step: after each it waits for a byte on stdin."""
    application = QApplication([])
    me = start_window(settings, folder)
    me.wait(lambda: me.window.document.tally.proposal_total()[1] == len(me.window.document.images))
    rng = random.Random(SEED)
    for number in range(GESTURES):
        me.wait(me.sees_picture)
        verb = rng.choice([*ALWAYS, *(ON_BOXES if me.boxes else ())])
        verb(me, rng)
        os.write(1, b"%d %s\n" % (number, verb.__name__.encode()))
        if step_by_step:
            os.read(0, 1)
    me.quit()
    application.quit()


def main() -> None:
    for line in sys.stdin:
        folder, settings, how = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            work(Path(folder), Path(settings), step_by_step=how == "step by step")
            os._exit(0)
        os.write(1, b"%d\n" % child)
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
