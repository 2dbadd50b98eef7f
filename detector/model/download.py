"""Fetching published weights: what breaks off is gone on with, and a file is there whole and checked or not at all.

Known without torch. The bytes come from a thread, so that whoever iterates can stop at any time, even while a server is
silent.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from os import fsync
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout

from detector.errors import DownloadError
from detector.model.weights import WEIGHTS_VARIABLE, PublishedWeights, by_hand, hash_start

CHUNK = 1 << 16  # bytes
WAITING = 64  # chunks that may wait to be written
TICK = 0.2  # seconds in which a stop is noticed
PATIENCE = 30.0  # seconds until a silent server counts as gone
UNSATISFIABLE = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE  # the part is as long as the file, or longer
BREAKS = 8  # of one download, after which it is left to the person


@dataclass(frozen=True)
class Fetched:
    """How many bytes are here, and of how many; `total` is None until the server has said it."""

    done: int
    total: int | None


@dataclass(frozen=True)
class _Answer:
    """A server begins to send: from which byte on, and how long the whole file is, if it says so."""

    start: int
    total: int | None


class _BrokenError(Exception):
    """The connection failed, or the server refused; says why."""

    def __init__(self, why: str, *, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


def fetch(weights: PublishedWeights, *, patience: float = PATIENCE) -> Generator[Fetched]:
    """Download published weights to where they are looked for, saying how far it is; closing it keeps what has come.

    patience: seconds without a byte after which the server counts as gone.
    Raises DownloadError, which says which file is wanted and how to bring it by hand.
    """
    try:
        weights.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(weights):
            if not weights.path.exists():
                yield from _fetch(weights, patience)
            elif not _holds(weights.path, weights):
                raise DownloadError(f"{weights.path} is damaged, or not what its name says; remove it and try again.")
    except _BrokenError as error:
        raise DownloadError(
            f"{weights.title} could not be fetched ({error}): try again, or {by_hand(weights)}."
        ) from error
    except OSError as error:
        why = error.strerror or error
        raise DownloadError(
            f"{weights.path} cannot be written ({why}); make room, or name another folder in {WEIGHTS_VARIABLE}."
        ) from error


def _fetch(weights: PublishedWeights, patience: float) -> Generator[Fetched]:
    part = _part(weights)
    if not _holds(part, weights):
        continued = yield from _complete(weights.url, part, patience)
        if continued and not _holds(part, weights):  # what was there was the beginning of something else
            part.unlink()
            yield from _complete(weights.url, part, patience)
    if not _holds(part, weights):
        part.unlink()
        raise _BrokenError(f"what {weights.url} sends is not this file: its sha256 begins otherwise")
    with part.open("rb+") as file:
        fsync(file.fileno())
    part.replace(weights.path)


def _holds(path: Path, weights: PublishedWeights) -> bool:
    return path.exists() and hash_start(path) == weights.hash_start


def _complete(url: str, part: Path, patience: float) -> Generator[Fetched, None, bool]:
    """Fetch all that `part` lacks, again where the connection breaks; whether anything was there before."""
    continued = False
    for attempt in range(BREAKS + 1):
        before = _size(part)
        continued |= before > 0
        try:
            with closing(_receive(url, before, patience)) as pieces:
                yield from _write(pieces, part)
            break
        except _BrokenError as error:
            if error.status == UNSATISFIABLE and before:
                part.unlink()
            elif attempt == BREAKS or _size(part) == before:  # it brought nothing, so the next would not either
                raise
    return continued


def _write(pieces: Iterator[_Answer | bytes | None], part: Path) -> Generator[Fetched]:
    """Append what comes to `part`, or write it anew where the server does not go on from its end."""
    done, total = _size(part), None
    with ExitStack() as opened:
        file = None
        for piece in pieces:
            if isinstance(piece, _Answer):
                file = opened.enter_context(part.open("ab" if piece.start else "wb"))
                done, total = piece.start, piece.total
            elif piece is not None and file is not None:
                file.write(piece)
                done += len(piece)
            yield Fetched(done, total)
    if total is not None and done < total:
        raise _BrokenError(f"the connection broke after {done:,} of {total:,} bytes")


def _receive(url: str, start: int, patience: float) -> Generator[_Answer | bytes | None]:
    """What a server sends from byte `start` on: its answer, then the bytes; None for each TICK of silence."""
    arrived: Queue[_Answer | bytes | Exception | None] = Queue(WAITING)
    stopped = Event()
    Thread(target=_pump, args=(url, start, patience, arrived, stopped), name="Download", daemon=True).start()
    try:
        while True:
            try:
                item = arrived.get(timeout=TICK)
            except Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                raise _explain(item)
            yield item
    finally:
        stopped.set()


def _pump(url: str, start: int, patience: float, arrived: Queue, stopped: Event) -> None:
    """The thread: hands over what the server sends until it ends, fails, or nobody wants it any more."""

    def hand_over(item: _Answer | bytes | Exception | None) -> None:
        while not stopped.is_set():
            with suppress(Full):
                return arrived.put(item, timeout=TICK)

    try:
        with urlopen(_request(url, start), timeout=patience) as response:
            answer = _read_answer(response, start)
            hand_over(answer)
            left = None if answer.total is None else answer.total - answer.start
            while not stopped.is_set() and (piece := response.read1(CHUNK if left is None else min(CHUNK, left))):
                hand_over(piece)
                left = None if left is None else left - len(piece)
        hand_over(None)
    except Exception as error:  # whatever it is, the one who waits must hear of it
        hand_over(error)


def _request(url: str, start: int) -> Request:
    headers = {"User-Agent": "efficientdet-studio", "Accept-Encoding": "identity"}
    return Request(url, headers=headers | ({"Range": f"bytes={start}-"} if start else {}))


def _read_answer(response: HTTPResponse, start: int) -> _Answer:
    """From where on a server sends: the beginning, unless it says that it goes on at `start`."""
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length", "")
        return _Answer(0, int(length) if length.isdecimal() else None)
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != start:
        raise _BrokenError("the server sent another part than was asked for", status=UNSATISFIABLE)
    return _Answer(start, int(found[2]) if found[2] != "*" else None)


def _explain(error: Exception) -> Exception:
    """A failure of the network in a person's words; other errors as they are."""
    if isinstance(error, HTTPError):
        return _BrokenError(f"the server says {error.code} {error.reason}", status=error.code)
    if isinstance(error, URLError):
        error = error.reason if isinstance(error.reason, OSError) else OSError(error.reason)
    if isinstance(error, OSError | HTTPException | ValueError):  # the last: an address that cannot be one
        return _BrokenError(" ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__)
    return error


@contextmanager
def _alone(weights: PublishedWeights) -> Iterator[None]:
    """While nobody else fetches the same file; raises DownloadError where somebody does."""
    lock = FileLock(weights.path.with_name(f".{weights.file}.lock"), timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise DownloadError(f"{weights.file} is being fetched already, by another window or command.") from error
    try:
        yield
    finally:
        lock.release()


def _part(weights: PublishedWeights) -> Path:
    """What has come so far of a file."""
    return weights.path.with_name(f"{weights.file}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
