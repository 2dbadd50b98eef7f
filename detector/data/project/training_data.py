"""Reads from a store what a fine-tuning of it would learn from."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.data.project.database import Database
from detector.data.training_data import TrainingData

_IMAGES = "state = 'reviewed' AND NOT ignored AND NOT missing"
_BOXES = f"""SELECT x1, y1, x2, y2, image_id, class_id FROM boxes WHERE NOT iscrowd
    AND image_id IN (SELECT id FROM images WHERE {_IMAGES}) ORDER BY id"""


def read_training_data(database: Database) -> TrainingData:
    """The reviewed images that are in use; those without a side count as training. Raises ProjectError."""
    sql = f"SELECT id, max(ifnull(width, 0), ifnull(height, 0)), split = 'val' FROM images WHERE {_IMAGES} ORDER BY id"
    rows = ((id, long_side or np.nan, bool(validates)) for id, long_side, validates in database.stream(sql))
    images = _table(rows, 3)
    ids = images[:, 0].astype(np.int64)
    boxes = _table(database.stream(_BOXES), 6)
    boxes = boxes[np.isin(boxes[:, 4], ids)]  # not those of an image that was reviewed between the two queries
    owners = np.searchsorted(ids, boxes[:, 4].astype(np.int64))
    names = dict(database.rows("SELECT id, name FROM classes"))
    return TrainingData(ids, images[:, 1], images[:, 2] > 0, boxes[:, :4], owners, boxes[:, 5].astype(np.int64), names)


def _table(rows: Iterable[tuple[Any, ...]], columns: int) -> NDArray[np.float64]:
    """Rows as an array (N, columns), without a list of them all."""
    return np.asarray(np.fromiter(rows, np.dtype((float, columns))), np.float64)
