"""Which class of a data set each output channel of a model stands for, told by the names."""

from collections import Counter
from collections.abc import Mapping, Sequence

from detector.data.annotations import ObjectClass


def match(names: Sequence[str | None], classes: Sequence[ObjectClass]) -> dict[int, int]:
    """Model channel → class id, where the names are the same, or else the same but for case and spacing.

    `names` has one name a channel, None for a channel that stands for nothing. A name that several channels or several
    classes share matches nothing: a guess would put wrong labels on pictures.
    """
    matched: dict[int, int] = {}
    for spelling in (str, _plain):
        channels = {c: spelling(name) for c, name in enumerate(names) if name is not None and c not in matched}
        ids = {item.id: spelling(item.name) for item in classes if item.id not in matched.values()}
        channel_of, id_of = _owners(channels), _owners(ids)
        matched |= {channel: id_of[name] for name, channel in channel_of.items() if name in id_of}
    return matched


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _owners(names: Mapping[int, str]) -> dict[str, int]:
    """Name → its owner, for names that only one has."""
    uses = Counter(names.values())
    return {name: owner for owner, name in names.items() if uses[name] == 1}
