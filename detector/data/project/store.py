"""The store of a project: one transaction for each gesture, written as it ends, so that nothing is ever unsaved."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock

from detector.data.images import SUFFIXES, holds_image
from detector.data.project import importing, regrouping, relinking, scanning
from detector.data.project.backups import back_up_daily
from detector.data.project.cache import Cache
from detector.data.project.database import DamageError, Database
from detector.data.project.home import BACKUPS, Home, find_home, is_on_network, make_folder, take_lock
from detector.data.project.passes import Passes
from detector.data.project.predictions import Predictions
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage, Rejection
from detector.data.project.regrouping import Regrouped, Regrouping
from detector.data.project.rescue import Rescued, ensure_sound
from detector.data.project.rows import BOXES, CLASSES, IMAGES, REJECTIONS, VISIBLE, reserve_ids, store_change
from detector.data.project.schema import MIGRATIONS, check_version, migrate
from detector.data.project.settings import Settings
from detector.data.project.sides import Sides
from detector.data.project.stamps import Stamps
from detector.data.project.thumbnails import Thumbnails
from detector.errors import ProjectError

CACHE = "cache.db"
IDS_AT_ONCE = 1000


class Project:
    """A folder of pictures and its store, for one thread at a time; `connect` gives one for a further thread.

    folder: where the pictures are. home: the folder of the store, of runs and backups. read_only: why nothing may be
    changed, in words, or None. rescued: what was done about a store that was damaged, or None. Images and labels are
    here; passes, predictions, sides, settings and thumbnails are parts of it, whose names they have. `database` and
    `cache` are for this package. Whatever the disk refuses raises ProjectError, with the file and the way out.
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
        rollback = is_on_network(home.path)
        self.database = Database(
            home.store, remedy=_remedy(home), read_only=read_only, immutable=not home.writable, rollback=rollback
        )
        try:
            self.cache = Cache.open(home.cache / CACHE, rollback=rollback)
        except BaseException:
            self.database.close()
            raise
        stamps = Stamps(self.database, folder)
        self.settings = Settings(self.database)
        self.sides = Sides(self.database, folder)
        self.passes = Passes(self.database, self.cache, settings=self.settings, new_id=self.new_id)
        self.predictions = Predictions(self.database, self.cache, passes=self.passes, stamps=stamps)
        self.thumbnails = Thumbnails(self.cache, stamps)

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
                migrate(project.database, home.path / BACKUPS)
                if lock is not None:  # else another window may be in the middle of it
                    importing.recover(project.database)
                    importing.forget(project.database)
                regrouping.forget(project.database)
            elif check_version(project.database) != len(MIGRATIONS):
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
        self.database.close()
        self.cache.close()

    # Images

    def scan(self) -> Iterator[tuple[ProjectImage, ...]]:
        """Looks for pictures that the store does not know, and stores and gives them in chunks, the first one small.

        Images whose files are gone keep what is known about them; a renamed one comes with its old id. At last come
        those whose files are gone now, or there again. Then the day's backup is made, if there are labels. A project
        that is read only gives nothing. Raises ProjectError; ImageError where the folder is gone.
        """
        if self.read_only is not None:
            return
        yield from scanning.scan(self.database, self.folder)
        if self.database.rows("SELECT 1 FROM images WHERE state != 'unlabelled' LIMIT 1"):
            back_up_daily(self.database, self.home / BACKUPS)

    def find_missing(self, where: Path) -> Iterator[relinking.Searched | relinking.Relinked | relinking.Outside]:
        """Looks in a folder for the files of missing images that somebody worked on, by name and content.

        Those below the project's folder are theirs again. Raises ProjectError; ImageError where there is no folder.
        """
        self.database.check_writable()
        return relinking.relink(self.database, self.folder, where)

    def note_gone(self, image_ids: Sequence[int]) -> None:
        """The files of these images are not there any more."""
        scanning.mark_gone(self.database, image_ids)

    def images(self) -> list[ProjectImage]:
        """All images in natural order of their paths, but for those whose file is gone and that nobody worked on."""
        return scanning.in_order(self.database)

    def image(self, image_id: int) -> ProjectImage:
        """The image with an id."""
        (image,) = IMAGES.select(self.database, "WHERE id = ?", (image_id,))
        return image

    def find_image(self, image_id: int) -> ProjectImage | None:
        """As `image`, None where there is none."""
        return next(iter(IMAGES.select(self.database, "WHERE id = ?", (image_id,))), None)

    def note_decoded(self, image_id: int, *, width: int, height: int, key: str = "") -> None:
        """Keeps the size as displayed, in pixels, and the `content_key`, unless empty, as whoever decodes finds them.

        Where a project is read only nothing is kept.
        """
        scanning.note_decoded(self.database, image_id, width=width, height=height, key=key)

    # Labels

    def classes(self) -> tuple[ProjectClass, ...]:
        """The classes, in their order."""
        return CLASSES.select(self.database, f"WHERE {VISIBLE} ORDER BY position, id")

    def stored_classes(self) -> tuple[ProjectClass, ...]:
        """The classes, and those that are out of use: only a pass has them that was undone, or leaves them out now."""
        return CLASSES.select(self.database, "ORDER BY position, id")

    def boxes(self, image_id: int) -> tuple[ProjectBox, ...]:
        """The boxes of an image, in the order of their ids."""
        return BOXES.select(self.database, "WHERE image_id = ? ORDER BY id", (image_id,))

    def rejections(self, image_id: int) -> tuple[Rejection, ...]:
        """The rejections in an image, in the order of their ids."""
        return REJECTIONS.select(self.database, "WHERE image_id = ? ORDER BY id", (image_id,))

    def box_counts(self) -> dict[int, Counter[int]]:
        """Image id → class id → number of boxes, for images that have some."""
        counts: dict[int, Counter[int]] = {}
        rows = self.database.rows("SELECT image_id, class_id, count(*) FROM boxes GROUP BY image_id, class_id")
        for image_id, class_id, number in rows:
            counts.setdefault(image_id, Counter())[class_id] = number
        return counts

    def origin_counts(self) -> dict[Origin, dict[int, int]]:
        """Origin → image id → number of boxes, for images that have some."""
        counts: dict[Origin, dict[int, int]] = {origin: {} for origin in Origin}
        for image_id, origin, number in self.database.rows(
            "SELECT image_id, origin, count(*) FROM boxes GROUP BY image_id, origin"
        ):
            counts[Origin(origin)][image_id] = number
        return counts

    def apply(self, change: Change) -> None:
        """Stores a change, all of it or, with a ProjectError, nothing."""
        store_change(self.database, change)
        self.sides.follow(change)

    def regroup(self, what: Regrouping, change: Change, *, back: bool) -> Regrouped:
        """All boxes of a class get another one, or go, together with a change; `back`: takes that back. Atomic."""
        return (regrouping.take_back if back else regrouping.regroup)(self.database, what, change)

    def new_id(self) -> int:
        """An id for a box, class or rejection, never given twice."""
        if not self._ids:
            first = reserve_ids(self.database, IDS_AT_ONCE)
            self._ids = range(first, first + IDS_AT_ONCE)
        first, self._ids = self._ids[0], self._ids[1:]
        return first


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
