"""Writing files so that a kill or a full disk leaves the old one or the new one, never half; telling files apart."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def file_key(path: Path) -> str:
    """The sha256 of what is in a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; takes its place when the block ends well, and goes when it does not.

    Where `path` is a link, what it points to is replaced and the link stays.
    """
    target = path.resolve()
    temporary = target.with_name(f".{uuid4().hex}.part")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # safetensors leaves its files to their owner alone
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        with suppress(OSError):  # gone by now, unless something failed
            temporary.unlink()


def sweep(folder: Path) -> None:
    """Remove from a folder the files that were being written when their writer was killed. Raises OSError."""
    for torn in folder.glob(f".{'[0-9a-f]' * 32}.part"):
        if torn.is_file():
            torn.unlink()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`, which takes its place when the block ends well, and goes when it does not.

    Raises FileExistsError where there is something that is not an empty folder.
    """
    target = path.resolve()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(17, "exists already, and is no empty folder", str(path))
    temporary = target.with_name(f".{uuid4().hex}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.rmdir()
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
