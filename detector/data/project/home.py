"""Where a project's store lies: in the folder of the pictures, or with the person's data where that cannot be."""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from detector.errors import ProjectError
from detector.places import user_data

NAME = ".efficientdet-studio"
STORE = "project.db"
BACKUPS = "backups"
NETWORK_KINDS = ("nfs", "cifs", "smb", "afp", "webdav", "ncp", "9p", "fuse.sshfs", "fuse.rclone")


@dataclass(frozen=True)
class Home:
    """The folder of a project's store; `cache` is the folder for what can be made again. They differ where the former
    cannot be written to.
    """

    path: Path
    cache: Path
    writable: bool

    @property
    def store(self) -> Path:
        """The database of the labels."""
        return self.path / STORE


def find_home(folder: Path) -> Home:
    """Where the store of a folder is, or else where it should be made: there if possible, or with the person's data."""
    own, away = folder / NAME, _away(folder)
    if (own / STORE).exists():
        writable = can_write(own)
        return Home(own, own if writable else away, writable)
    if (away / STORE).exists() or not can_write(own if own.is_dir() else folder):
        return Home(away, away, True)
    return Home(own, own, True)


def can_write(folder: Path) -> bool:
    """Whether files can be made in a folder; trying is the only way to know on every system."""
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".efficientdet-studio-"):
            return True
    except OSError:
        return False


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it. Raises ProjectError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(f"{path}: cannot be made ({error.strerror}); free some space or choose another.") from error


def take_lock(home: Home) -> FileLock | None:
    """The mark of the window that has a project open, to be released by it; None where another window has it."""
    lock = FileLock(home.path / "lock", timeout=0, thread_local=False)
    with suppress(OSError, NotImplementedError):  # some network drives know no locks
        try:
            lock.acquire()
        except Timeout:
            return None
    return lock


def is_on_network(path: Path) -> bool:
    """Whether a path lies on a drive that other machines may write to, too."""
    place = os.path.realpath(path)
    if place.startswith("\\\\"):
        return True
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return False
    around = [mount for mount in mounts if Path(place).is_relative_to(mount.mountpoint)]
    if not around:
        return False
    closest = max(around, key=lambda mount: len(mount.mountpoint))
    return closest.fstype.lower().startswith(NETWORK_KINDS) or "remote" in closest.opts.split(",")  # Windows says so


def _away(folder: Path) -> Path:
    """The place in the person's data for a folder; its real path tells it from others of its name."""
    place = os.path.realpath(folder)
    digest = hashlib.blake2b(os.fsencode(place), digest_size=6).hexdigest()
    return user_data() / "projects" / f"{Path(place).name or 'drive'}-{digest}"
