"""What a fine-tuning of a project would learn from, in numbers and in words; or why there is nothing to learn."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.background.training_pace import Estimate
from app.wording import count, duration
from detector.data.project.records import ProjectClass, ProjectImage, State
from detector.data.split import Side
from detector.training.options import FineTuneOptions, Freeze

REVIEW = "Review some first: Space vouches for what is shown"


@dataclass(frozen=True)
class FineTunePlan:
    """Images that train, that validate, and that are left out because they are started, unlabelled or ignored.

    undivided: reviewed images without a side; they get one as the run starts. boxes, empty: boxes of the training
    images, and how many of these images have none. validation_boxes: boxes to be found again. classes: names of those
    that have boxes to learn from.
    """

    train: int = 0
    validate: int = 0
    undivided: int = 0
    started: int = 0
    unlabelled: int = 0
    ignored: int = 0
    boxes: int = 0
    empty: int = 0
    validation_boxes: int = 0
    classes: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """Why it cannot start and what to do; "" where it can."""
        if not self.train + self.validate + self.undivided:
            return f"No image is reviewed yet. {REVIEW}."
        if not self.boxes:
            return "The reviewed images that train have no boxes, so there is nothing to learn: review some with boxes."
        if not self.validate + self.undivided:
            return "All reviewed images train, so nothing could be measured: review at least one more image with boxes."
        if not self.validation_boxes and not self.undivided:
            return (
                "The images that validate have no boxes, so nothing could be measured: review more images with boxes."
            )
        return ""

    def summary(self) -> str:
        """Which images train, validate, and are left out, and why."""
        train, validate = self.train, self.validate
        parts = []
        if train + validate + self.undivided:
            parts.append(f"{count(train, 'reviewed image')} train{'s' * (train == 1)}")
            parts.append(f"{validate:,} validate{'s' * (validate == 1)}")
        if self.undivided:
            parts.append(f"{self.undivided:,} more {_are(self.undivided)} shared out as it starts")
        reasons = (
            (self.started, f"{count(self.started, 'started image')} {_are(self.started)} not reviewed"),
            (self.unlabelled, f"{self.unlabelled:,} {_are(self.unlabelled)} unlabelled"),
            (self.ignored, f"{self.ignored:,} {_are(self.ignored)} ignored"),
        )
        if left_out := self.started + self.unlabelled + self.ignored:
            why = ", ".join(text for number, text in reasons if number)
            images = f"{left_out:,}" if parts else count(left_out, "image")
            parts.append(f"{images} {_are(left_out)} left out: {why}")
        return f"{', '.join(parts)}." if parts else ""

    def content(self) -> str:
        """What there is to learn, and what the new model will know."""
        if not self.classes:
            return ""
        empty = f" {count(self.empty, 'image')} without boxes count as empty." if self.empty else ""
        only = "it" if len(self.classes) == 1 else "these"
        return (
            f"They hold {count(self.boxes, 'box', 'boxes')} of {count(len(self.classes), 'class', 'classes')}: "
            f"{', '.join(self.classes)}. The new model will know {only} and nothing else.{empty}"
        )


def plan(
    images: Iterable[ProjectImage], boxes: Mapping[int, Mapping[int, int]], classes: Sequence[ProjectClass]
) -> FineTunePlan:
    """The plan for a project: `boxes` are numbers by image id and class id."""
    numbers: Counter[str] = Counter()
    learnt: Counter[int] = Counter()
    for image in images:
        of_image = boxes.get(image.id, {})
        if image.ignored:
            numbers["ignored"] += 1
        elif image.state is not State.REVIEWED:
            numbers["started" if image.state is State.STARTED else "unlabelled"] += 1
        elif image.split is Side.VAL:
            numbers["validate"] += 1
            numbers["validation_boxes"] += sum(of_image.values())
        else:
            numbers["undivided" if image.split is None else "train"] += 1
            numbers["empty"] += not sum(of_image.values())
            learnt.update(of_image)
    names = tuple(item.name for item in classes if learnt[item.id] > 0)
    return FineTunePlan(**numbers, boxes=learnt.total(), classes=names)


@dataclass(frozen=True)
class Place:
    """What a run would learn on: a variant's name, "" where that is not known, at an image size in px, on the CPU or so
    many GPUs.
    """

    variant: str = ""
    image_size: int | None = None
    gpus: int = 0

    @property
    def device(self) -> str:
        """In words."""
        return f"{self.gpus} GPUs" if self.gpus > 1 else "this GPU" if self.gpus else "this CPU"

    @property
    def network(self) -> str:
        """In words."""
        return self.variant.upper() if self.variant else "the network"


@dataclass(frozen=True)
class RecipeWords:
    """A way to fine-tune: its name with how long it takes, and what it does."""

    title: str
    detail: str


def quick_words(minutes: int, place: Place) -> RecipeWords:
    """What quick mode would be."""
    detail = (
        f"The first layers of {place.network} stay as they are, the rest learns{_at(place)}. Measuring is included."
    )
    if not place.gpus:
        detail += " This is made for computers without a GPU."
    return RecipeWords(f"Quick: {minutes} min on {place.device}", detail)


def full_words(plan: FineTunePlan, options: FineTuneOptions, expected: Estimate | None, place: Place) -> RecipeWords:
    """What a training of all layers would be, and how long it takes as far as that can be said."""
    what = "All but the backbone of" if options.freeze is Freeze.BACKBONE else "Every layer of"
    learns = f"{what} {place.network} learns{_at(place)}"
    whole = replace(options, batch=options.batch * max(1, place.gpus))
    steps = whole.total_steps(plan.train + plan.undivided)
    if steps is None:
        return RecipeWords(f"Full: {options.minutes or 0:g} min on {place.device}", f"{learns}. Measuring is included.")
    told = f"{learns}: {count(steps, 'step')} of {count(whole.batch, 'image')}"
    if expected is None:
        return RecipeWords(
            f"Full, on {place.device}", f"{told}. How long that takes, the first run at this size will tell."
        )
    time = roughly(steps * whole.batch * expected.seconds_per_image)
    return RecipeWords(
        f"Full: about {time} on {place.device}", f"{told}, and some time for measuring; {expected.basis}."
    )


def roughly(seconds: float) -> str:
    """A time that is only guessed, in whole minutes: "1 min", "2 h 5 min"."""
    return duration(max(60.0, 60.0 * round(seconds / 60))).removesuffix(" 0 s")


def _at(place: Place) -> str:
    return f" at {place.image_size} px" if place.image_size else ""


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
