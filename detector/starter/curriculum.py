"""What the starter learns, and when."""

from dataclasses import dataclass

from detector.data.workbench.sittings import HARDWARE, OTHERS

PERSON = "person"
LEARNT = (*HARDWARE, *OTHERS, PERSON)  # the channels in training: what a nut is not is worth knowing, too
KEPT = (*HARDWARE, PERSON)  # the classes of the checkpoints


@dataclass(frozen=True)
class Lesson:
    """A part of the course.

    since, until: the shares of the course's time at which it begins and ends. rate: the part of the learning rate's
    cosine that it runs through, 0…1. size: of the square inputs in pixels. closeness: how much larger than in a usual
    picture parts appear, so that small inputs still show them. others: the share of parts that are none of the four
    kept. statistics: whether batch norms learn theirs. photographs: the share of inputs that are photographs of people
    with nothing laid on them; of the rest half are laid on such photographs, and half on generated benches.
    """

    since: float
    until: float
    rate: tuple[float, float]
    size: int
    closeness: float
    others: float
    statistics: bool = True
    photographs: float = 0.25


LESSONS = (
    Lesson(since=0.0, until=0.45, rate=(0.0, 0.45), size=256, closeness=1.6, others=0.5),
    Lesson(since=0.45, until=0.8, rate=(0.45, 0.8), size=256, closeness=1.6, others=0.2),
    # Top levels that only ever saw maps of one pixel would fail at full size. They hardly learn it at the rates of the
    # end of the cosine, so that it begins anew in its middle. Statistics are fixed, as inference has them: a picture
    # unlike all others may look harmless among the rest of a batch, and alone make some maps a hundred times too large.
    Lesson(since=0.8, until=1.0, rate=(0.5, 1.0), size=512, closeness=1.1, others=0.2, statistics=False),
)


def lesson_at(share: float) -> Lesson:
    """The lesson of a moment of the course, 0…1."""
    return next((lesson for lesson in LESSONS if share < lesson.until), LESSONS[-1])
