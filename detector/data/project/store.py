"""The store of a project: one transaction for each gesture, written as it ends, so that nothing is ever unsaved."""

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from detector.boxes import Detections, clip
from detector.data.annotations import Box, Dataset
from detector.data.images import SUFFIXES, holds_image, natural_key
from detector.data.lesson import Lesson
from detector.data.project import exchange, importing, passes, regrouping, relinking, scanning
from detector.data.project.backups import back_up_daily
from detector.data.project.cache import Cache, Stamp
from detector.data.project.database import DamageError, Database
from detector.data.project.home import BACKUPS, Home, find_home, is_on_network, make_folder, take_lock
from detector.data.project.importing import COCO_EXTRA, Imported, Mode
from detector.data.project.lessons import read_lesson
from detector.data.project.mapping import CLASS_MAPS, FORMER_NAMES, ClassMap, Knows, names_key
from detector.data.project.records import (
    Change,
    Origin,
    Pass,
    PassClasses,
    ProjectBox,
    ProjectClass,
    ProjectImage,
    Rejection,
    State,
)
from detector.data.project.regrouping import Regrouped, Regrouping
from detector.data.project.rescue import Rescued, ensure_sound
from detector.data.project.rows import BOXES, CLASSES, IMAGES, REJECTIONS, VISIBLE, store_change, to_json
from detector.data.project.schema import MIGRATIONS, check_version, migrate
from detector.data.project.sides import SideCounts
from detector.data.split import Side, content_key, next_side
from detector.errors import ProjectError

CACHE = "cache.db"
IDS_AT_ONCE = 1000


@dataclass(frozen=True)
class Coverage:
    """Images that show a model's predictions now; and others that it has seen: image id → the pass that has them."""

    shown: frozenset[int]
    stored: Mapping[int, int]


@dataclass(frozen=True)
class Unfinished:
    """A pass that did not come to its end: ids of the images that are left, of `total` that it is to see."""

    begun: Pass
    left: tuple[int, ...]
    total: int


class Project:
    """A folder of pictures and its store, for one thread at a time; `connect` gives one for a further thread.

    folder: where the pictures are. home: the folder of the store, of runs and backups. read_only: why nothing may be
    changed, in words, or None. rescued: what was done about a store that was damaged, or None. Whatever the disk
    refuses raises ProjectError, with the file and the way out.
    """

    def __init__(self, folder: Path, home: Home, *, read_only: str | None, lock: FileLock | None) -> None:
        """Opens the databases of a home; `Project.open` is the way in."""
        self.folder = folder
        self.home = home.path
        self.read_only = read_only
        self.rescued: Rescued | None = None
        self._place = home
        self._lock = lock
        self._ids = range(0)
        self._sides: SideCounts | None = None
        self._passes: tuple[tuple[int, int], tuple[Pass, ...]] | None = None
        rollback = is_on_network(home.path)
        self._database = Database(
            home.store,
            remedy=_remedy(home),
            read_only=read_only is not None,
            immutable=not home.writable,
            rollback=rollback,
        )
        try:
            self._cache = Cache.open(home.cache / CACHE, rollback=rollback)
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, anyway: bool = False) -> "Project":
        """The project of a folder; its store is made where there is none.

        In the folder itself, or with the person's data where the folder cannot be written to. Where another window has
        the project, it is opened to be read only, unless `anyway`. Raises ProjectError, also where there is no picture.
        """
        folder = Path(os.path.abspath(folder))
        if not folder.is_dir():
            raise ProjectError(f"{folder}: there is no such folder; check the path.")
        home = find_home(folder)
        if not home.store.exists() and not holds_image(folder):
            raise ProjectError(f"{folder}: holds no picture; the names of pictures end in {', '.join(SUFFIXES)}.")
        make_folder(home.cache)
        if not home.writable:
            _check_log(home.store)
            return cls._checked(folder, home, read_only=f"{folder} cannot be written to.", lock=None)
        lock = take_lock(home)
        held = lock is None and not anyway
        read_only = f"{folder} is open in another window, so nothing can be changed here." if held else None
        return cls._checked(folder, home, read_only=read_only, lock=lock)

    @classmethod
    def _checked(cls, folder: Path, home: Home, *, read_only: str | None, lock: FileLock | None) -> "Project":
        """A project whose store is sound, as far as opening it shows, and up to date."""
        try:
            rescued = ensure_sound(home, remedy=_remedy(home)) if lock is not None else None
            try:
                project = cls._up_to_date(folder, home, read_only=read_only, lock=lock)
            except DamageError:
                if lock is None:
                    raise
                rescued = ensure_sound(home, remedy=_remedy(home))  # which looks closer this time
                project = cls._up_to_date(folder, home, read_only=read_only, lock=lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        project.rescued = rescued
        return project

    @classmethod
    def _up_to_date(cls, folder: Path, home: Home, *, read_only: str | None, lock: FileLock | None) -> "Project":
        project = cls(folder, home, read_only=read_only, lock=lock)
        try:
            if read_only is None:
                migrate(project._database, home.path / BACKUPS)
                if lock is not None:  # else another window may be in the middle of it
                    importing.recover(project._database)
                    importing.forget(project._database)
                regrouping.forget(project._database)
            elif check_version(project._database) != len(MIGRATIONS):
                raise ProjectError(f"{home.store}: an older version made it; open a copy that can be written to.")
        except BaseException:
            project._disconnect()
            raise
        return project

    @property
    def is_held_elsewhere(self) -> bool:
        """Whether it can only be read because another window has it."""
        return self.read_only is not None and self._place.writable

    def connect(self) -> "Project":
        """A further connection to the same store, for another thread, which must close it."""
        return Project(self.folder, self._place, read_only=self.read_only, lock=None)

    def close(self) -> None:
        """Ends the connection; lets other windows have the project."""
        self._disconnect()
        if self._lock is not None:
            self._lock.release()

    def _disconnect(self) -> None:
        self._database.close()
        self._cache.close()

    # Images

    def scan(self) -> Iterator[tuple[ProjectImage, ...]]:
        """Looks for pictures that the store does not know, and stores and gives them in chunks, the first one small.

        Images whose files are gone keep what is known about them; a renamed one comes with its old id. At last come
        those whose files are gone now, or there again. Then the day's backup is made, if there are labels. A project
        that is read only gives nothing. Raises ProjectError; ImageError where the folder is gone.
        """
        if self.read_only is not None:
            return
        yield from scanning.scan(self._database, self.folder)
        if self._database.rows("SELECT 1 FROM images WHERE state != 'unlabelled' LIMIT 1"):
            back_up_daily(self._database, self.home / BACKUPS)

    def find_missing(self, where: Path) -> Iterator[relinking.Searched | relinking.Relinked | relinking.Outside]:
        """Looks in a folder for the files of missing images that somebody worked on, by name and content.

        Those below the project's folder are theirs again. Raises ProjectError; ImageError where there is no folder.
        """
        self._check_writable()
        return relinking.relink(self._database, self.folder, where)

    def note_gone(self, image_ids: Sequence[int]) -> None:
        """The files of these images are not there any more."""
        self._check_writable()
        scanning.mark_gone(self._database, image_ids)

    def images(self) -> list[ProjectImage]:
        """All images in natural order of their paths, but for those whose file is gone and that nobody worked on."""
        listed = IMAGES.select(self._database, f"WHERE {scanning.LISTED}")
        return sorted(listed, key=lambda image: natural_key(image.path))

    def image(self, image_id: int) -> ProjectImage:
        """The image with an id."""
        (image,) = IMAGES.select(self._database, "WHERE id = ?", (image_id,))
        return image

    def find_image(self, image_id: int) -> ProjectImage | None:
        """As `image`, None where there is none."""
        return next(iter(IMAGES.select(self._database, "WHERE id = ?", (image_id,))), None)

    def note_decoded(self, image_id: int, *, width: int, height: int, key: str = "") -> None:
        """Keeps the size as displayed, in pixels, and the `content_key`, unless empty, as whoever decodes finds them.

        Where a project is read only nothing is kept.
        """
        self._note(image_id, width, height, key)

    def _note(self, image_id: int, width: int | None, height: int | None, key: str) -> None:
        """Writes only what is new: most images are decoded many times."""
        ((*before, old_key),) = self._database.rows(
            "SELECT width, height, content_key FROM images WHERE id = ?", (image_id,)
        )
        values = (width or before[0], height or before[1], key or old_key)
        if self.read_only is None and values != (*before, old_key):
            with self._database.transaction() as connection:
                sql = "UPDATE images SET width = ?, height = ?, content_key = ? WHERE id = ?"
                connection.execute(sql, (*values, image_id))

    def side_for(self, image_id: int, class_ids: Collection[int]) -> Side:
        """The side that an image has, or the one that its first review, with boxes of these classes, gives it.

        A copy of another image gets that one's side.
        """
        return self.sides_for({image_id: class_ids})[image_id]

    def sides_for(self, wanted: Mapping[int, Collection[int]]) -> dict[int, Side]:
        """As `side_for`, for images (id → class ids) that are reviewed together: each one takes those before it into
        account. Reads the files whose content key is not known yet.
        """
        if self._sides is None:
            self._sides = SideCounts(self._database)
        given: dict[int, Side] = {}
        added: dict[int, Counter[Side]] = {class_id: Counter() for ids in wanted.values() for class_id in ids}
        by_key: dict[str, Side] = {}
        for image_id, class_ids in wanted.items():
            side, key = self._stored_side(image_id)
            if side is None:
                counted = {class_id: counts + added[class_id] for class_id, counts in self._sides.of(class_ids).items()}
                side = by_key.get(key) or self._side_of_copy(key) or next_side(key, class_ids, counted)
                by_key[key] = side
                for class_id in class_ids:
                    added[class_id][side] += 1
            given[image_id] = side
        return given

    def _stored_side(self, image_id: int) -> tuple[Side | None, str]:
        """The side of an image, None before its first review, and its content key, which is stored if it was not."""
        sql = "SELECT path, split, content_key FROM images WHERE id = ?"
        ((path, side, key),) = self._database.rows(sql, (image_id,))
        if side is None and not key:
            key = content_key(self.folder / path)
            self._note(image_id, None, None, key)
        return (None if side is None else Side(side)), key or ""

    def _side_of_copy(self, key: str) -> Side | None:
        sql = "SELECT split FROM images WHERE content_key = ? AND split IS NOT NULL ORDER BY id LIMIT 1"
        twins = self._database.rows(sql, (key,))
        return Side(twins[0][0]) if twins else None

    # Labels

    def classes(self) -> tuple[ProjectClass, ...]:
        """The classes, in their order."""
        return CLASSES.select(self._database, f"WHERE {VISIBLE} ORDER BY position, id")

    def stored_classes(self) -> tuple[ProjectClass, ...]:
        """The classes, and those that are out of use: only a pass has them that was undone, or leaves them out now."""
        return CLASSES.select(self._database, "ORDER BY position, id")

    def boxes(self, image_id: int) -> tuple[ProjectBox, ...]:
        """The boxes of an image, in the order of their ids."""
        return BOXES.select(self._database, "WHERE image_id = ? ORDER BY id", (image_id,))

    def rejections(self, image_id: int) -> tuple[Rejection, ...]:
        """The rejections in an image, in the order of their ids."""
        return REJECTIONS.select(self._database, "WHERE image_id = ? ORDER BY id", (image_id,))

    def box_counts(self) -> dict[int, Counter[int]]:
        """Image id → class id → number of boxes, for images that have some."""
        counts: dict[int, Counter[int]] = {}
        rows = self._database.rows("SELECT image_id, class_id, count(*) FROM boxes GROUP BY image_id, class_id")
        for image_id, class_id, number in rows:
            counts.setdefault(image_id, Counter())[class_id] = number
        return counts

    def origin_counts(self) -> dict[Origin, dict[int, int]]:
        """Origin → image id → number of boxes, for images that have some."""
        counts: dict[Origin, dict[int, int]] = {origin: {} for origin in Origin}
        for image_id, origin, number in self._database.rows(
            "SELECT image_id, origin, count(*) FROM boxes GROUP BY image_id, origin"
        ):
            counts[Origin(origin)][image_id] = number
        return counts

    def apply(self, change: Change) -> None:
        """Stores a change, all of it or, with a ProjectError, nothing."""
        self._check_writable()
        store_change(self._database, change)
        if self._sides is not None:
            rows = [row for pair in change.boxes for row in pair if row is not None]
            self._sides.update({row.image_id for row in rows} | {after.id for _, after in change.images})

    def regroup(self, what: Regrouping, change: Change, *, back: bool) -> Regrouped:
        """All boxes of a class get another one, or go, together with a change; `back`: takes that back. Atomic."""
        self._check_writable()
        return (regrouping.take_back if back else regrouping.regroup)(self._database, what, change)

    def forget_sides(self) -> None:
        """A further connection has changed many boxes: what is known of sides is read anew when it is needed."""
        self._sides = None

    def new_id(self) -> int:
        """An id for a box, class or rejection, never given twice."""
        if not self._ids:
            self._check_writable()
            first = self._reserve(IDS_AT_ONCE)
            self._ids = range(first, first + IDS_AT_ONCE)
        first, self._ids = self._ids[0], self._ids[1:]
        return first

    def setting(self, key: str, default: Any = None) -> Any:
        """What `set_setting` stored."""
        rows = self._database.rows("SELECT value FROM settings WHERE key = ?", (key,))
        with self._database.understanding():
            return json.loads(rows[0][0]) if rows else default

    def set_setting(self, key: str, value: Any) -> None:
        """Stores a JSON value."""
        self.set_settings({key: value})

    def set_settings(self, values: Mapping[str, Any], *, wait: bool = True) -> None:
        """Stores JSON values. Without `wait` it raises ProjectError at once where a worker is writing."""
        self._check_writable()
        rows = [(key, to_json(value)) for key, value in values.items()]
        with self._database.transaction(wait=wait) as connection:
            connection.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", rows)

    # Passes

    def begin_pass(
        self,
        *,
        model: str,
        source: str,
        names: Sequence[str | None],
        category_ids: Sequence[int],
        thresholds: Mapping[str, float],
        model_key: str = "",
    ) -> Pass:
        """Stores a new pass and makes it active.

        `names` and `category_ids` have one entry for each channel of the model, None for a gap. Channels stand for what
        `class_map` says; named classes that the project lacks are added. `thresholds` go by name; 0.35 where there is
        none. `model_key` tells the model's weights apart from others.
        """
        self._check_writable()
        knows = passes.known_classes(names, category_ids, thresholds)
        return passes.begin_pass(
            self._database,
            model=model,
            source=source,
            model_key=model_key,
            knows=knows,
            class_map=self.class_map(knows),
            former=self.setting(FORMER_NAMES, {}),
            new_ids=iter(self.new_id, None),
        )

    def class_map(self, knows: Knows) -> ClassMap:
        """What a model's classes are to be called here, as far as a person has said so."""
        return self.setting(CLASS_MAPS, {}).get(names_key(knows), {})

    def pass_classes(self) -> tuple[PassClasses, ...]:
        """What the channels of all passes stand for, those of classes that are gone included."""
        return passes.read_pass_classes(self._database)

    def set_pass_active(self, pass_id: int, active: bool) -> None:
        """Undoes a pass, and hides the classes that only it brought and no box has; or redoes it."""
        self._check_writable()
        passes.set_active(self._database, pass_id, active)

    def passes(self) -> tuple[Pass, ...]:
        """All passes, the newest last."""
        state = self._database.state()
        if self._passes is None or self._passes[0] != state:  # asked for several times in a gesture
            self._passes = (state, passes.read_passes(self._database))
        return self._passes[1]

    def images_of_pass(self, pass_id: int) -> list[int]:
        """Ids of the images that a pass has seen."""
        return self._cache.images_of(pass_id)

    def put_predictions(self, pass_id: int, found: Sequence[tuple[int, Detections]]) -> None:
        """Stores what a pass found in images, by their ids, in one transaction."""
        self._check_writable()
        stamps = {image_id: stamp for image_id, _ in found if (stamp := self._stamp(image_id))}
        self._cache.put_predictions(pass_id, found, stamps)

    def coverage(self, model_key: str, images: Sequence[ProjectImage]) -> Coverage:
        """Which of the images a model's predictions are stored for; files that have changed since count as unseen."""
        if not model_key:
            return Coverage(frozenset(), {})
        newest = self._cache.newest(self._active_passes())
        own = self._cache.newest([item.id for item in self.passes() if item.model_key == model_key])
        known = {
            image.id: own[image.id][0]
            for image in images
            if image.id in own and own[image.id][1] == self._file_stamp(image.path)
        }
        shown = frozenset(image_id for image_id, pass_id in known.items() if newest.get(image_id, (0,))[0] == pass_id)
        return Coverage(shown, {image_id: pass_id for image_id, pass_id in known.items() if image_id not in shown})

    def copy_predictions(self, pass_id: int, sources: Mapping[int, int]) -> None:
        """Gives a pass what other passes of its model found, image id → that pass, in one transaction."""
        self._check_writable()
        self._cache.copy_predictions(pass_id, sources)

    def plan_pass(self, pass_id: int, image_ids: Sequence[int]) -> None:
        """Notes which images a pass is to see, so that it can go on after whatever ends the program."""
        self._check_writable()
        self._cache.put_plan(pass_id, image_ids)

    def end_plan(self) -> None:
        """The pass that was planned is at its end, or given up."""
        self._check_writable()
        self._cache.drop_plan()

    def unfinished(self) -> Unfinished | None:
        """The pass that was planned and is not at its end, unless it was undone or nothing is left to see."""
        plan = self._cache.plan()
        begun = self._active_passes().get(plan[0]) if plan else None
        if plan is None or begun is None:
            return None
        listed = {image.id for image in self.images() if not image.ignored}
        seen = set(self._cache.images_of(begun.id))
        left = tuple(image_id for image_id in plan[1] if image_id in listed and image_id not in seen)
        return Unfinished(begun, left, len(plan[1])) if left else None

    def predictions(self, image_id: int) -> tuple[Pass, Detections] | None:
        """What the newest active pass that saw the image found in it."""
        active = self._active_passes()
        found = self._cache.predictions(image_id, list(active))
        return (active[found[0]], found[1]) if found else None

    def all_predictions(self) -> Iterator[tuple[int, Pass, Detections]]:
        """As `predictions`, for every image that has some, by id."""
        active = self._active_passes()
        for image_id, pass_id, found in self._cache.all_predictions(list(active)):
            yield image_id, active[pass_id], found

    def _active_passes(self) -> dict[int, Pass]:
        return {item.id: item for item in self.passes() if item.active}

    # Thumbnails

    def thumbnail(self, image_id: int) -> bytes | None:
        """The JPEG that `put_thumbnail` stored, unless the picture's file has changed since."""
        stamp = self._stamp(image_id)
        return self._cache.thumbnail(image_id, stamp) if stamp else None

    def put_thumbnail(self, image_id: int, data: bytes) -> None:
        """Stores a small JPEG of an image."""
        if stamp := self._stamp(image_id):
            self._cache.put_thumbnail(image_id, stamp, data)

    def _stamp(self, image_id: int) -> Stamp | None:
        """Size and time of an image's file, None where there is none."""
        image = self.find_image(image_id)
        return self._file_stamp(image.path) if image else None

    def _file_stamp(self, path: str) -> Stamp | None:
        with suppress(OSError):
            status = os.stat(self.folder / path)
            return status.st_size, status.st_mtime_ns
        return None

    # Data sets

    def dataset(self, *, reviewed_only: bool = False, side: Side | None = None) -> Dataset:
        """The images with their boxes, as a data set; sizes that are unknown are read from the files.

        reviewed_only: leaves out images that nobody vouched for, or that are ignored. side: only images on it.
        """
        chosen = [
            image
            for image in self._exported()
            if (side is None or image.split is side)
            and (not reviewed_only or (image.state is State.REVIEWED and not image.ignored))
        ]
        sized = [exchange.with_size(image, self.folder) for image in chosen]
        self._note_sizes([after for before, after in zip(chosen, sized, strict=True) if before is not after])
        boxes = BOXES.stream(self._database, "ORDER BY image_id, id")
        return exchange.to_dataset(sized, self.classes(), boxes, self.setting(COCO_EXTRA, {}))

    def lesson(self) -> Lesson:
        """What a fine-tuning would learn from and be measured on."""
        return read_lesson(self._database)

    def coco_ids(self) -> tuple[dict[int, int], dict[int, int]]:
        """Image id → its id in data sets, class id → its category."""
        return exchange.coco_ids(self._exported(), self.classes())

    def scored_boxes(self, coco_images: Collection[int]) -> Iterator[Box]:
        """What the models found, as boxes of a data set: of its images with these ids, and of classes that are here."""
        image_ids, categories = self.coco_ids()
        sizes = {image.id: image.size for image in self.images()}
        for image_id, pass_, found in self.all_predictions():
            if image_ids.get(image_id) in coco_images:
                size = sizes.get(image_id)
                boxes = clip(found.boxes, *size) if size else found.boxes
                rows = zip(boxes.tolist(), found.scores.tolist(), found.channels.tolist(), strict=True)
                for (x1, y1, x2, y2), score, channel in rows:
                    category = categories.get(pass_.class_ids.get(channel, 0))
                    if category is not None and x1 < x2 and y1 < y2:
                        yield Box(image_ids[image_id], category, (x1, y1, x2, y2), score=score)

    def _exported(self) -> list[ProjectImage]:
        """As `images`, with those that only an imported data set lists and that have no file."""
        listed = IMAGES.select(self._database, f"WHERE {scanning.LISTED} OR extra IS NOT NULL")
        return sorted(listed, key=lambda image: natural_key(image.path))

    def import_dataset(self, dataset: Dataset, paths: Mapping[int, Path], *, mode: Mode = Mode.MERGE) -> Imported:
        """Takes in a labelled data set, all of it or nothing; see `import_steps`."""
        *_, imported = self.import_steps(dataset, paths, mode=mode)
        assert isinstance(imported, Imported)
        return imported

    def import_steps(self, dataset: Dataset, paths: Mapping[int, Path], *, mode: Mode) -> Iterator[int | Imported]:
        """As `import_dataset`, in short transactions; gives how many boxes are done, at last what came.

        `paths`: image id → file below the folder, whose sizes must be as displayed. Boxes make an image started: to be
        reviewed, a person must vouch for it. Closing it before the end takes all back.
        """
        self._check_writable()
        first = self._reserve(importing.ids_needed(dataset))
        self._sides = None
        yield from importing.bring_in(self._database, dataset, paths, folder=self.folder, first_id=first, mode=mode)

    def switch_import(self, step: int, *, is_in: bool) -> Iterator[int]:
        """Takes an import of this session back, or brings it in again, in short transactions."""
        self._check_writable()
        self._sides = None
        yield from importing.switch(self._database, step, is_in=is_in)

    def _note_sizes(self, images: Sequence[ProjectImage]) -> None:
        if images and self.read_only is None:
            sql = "UPDATE images SET width = ?, height = ? WHERE id = ?"
            for start in range(0, len(images), IDS_AT_ONCE):
                rows = [(image.width, image.height, image.id) for image in images[start : start + IDS_AT_ONCE]]
                with self._database.transaction() as connection:
                    connection.executemany(sql, rows)

    def _reserve(self, number: int) -> int:
        """The first of so many ids that nothing else gets."""
        with self._database.transaction() as connection:
            sql = "UPDATE counter SET next_id = next_id + ? RETURNING next_id"
            (end,) = connection.execute(sql, (number,)).fetchone()
        return end - number

    def _check_writable(self) -> None:
        if self.read_only is not None:
            raise ProjectError(self.read_only)


def _remedy(home: Home) -> str:
    """What to do where the store is damaged."""
    if not home.writable:
        return "copy the folder to where it can be written to, and open the copy: what can be read is rescued there"
    return (
        "close its windows and open the folder again: what can be read then comes into a new store "
        f"(copies of earlier days are in {home.path / BACKUPS})"
    )


def _check_log(store: Path) -> None:
    """Raises ProjectError where a store that cannot be written to has changes in a log, which only a writer can add."""
    log = store.with_name(store.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise ProjectError(f"{store}: its last changes are still in {log.name}; copy the folder and open the copy.")
