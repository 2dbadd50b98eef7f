"""The other side of an import: what it put aside or, once it is taken back, what it had brought.

Each function is a part of one transaction, in which some rows of this side and of the other one change places.
"""

from sqlite3 import Connection

from detector.data.project.database import bound
from detector.data.project.exchange import COCO_EXTRA
from detector.data.project.rows import BOXES

AT_ONCE = 500  # boxes that one transaction moves, in some milliseconds
IMAGE = "state, split, ignored, note, extra"  # what an import changes of an image
_COLUMNS = ", ".join(BOXES.columns)


def shelve(connection: Connection, step: int, which: str, after: int, limit: int = AT_ONCE) -> tuple[int, int | None]:
    """Puts boxes with ids above one on the shelf; how many, and the last of them, None where none is left."""
    ids = connection.execute(
        f"SELECT id FROM boxes WHERE {which} AND id > {after} ORDER BY id LIMIT {limit}"
    ).fetchall()
    rows = [(step, box_id) for (box_id,) in ids]
    connection.executemany(f"INSERT INTO shelved_boxes SELECT ?, {_COLUMNS} FROM boxes WHERE id = ?", rows)
    connection.executemany("DELETE FROM boxes WHERE id = ?", ids)
    return len(ids), ids[-1][0] if ids else None


def unshelve(connection: Connection, step: int, which: str, after: int, limit: int = AT_ONCE) -> tuple[int, int | None]:
    """Takes boxes from the shelf, as `shelve` puts them there."""
    sql = f"SELECT id FROM shelved_boxes WHERE step = ? AND {which} AND id > {after} ORDER BY id LIMIT {limit}"
    rows = [(step, box_id) for (box_id,) in connection.execute(sql, (step,)).fetchall()]
    connection.executemany(
        f"INSERT INTO boxes ({_COLUMNS}) SELECT {_COLUMNS} FROM shelved_boxes WHERE step = ? AND id = ?", rows
    )
    connection.executemany("DELETE FROM shelved_boxes WHERE step = ? AND id = ?", rows)
    return len(rows), rows[-1][1] if rows else None


def swap_images(connection: Connection, step: int, after: int, which: str = "true") -> int | None:
    """Some images with ids above one get what the other side has; the last of them, None where none is left."""
    sql = f"SELECT image_id, is_in, {IMAGE} FROM import_images WHERE import_id = ? AND {which} AND image_id > ?"
    rows = connection.execute(f"{sql} ORDER BY image_id LIMIT {AT_ONCE}", (step, after)).fetchall()
    slots = "(?, ?, ?, CAST(? AS TEXT), ?)"
    for image_id, is_in, *other in rows:
        present = list(connection.execute(f"SELECT {IMAGE} FROM images WHERE id = ?", (image_id,)).fetchone())
        other[3], present[3] = bound(other[3]), bound(present[3])
        connection.execute(f"UPDATE images SET ({IMAGE}) = {slots} WHERE id = ?", (*other, image_id))
        connection.execute(
            f"UPDATE import_images SET is_in = ?, ({IMAGE}) = {slots} WHERE import_id = ? AND image_id = ?",
            (not is_in, *present, step, image_id),
        )
    return rows[-1][0] if rows else None


def swap_heads(connection: Connection, step: int) -> None:
    """Classes and the setting get what the other side has."""
    sql = (
        "SELECT classes.id, classes.hidden, classes.pass_id, other.hidden, other.pass_id FROM classes "
        "JOIN import_classes AS other ON class_id = classes.id WHERE import_id = ?"
    )
    for class_id, hidden, pass_id, *other in connection.execute(sql, (step,)).fetchall():
        connection.execute("UPDATE classes SET hidden = ?, pass_id = ? WHERE id = ?", (*other, class_id))
        connection.execute(
            "UPDATE import_classes SET hidden = ?, pass_id = ? WHERE import_id = ? AND class_id = ?",
            (hidden, pass_id, step, class_id),
        )
    present = connection.execute("SELECT value FROM settings WHERE key = ?", (COCO_EXTRA,)).fetchone()
    (extra,) = connection.execute("SELECT other_extra FROM imports WHERE id = ?", (step,)).fetchone()
    if extra is None:
        connection.execute("DELETE FROM settings WHERE key = ?", (COCO_EXTRA,))
    else:
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (COCO_EXTRA, extra))
    sql = "UPDATE imports SET other_extra = ?, is_in = NOT is_in WHERE id = ?"
    connection.execute(sql, (present and present[0], step))
