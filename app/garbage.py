"""When Python looks for garbage in the window's process: in the window's thread, and not among what came to stay.

A collection holds up all threads, a large one for a tenth of a second; and one in a worker's thread would take Qt's
objects apart in a thread that they do not belong to.
"""

import gc

from PySide6.QtCore import QObject, QTimer

OLDEST = 2  # generation
INTERVAL = 1000  # ms
MANY = 20_000  # objects in an interval; so many are no litter but a library or a project, which stays
MOST = 50_000  # objects that are looked through at once, in some 10 ms


class Garbage(QObject):
    """Collects garbage as long as it exists, in place of Python's own collections, which it ends."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self, interval=INTERVAL)
        self._timer.timeout.connect(collect)
        self._timer.start()


def collect() -> None:
    """Collect the generations that are due by Python's own thresholds; after a flood of objects set them aside."""
    counts = gc.get_count()
    if counts[0] > MANY:
        gc.freeze()
        return
    due = [generation for generation, limit in enumerate(gc.get_threshold()) if counts[generation] > limit]
    if due and due[-1] == OLDEST and len(gc.get_objects()) > MOST:  # they came bit by bit, and have stayed
        gc.collect(OLDEST - 1)
        gc.freeze()
    elif due:
        gc.collect(due[-1])
