"""JSON files, long lists item by item: a million entries at once, as objects, would take over a gigabyte."""

import re
from collections.abc import Collection, Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any

from detector.errors import LabelError

_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


def read_text(path: Path) -> str:
    """The text of a label file, with or without a byte order mark. Raises LabelError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8.") from error


def json_error(path: Path, error: Exception) -> LabelError:
    """What to tell where a text is no JSON, is nested too deeply, or has numbers of thousands of digits."""
    if isinstance(error, JSONDecodeError):
        return LabelError(f"{path}: {_fault(error)}; export it again or restore a copy.")
    return LabelError(f"{path}: this JSON is no label file ({error}); export it again.")


def _fault(error: JSONDecodeError) -> str:
    text = error.doc.rstrip()
    if error.pos >= len(text) or text[-1] not in "}]":
        return f"the JSON breaks off at line {text.count(chr(10)) + 1}, the file is empty or cut short"
    return f"invalid JSON at line {error.lineno}, column {error.colno} ({error.msg})"


def walk(text: str, lists: Collection[str]) -> Iterator[tuple[str, Any, bool]]:
    """The keys of a JSON object with their values, in order; of those in `lists` that hold lists, each item instead.

    Gives (key, value, is_item). A list begins with its key and [], so that an empty one is known, too. Raises
    JSONDecodeError as `json.loads` does, RecursionError, and ValueError for numbers of thousands of digits.
    """
    cursor = _Cursor(text)
    cursor.expect("{", "Expecting value")
    if cursor.finds("}"):
        cursor.end()
        return
    while True:
        if cursor.peek() != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", text, cursor.place)
        key = cursor.value()
        cursor.expect(":", "Expecting ':' delimiter")
        if key in lists and cursor.peek() == "[":
            yield key, [], False
            for item in _items(cursor):
                yield key, item, True
        else:
            yield key, cursor.value(), False
        if cursor.finds("}"):
            cursor.end()
            return
        cursor.expect(",", "Expecting ',' delimiter")


def items(text: str) -> Iterator[Any]:
    """The items of a text that is a JSON list. Raises as `walk` does."""
    cursor = _Cursor(text)
    yield from _items(cursor)
    cursor.end()


def _items(cursor: "_Cursor") -> Iterator[Any]:
    """The items of the list that begins here; then the cursor is behind it."""
    cursor.expect("[", "Expecting value")
    if cursor.finds("]"):
        return
    yield from cursor.values()
    cursor.expect("]", "Expecting ',' delimiter")


class _Cursor:
    """A place in a text. Each step skips the space before it."""

    def __init__(self, text: str) -> None:
        self.place = 0
        self._text = text
        self._decode = JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character, "" at the end."""
        match = _SPACE.match(self._text, self.place)
        self.place = match.end() if match else self.place
        return self._text[self.place : self.place + 1]

    def finds(self, character: str) -> bool:
        """Whether the next character is this one; if so, it is passed."""
        found = self.peek() == character
        self.place += found
        return found

    def expect(self, character: str, message: str) -> None:
        """Pass this character, which must be the next one."""
        if not self.finds(character):
            raise JSONDecodeError(message, self._text, self.place)

    def value(self) -> Any:
        """The value that begins here."""
        self.peek()
        value, self.place = self._decode(self._text, self.place)
        return value

    def values(self) -> Iterator[Any]:
        """The values from here on as far as commas part them. Millions, so that a step costs one call of each tool."""
        text, place, decode, comma = self._text, self.place, self._decode, _COMMA.match
        while True:
            value, place = decode(text, place)
            yield value
            if (match := comma(text, place)) is None:
                break
            place = match.end()
        self.place = place

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise JSONDecodeError("Extra data", self._text, self.place)
