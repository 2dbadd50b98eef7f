"""What a press of the mouse begins on the canvas: each gesture is an object that ends in one verb of the document."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from math import hypot
from typing import Protocol

import numpy as np

from app import theme
from app.canvas.box_layer import BoxLayer, Draft
from app.canvas.geometry import Box, Boxes, Handle, Size, drawn, moved, next_in_stack, resized, stretched
from app.document import Document
from app.verbs import box_verbs

SLOP = 4.0  # screen px that the pointer may slip during a click


class Tool(Enum):
    """What the left button does on the canvas."""

    SELECT = "select"
    DRAW = "draw"


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is: in the image's and in the screen's pixels, `scale` of these to each of those."""

    at: tuple[float, float]
    screen: tuple[float, float]
    scale: float

    def is_near(self, other: "Pointer") -> bool:
        """Whether the mouse has hardly moved between two moments."""
        return hypot(self.at[0] - other.at[0], self.at[1] - other.at[1]) * self.scale < SLOP

    def since(self, other: "Pointer") -> tuple[float, float]:
        """The way from another place, in image pixels."""
        return self.at[0] - other.at[0], self.at[1] - other.at[1]


class Gesture(Protocol):
    """From a press of the mouse to its release, or to a second click. `cancelled` takes back what it shows."""

    def moved(self, pointer: Pointer) -> None:
        """The mouse moved, with or without a button down."""

    def released(self, pointer: Pointer) -> bool:
        """The button came up; whether the gesture is over."""
        ...

    def cancelled(self) -> None:
        """It ends without a change."""

    def is_valid(self) -> bool:
        """Whether the boxes that it holds are still where it found them."""
        ...


class Draw:
    """A new box, by a drag or by two clicks; `done` takes its rectangle, in image pixels."""

    def __init__(
        self,
        layer: BoxLayer,
        start: Pointer,
        *,
        size: Size,
        colour: str,
        done: Callable[[Box], None],
    ) -> None:
        self._layer, self._start, self._size, self._colour, self._done = layer, start, size, colour, done

    def moved(self, pointer: Pointer) -> None:
        """Stretch the rectangle."""
        box = drawn(self._start.at, pointer.at, self._size)
        self._layer.draft = None if box is None else Draft(box, self._colour, measured=True)

    def released(self, pointer: Pointer) -> bool:
        """The end, unless it was only the first click."""
        if pointer.is_near(self._start):
            return False
        self.cancelled()
        box = drawn(self._start.at, pointer.at, self._size)
        if box is not None:
            self._done(box)
        return True

    def cancelled(self) -> None:
        """No box."""
        self._layer.draft = None

    def is_valid(self) -> bool:
        """It holds no box."""
        return True


class _Reshape:
    """What moving and resizing share: boxes that the layer shows elsewhere until the document has them there."""

    def __init__(self, document: Document, layer: BoxLayer, keys: Iterable[int]) -> None:
        self._document, self._layer = document, layer
        self._before = {key: xyxy for key in keys if (xyxy := layer.rectangle(key))}

    def shift(self, by: tuple[float, float], size: Size) -> None:
        """Show the boxes that far from where they were, in image pixels."""
        self._show(moved(self._boxes(), by, size))

    def stretch(self, by: tuple[float, float], size: Size, *, far: bool) -> None:
        """Show the boxes with their right and lower sides (`far`), or left and upper ones, that far from there."""
        self._show(stretched(self._boxes(), by, size, far=far))
        self._layer.measured = True

    def _boxes(self) -> Boxes:
        return np.array(list(self._before.values()), float)

    def _show(self, boxes: Boxes) -> None:
        rows = boxes.tolist()
        self._layer.live = {key: tuple(row) for key, row in zip(self._before, rows, strict=True)}

    def cancelled(self) -> None:
        """The boxes jump back."""
        self._layer.live, self._layer.measured = {}, False

    def is_valid(self) -> bool:
        """Whether the document has these boxes where they were."""
        return all(self._layer.rectangle(key) == xyxy for key, xyxy in self._before.items())

    def finish(self) -> None:
        """Have the document take the boxes where they are shown."""
        rectangles, self._layer.live, self._layer.measured = self._layer.live, {}, False
        if rectangles:
            box_verbs.reshape(self._document, rectangles)


class Move(_Reshape):
    """Boxes moved together. A release on the spot is a click, which selects `clicked` where there is such a key."""

    def __init__(
        self,
        document: Document,
        layer: BoxLayer,
        start: Pointer,
        *,
        size: Size,
        keys: Collection[int],
        clicked: int | None,
    ) -> None:
        super().__init__(document, layer, keys)
        self._start, self._size, self._clicked = start, size, clicked
        self._is_drag = False

    def moved(self, pointer: Pointer) -> None:
        """Show the boxes where the mouse takes them."""
        self._is_drag = self._is_drag or not pointer.is_near(self._start)
        if self._is_drag:
            self.shift(pointer.since(self._start), self._size)

    def released(self, pointer: Pointer) -> bool:
        """Move them in the document."""
        self.moved(pointer)
        if not self._is_drag and self._clicked is not None:
            self._document.set_selection([self._clicked])
        self.finish()
        return True


class Part(Enum):
    """What of a box the arrow keys move."""

    ALL = "all"
    LOW = "left and upper sides"
    FAR = "right and lower sides"


class Nudge(_Reshape):
    """The selected boxes, or their sides, moved by keys; however often one repeats, that is one verb. The mouse has no
    part in it.
    """

    def __init__(self, document: Document, layer: BoxLayer, *, size: Size, part: Part) -> None:
        super().__init__(document, layer, document.selection)
        self.part = part
        self._size, self._by = size, (0.0, 0.0)

    def go(self, dx: float, dy: float) -> None:
        """Show the boxes so many image pixels further on."""
        self._by = self._by[0] + dx, self._by[1] + dy
        if self.part is Part.ALL:
            self.shift(self._by, self._size)
        else:
            self.stretch(self._by, self._size, far=self.part is Part.FAR)

    def moved(self, pointer: Pointer) -> None:
        """Nothing."""

    def released(self, pointer: Pointer) -> bool:
        """Move them in the document."""
        self.finish()
        return True


class Resize(_Reshape):
    """One box pulled at a handle."""

    def __init__(
        self,
        document: Document,
        layer: BoxLayer,
        start: Pointer,
        *,
        size: Size,
        key: int,
        handle: Handle,
    ) -> None:
        super().__init__(document, layer, [key])
        self._start, self._size, self._key, self._handle = start, size, key, handle

    def moved(self, pointer: Pointer) -> None:
        """Show the box as large as the mouse makes it."""
        if self._layer.live or not pointer.is_near(self._start):
            box = resized(self._before[self._key], self._handle, by=pointer.since(self._start), size=self._size)
            self._layer.live, self._layer.measured = {self._key: box}, True

    def released(self, pointer: Pointer) -> bool:
        """Resize it in the document."""
        self.moved(pointer)
        self.finish()
        return True


class Band:
    """Selects what a rubber band touches, in addition to what is to be kept."""

    def __init__(self, document: Document, layer: BoxLayer, start: Pointer, *, keep: frozenset[int]) -> None:
        self._document, self._layer, self._start, self._keep = document, layer, start, keep

    def moved(self, pointer: Pointer) -> None:
        """Show the band and what it would select."""
        (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(self._start.at, pointer.at, strict=True))
        self._layer.draft = Draft((x1, y1, x2, y2), theme.current().accent, measured=False)
        self._layer.preview = self._keep | self._layer.touching((x1, y1, x2, y2))

    def released(self, pointer: Pointer) -> bool:
        """Select it."""
        if pointer.is_near(self._start):
            wanted = self._keep
        else:
            self.moved(pointer)
            wanted = self._layer.preview or frozenset()
        self.cancelled()
        self._document.set_selection(wanted)
        return True

    def cancelled(self) -> None:
        """The selection stays."""
        self._layer.draft, self._layer.preview = None, None

    def is_valid(self) -> bool:
        """It looks at the boxes at its end."""
        return True


def selection_at(stack: list[int], selection: frozenset[int], *, again: bool) -> tuple[frozenset[int], int | None]:
    """What a press on a stack of boxes (keys, smallest first) selects at once, and what its release on the spot does.

    A new place selects the smallest box. The same place again waits for the release, for the press may begin a drag
    of the box that is selected; as a click it goes on to the next box of the stack. A press on several selected boxes
    may begin a drag of them all.
    """
    if again and selection & set(stack):
        return selection, next_in_stack(stack, selection) if len(stack) > 1 or len(selection) > 1 else None
    if len(selection) > 1 and stack[0] in selection:
        return selection, stack[0]
    return frozenset(stack[:1]), None
