"""The open project as the window sees it: images, the current image's boxes, the selection; and a person's verbs.

Every verb is one transaction of the store and one step of undo. Widgets read the properties and follow the signals.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app import edits
from app.edits import Edit, PassEdit, Rectangle
from app.history import History, Step
from app.image_filter import Accepts, FilterKind, ImageFilter, conditions, counts
from app.image_list import ImageList
from app.image_order import ImageOrder, sorting
from app.limits import keep_thresholds, read_limits, showing
from app.page import Page, ShownBox, read_page
from app.tally import Tally
from detector.data.project.proposals import Limits, ProposalIndex
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage
from detector.data.project.store import Project
from detector.errors import ProjectError, StudioError

FEW = 64  # images whose proposals are worked out at once, in some 20 ms
CURRENT = "current-image"  # setting of the project


class Document(QObject):
    """An open project, or none. All in the window's thread."""

    project_changed = Signal()
    project_closing = Signal()  # it is open still
    images_changed = Signal()  # rows came, or many have changed
    image_updated = Signal(int)  # one image's state or counts
    visible_changed = Signal()
    filter_changed = Signal()  # or the order
    current_changed = Signal()
    shown_changed = Signal()
    selection_changed = Signal()
    classes_changed = Signal()
    active_class_changed = Signal()
    proposals_changed = Signal()  # counts over all images
    index_stale = Signal()  # the proposals of many images have changed: `set_index` is due
    regroup_wanted = Signal(object, bool)  # a step over very many boxes, and whether to take it back: work for a worker
    long_edit_wanted = Signal(object, bool)  # a step over very many images, and whether to take it back: the same
    refused = Signal(str)  # why a verb did nothing

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = History(self)
        self._clear(None)

    # The project

    @property
    def read_only(self) -> bool:
        """Whether verbs are refused."""
        return self.project is None or self.project.read_only is not None or bool(self.busy)

    def attach(self, project: Project) -> None:
        """Show a project, which this now owns; its images come by add_images."""
        self.detach()
        self._clear(project)
        self.limits = read_limits(project)
        self.project_changed.emit()
        self.read_classes()

    def detach(self) -> None:
        """Close the project."""
        if self.project is None:
            return
        self.project_closing.emit()
        self.project.close()
        self._clear(None)
        self.undo_stack.clear()
        self.project_changed.emit()

    def add_images(
        self,
        images: Sequence[ProjectImage],
        *,
        keys: Mapping[int, str],
        counts: Mapping[int, Mapping[int, int]],
        origins: Mapping[Origin, Mapping[int, int]] | None = None,
    ) -> None:
        """Take in images, the natural key of each path, and their number of boxes by image and class, and by origin.

        Of those that are here already only path and file are taken: the rest may have changed since it was read.
        """
        known = [image for image in images if image.id in self.images]
        for image in images:
            before = self.images.get(image.id)
            self.tally.take_image(replace(before, path=image.path, missing=image.missing) if before else image)
        self.tally.take_boxes(counts, origins)
        self._list.add(keys)
        if len(known) > FEW:
            self._list.filter_anew()
        else:
            self._list.refilter(image.id for image in known)
        self.images_changed.emit()
        self.visible_changed.emit()
        if any(image.id == self.current for image in known):
            self.image_updated.emit(self.current)
        if self.current is None and self._list.order:
            wanted = self._project.settings.get(CURRENT)
            self.show(wanted if isinstance(wanted, int) and wanted in self.images else self._list.order[0])

    def set_index(self, index: ProposalIndex) -> None:
        """Take the proposals of all images, read in a worker; of those that changed meanwhile they are read anew."""
        changed_meanwhile = self.tally.take_index(index, self.limits)
        self._tell_recount()
        self._reindex(changed_meanwhile)
        self._show_boxes()

    # Where one is

    def show(self, image_id: int) -> None:
        """Make an image the current one."""
        if image_id == self.current or image_id not in self.images:
            return
        before, self.current = self.current, image_id
        self._list.kept = image_id
        self.selection = frozenset()
        self._load_page()
        for changed in (before, image_id):
            if changed is not None:
                self._refilter([changed])
        self.current_changed.emit()
        self.shown_changed.emit()
        self.selection_changed.emit()

    def step(self, by: int) -> None:
        """Go on by so many images of the list, and no further than its ends."""
        if self.current is None or not self.visible:
            return
        place = self._list.place(self.current)
        self.show(self.visible[min(max(place + by, 0), len(self.visible) - 1)])

    @property
    def place(self) -> int:
        """Where the current image is in the list, from 0."""
        return 0 if self.current is None else self._list.place(self.current)

    def neighbours(self, *, after: int, before: int) -> list[int]:
        """The images around the current one in the list, the next one first."""
        if self.current is None:
            return []
        place = self._list.place(self.current)
        return [*self.visible[place + 1 : place + 1 + after], *reversed(self.visible[max(place - before, 0) : place])]

    def from_current(self) -> list[int]:
        """All images, from the current one on and round."""
        return [] if self.current is None else self._list.all_from(self.current)

    def image_before(self) -> int | None:
        """The image before the current one in the order of all, whether the filter shows it or not."""
        return None if self.current is None else self._list.before(self.current)

    def show_next_to_review(self) -> None:
        """Go to the next image that needs a look: one with proposals, else one that nobody has vouched for."""
        target = self.next_to_review()
        if target is None:
            self.refused.emit("Every image is reviewed.")
        else:
            self.show(target)

    def next_to_review(self) -> int | None:
        """From the current image on and round: one with proposals, else one that is not reviewed."""
        if self.current is None:
            return None
        unseen = None
        for image_id in self._list.onwards(self.current):
            image = self.images[image_id]
            if image.missing or not image.is_open:
                continue
            if self.proposal_count(image_id):
                return image_id
            unseen = image_id if unseen is None else unseen
        return unseen

    def set_filter(self, wanted: ImageFilter) -> None:
        """Show other images in the list."""
        if wanted != self.filter:
            self.filter = wanted
            self._list.filter_anew()
            self.visible_changed.emit()
            self.filter_changed.emit()

    def set_order(self, wanted: ImageOrder, dates: Mapping[int, float] | None = None) -> None:
        """Put the images in an order, as things are now; `dates` of their files, where it goes by these."""
        self.order = wanted
        self._list.sort(sorting(wanted, self.tally, dates or {}))
        self.visible_changed.emit()
        self.filter_changed.emit()

    def set_selection(self, keys: Iterable[int]) -> None:
        """Select boxes and proposals of the current image."""
        wanted = frozenset(keys) & {box.key for box in self.shown}
        if wanted != self.selection:
            self.selection = wanted
            self.selection_changed.emit()

    def set_active_class(self, class_id: int | None) -> None:
        """The class of the next box."""
        if class_id != self.active_class:
            self.active_class = class_id
            self.active_class_changed.emit()

    def set_threshold(self, threshold: float | None) -> None:
        """From which score on predictions are proposals, where their class has no limit of its own; None: from the
        model's own, class by class.
        """
        self.set_limits(replace(self.limits, overall=threshold))

    def set_limits(self, limits: Limits) -> None:
        """Which predictions are proposals."""
        if limits == self.limits:
            return
        before, self.limits = self.limits, limits
        self.tally.recount(limits)
        self._tell_recount()
        self._show_boxes()
        if self.project and not self.read_only:  # last: the store may refuse
            keep_thresholds(self.project, before, limits)

    # What there is

    @property
    def threshold(self) -> float | None:
        """The score for all classes that have no limit of their own, None: the model's."""
        return self.limits.overall

    @property
    def unseen(self) -> int:
        """Boxes and proposals of the current image whose classes are hidden."""
        return self._page.unseen if self._page else 0

    def proposals_by_class(self) -> dict[int, int]:
        """Proposals by class in all images, with 0 for classes that would have some at lower limits."""
        return self.tally.proposals_by_class(self.limits)

    def class_of(self, class_id: int) -> ProjectClass:
        """The class with an id; also one that has just gone, while boxes of it are on their way out."""
        return self._class_by_id[class_id]

    def box_count(self, image_id: int) -> int:
        """Boxes of an image, without proposals."""
        return self.tally.numbers.get(image_id, 0)

    def proposal_count(self, image_id: int) -> int:
        """Proposals of an image at the present threshold."""
        return self.tally.proposals.get(image_id, 0)

    def box_counts(self) -> Mapping[int, Mapping[int, int]]:
        """Boxes by image and class."""
        return self.tally.boxes

    def class_counts(self) -> dict[int, int]:
        """Boxes by class, in all images."""
        return dict(+self.tally.classes)

    def filter_counts(self) -> dict[FilterKind, int]:
        """How many images each kind of filter has."""
        return counts(self.tally)

    def is_listed(self, image_id: int) -> bool:
        """Whether the filter lets an image through; the current one is visible even if not."""
        return self._list.accepts(image_id)

    def proposal_total(self) -> tuple[int, int]:
        """Proposals, and the images that have some."""
        return self.tally.offered, len(self.tally.proposals)

    def has_predictions(self) -> bool:
        """Whether a model has seen the current image."""
        return self._page is not None and self._page.predicted

    # Verbs

    def draw(self, xyxy: Rectangle) -> int | None:
        """A new box of the active class; its key."""
        page = self.page_to_edit()
        if page is None:
            return None
        if self.active_class is None:
            self.refused.emit("A box needs a class: add one in the Classes panel first.")
            return None
        x1, y1, x2, y2 = edits.clamped(xyxy, page.image)
        if x1 >= x2 or y1 >= y2:
            return None
        box = ProjectBox(
            id=self.new_id(),
            image_id=page.image.id,
            class_id=self.active_class,
            xyxy=(x1, y1, x2, y2),
            origin=Origin.DRAWN,
        )
        self.do("Draw box", edits.add(page, [box]))
        self.set_selection([box.id])
        return box.id

    def reshape(self, rectangles: Mapping[int, Rectangle]) -> dict[int, int]:
        """Move and resize; old keys → new ones, for a changed proposal becomes a box."""
        page = self.page_to_edit()
        if page is None:
            return {}
        cut = {key: edits.clamped(xyxy, page.image) for key, xyxy in rectangles.items() if key in page}
        kept = {key: r for key, r in cut.items() if r[0] < r[2] and r[1] < r[3] and r != page.rectangle(key)}
        return self.do_keyed("Move box", *edits.reshape(page, kept, self.new_id)) if kept else {}

    def relabel(self, keys: Iterable[int], class_id: int) -> dict[int, int]:
        """Give boxes and proposals another class, which is then the active one."""
        page = self.page_to_edit()
        if page is None:
            return {}
        self.set_active_class(class_id)
        change = [key for key in keys if key in page]
        if not change:
            return {}
        change_keys = edits.relabel(page, change, class_id=class_id, new_id=self.new_id)
        return self.do_keyed("Change class", *change_keys)

    def accept(self, keys: Iterable[int]) -> dict[int, int]:
        """Vouch for proposals as they are."""
        page = self.page_to_edit()
        chosen = [key for key in keys if page and key in page.proposals]
        if page is None or not chosen:
            return {}
        return self.do_keyed("Accept", *edits.accept(page, chosen, self.new_id))

    def delete(self, keys: Iterable[int]) -> None:
        """Delete boxes, reject proposals."""
        page = self.page_to_edit()
        chosen = [key for key in keys if page and key in page]
        if page is not None and chosen:
            text = "Delete box" if any(key > 0 for key in chosen) else "Reject"
            self.do(text, edits.delete(page, chosen, self.new_id))

    def undo(self) -> None:
        """Take the last verb back, on the image that it was on."""
        if self._goes_to_step(self.undo_stack.index() - 1):
            self.undo_stack.undo()

    def redo(self) -> None:
        """Do what was taken back once more."""
        if self._goes_to_step(self.undo_stack.index()):
            self.undo_stack.redo()

    # What verbs are made of; those of one subject have a module of their own, which takes the document

    def refuse_editing(self) -> bool:
        """Whether nothing may be changed; if so, the person is told why."""
        if self.project is None:
            self.refused.emit("No folder is open; open one first.")
            return True
        if reason := self.project.read_only or self.busy:
            self.refused.emit(reason)
        return bool(reason)

    def page_to_edit(self) -> Page | None:
        """The current image with its boxes; None, which the person is told, where nothing may be changed."""
        return None if self._page is None or self.refuse_editing() else self._page

    def new_id(self) -> int:
        """An id for a box, class or rejection, never given twice."""
        return self._project.new_id()

    def do(self, text: str, change: Change) -> None:
        """A step of undo on the current image, or on none where the change is about classes. Raises ProjectError."""
        image_id = self.current if change.boxes or change.images or change.rejections else None
        self.push(Edit(self, showing(self._project, self.limits, change), text=text, image_id=image_id))

    def push(self, step: Step) -> None:
        """Do it; what the store refuses is no step of undo. Raises ProjectError."""
        self.undo_stack.push(step)

    def do_keyed(self, text: str, change: Change, keys: dict[int, int]) -> dict[int, int]:
        """As do; the selection follows the boxes to their new keys."""
        wanted = {keys.get(key, key) for key in self.selection}
        self.do(text, change)
        self.set_selection(wanted)
        return keys

    # Workers' news

    def note_decoded(self, image_id: int, *, width: int, height: int, key: str) -> None:
        """An image was decoded for the first time: its size as displayed, and the hash of its content."""
        image = self.images.get(image_id)
        if image is not None and (image.width, image.height) != (width, height):
            self.tally.take_image(replace(image, width=width, height=height))
            if not self.read_only:
                with suppress(ProjectError):  # found out again the next time
                    self._project.note_decoded(image_id, width=width, height=height, key=key)
            if image_id == self.current:
                self._show_boxes()

    def note_labelled(self, image_ids: Iterable[int]) -> None:
        """A worker has stored predictions for these images."""
        touched = [image_id for image_id in image_ids if image_id in self.images]
        self._reindex(touched)
        if self.current in touched:
            self._show_boxes()

    def end_pass(self, pass_id: int, name: str) -> None:
        """A pass is over: from now on it can be undone. It changed no box, so edits that were undone stay redoable."""
        self.undo_stack.insert(PassEdit(self, pass_id, text=f"Auto-label with {name}"))

    def switch_pass(self, pass_id: int, active: bool) -> None:
        """Show a pass's predictions, or those from before it (for undo)."""
        project = self._project
        if any(item.id == pass_id and item.active != active for item in project.passes.all()):
            project.passes.set_active(pass_id, active)
            self.read_classes()
            self._reindex_or_reread(self._seen_by([pass_id]))
            self._show_boxes()

    def read_classes(self) -> None:
        """The store has got other classes (by a change, a pass, an import)."""
        self.classes = self._project.classes()
        self._class_by_id |= (present := {item.id: item for item in self.classes})
        if self.active_class not in present:
            self.active_class = self.classes[0].id if self.classes else None
            self.active_class_changed.emit()
        self.classes_changed.emit()

    def apply(self, change: Change) -> None:
        """Store a change and show it (for undo)."""
        self._project.apply(change)
        touched = self.tally.take_change(change)
        if change.classes or change.passes:
            self.read_classes()
        self.read_settings(change)
        self._reindex_or_reread(touched | self._seen_by(edits.passes_touched(change, self._project.passes.classes)))
        if self.current in touched or change.classes or change.passes:
            self._show_boxes()
        self._refilter(touched)
        if len(touched) > FEW:
            self.images_changed.emit()
            touched &= {self.current}
        for image_id in touched:
            self.image_updated.emit(image_id)

    def read_settings(self, change: Change) -> None:
        """A change of settings may be one of which classes are hidden."""
        if change.settings and (limits := read_limits(self._project)) != self.limits:
            self.set_limits(limits)
            self.classes_changed.emit()

    def show_anew(self) -> None:
        """Boxes and proposals may be others on any image; the tally knows the boxes already."""
        self.tally.forget_touched()
        self.index_stale.emit()
        self._show_boxes()
        self._refilter(self.images)

    # Within

    def _clear(self, project: Project | None) -> None:
        self.project = project
        self.tally = Tally()
        self.filter, self.order = ImageFilter(), ImageOrder()
        self.current: int | None = None
        self.shown: tuple[ShownBox, ...] = ()
        self.selection: frozenset[int] = frozenset()
        self.classes: tuple[ProjectClass, ...] = ()
        self.active_class: int | None = None
        self.limits = Limits()
        self.busy = ""  # why nothing may be changed for a moment
        self._class_by_id: dict[int, ProjectClass] = {}
        self._list = ImageList(self._conditions)
        self._page: Page | None = None

    @property
    def _project(self) -> Project:
        if self.project is None:
            raise StudioError("No folder is open; open one first.")
        return self.project

    @property
    def images(self) -> Mapping[int, ProjectImage]:
        """The images by id."""
        return self.tally.images

    @property
    def visible(self) -> list[int]:
        """Ids of the images that the filter lets through, in order; the current one stays as long as it is current."""
        return self._list.visible

    def _conditions(self) -> list[Accepts]:
        """What images must meet to be visible, at the present filter."""
        return conditions(self.filter, self.tally, {item.id: item.name for item in self.classes})

    def _refilter(self, image_ids: Collection[int]) -> None:
        """Look whether these images are visible still, or now."""
        if len(image_ids) > FEW:
            self._list.filter_anew()
            self.visible_changed.emit()
        elif self._list.refilter(image_ids):
            self.visible_changed.emit()

    def _seen_by(self, pass_ids: Iterable[int]) -> set[int]:
        """The images that passes have seen."""
        seen = {image_id for pass_id in pass_ids for image_id in self._project.predictions.seen_by(pass_id)}
        return seen & self.images.keys()

    def _goes_to_step(self, place: int) -> bool:
        """Whether there is a step at a place of the stack, and it may be moved now; then its image is shown."""
        if self.busy:
            self.refused.emit(self.busy)
            return False
        step = self.undo_stack.command(place)
        if step is not None and step.image_id is not None:
            self.show(step.image_id)
        return step is not None

    def _load_page(self) -> None:
        """Read the current image's boxes and work out its proposals."""
        image = None if self.current is None else self.images[self.current]
        self._page = read_page(self._project, image, self.limits) if image else None
        self.shown = self._page.shown() if self._page else ()

    def _show_boxes(self) -> None:
        """Read the current image anew and tell, where that changed what is shown."""
        before = self.shown
        self._load_page()
        if self.shown != before:
            self.shown_changed.emit()
        self.set_selection(self.selection)

    def _reindex(self, image_ids: Collection[int]) -> None:
        """Work out images' proposals anew, and tell where that changed their number or classes."""
        changed = self.tally.reindex(self._project, image_ids, self.limits) if image_ids else []
        if changed:
            self.proposals_changed.emit()
            if self.filter.follows_proposals:
                self._refilter(changed)

    def _reindex_or_reread(self, image_ids: Collection[int]) -> None:
        """As _reindex; where too many for a moment show proposals, a worker is asked to read all."""
        showing = [image_id for image_id in image_ids if self.images[image_id].is_open]
        if len(showing) > FEW:
            image_ids = set(image_ids).difference(showing)
            self.tally.forget_touched()
            self.index_stale.emit()
        self._reindex(image_ids)

    def _tell_recount(self) -> None:
        """The proposals of all images were counted anew."""
        self.proposals_changed.emit()
        if self.filter.follows_proposals:
            self._list.filter_anew()
            self.visible_changed.emit()
