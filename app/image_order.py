"""What the list of images is sorted by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from math import nan
from operator import add

from app.image_list import Sorting
from app.tally import Tally


class OrderKind(StrEnum):
    """What an order goes by."""

    NAME = "name"
    DATE = "date"
    BOXES = "boxes"
    BEST = "highest score"
    WORST = "lowest score"
    DOUBT = "doubt"


@dataclass(frozen=True)
class ImageOrder:
    """What goes first: small ones, or else large ones. Images that have no date, score or doubt are last either way."""

    kind: OrderKind = OrderKind.NAME
    descending: bool = False


def sorting(wanted: ImageOrder, tally: Tally, dates: Mapping[int, float]) -> Sorting:
    """The numbers that an order goes by, as they are now; `dates`: of the files, in seconds."""
    match wanted.kind:
        case OrderKind.NAME:
            return Sorting(None, wanted.descending)
        case OrderKind.DATE:
            return Sorting(dates, wanted.descending)
        case OrderKind.BOXES:
            return Sorting(_shown(tally), wanted.descending, otherwise=0)
    scores = {OrderKind.BEST: tally.best_scores, OrderKind.WORST: tally.worst_scores, OrderKind.DOUBT: tally.doubts}
    return Sorting(scores[wanted.kind](), wanted.descending, otherwise=nan)


def _shown(tally: Tally) -> dict[int, float]:
    """Boxes and proposals of the images that have some."""
    ids = list(tally.numbers.keys() | tally.proposals.keys())
    numbers, proposals = map(tally.numbers.get, ids, repeat(0)), map(tally.proposals.get, ids, repeat(0))
    return dict(zip(ids, map(add, numbers, proposals), strict=True))
