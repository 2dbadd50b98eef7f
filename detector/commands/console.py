"""Text for the person at the terminal or behind the pipe. File and class names are untrusted: shown, never obeyed."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO, TypeVar

T = TypeVar("T")
WARNINGS_SHOWN = 10


def plain(text: str) -> str:
    """The text on one line, with control characters and lone surrogates written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def number(value: float | None) -> str:
    """A measure in 0..1, or a dash where it is undefined."""
    return "–" if value is None else f"{value:.4f}"


def say(text: str, *, to: TextIO | None = None) -> None:
    """Writes one line to stderr, or to another stream, above the progress bar."""
    if "tqdm" in sys.modules:
        sys.modules["tqdm"].tqdm.write(plain(text), file=to or sys.stderr)
    else:
        print(plain(text), file=to or sys.stderr)


def answer(text: str) -> None:
    """Writes one line of what was asked for to stdout."""
    say(text, to=sys.stdout)


def answer_json(document: Mapping[str, object]) -> None:
    """Writes one JSON document, all ASCII, to stdout."""
    print(json.dumps(document, allow_nan=False))


def warn(messages: Sequence[str]) -> None:
    """Writes the first of the warnings to stderr, and how many more there are."""
    for message in messages[:WARNINGS_SHOWN]:
        say(f"warning: {message}")
    if len(messages) > WARNINGS_SHOWN:
        say(f"warning: … and {len(messages) - WARNINGS_SHOWN} more like these.")


def progress(items: Iterable[T], total: int) -> Iterable[T]:
    """The items, with a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, unit=" images", dynamic_ncols=True)


def progress_bytes(amounts: Iterable[tuple[int, int | None]], name: str) -> None:
    """Goes through amounts of bytes done and to do, with a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    with tqdm(desc=name, unit="B", unit_scale=True, disable=None, dynamic_ncols=True) as bar:
        for done, total in amounts:
            bar.total = total
            bar.update(done - bar.n)
