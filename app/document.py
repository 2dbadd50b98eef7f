"""The open project as the window sees it: images, the current image's boxes, the selection; and a person's verbs.

Every verb is one transaction of the store and one step of undo. Widgets read the properties and follow the signals.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app import edits
from app.edits import Edit
from app.history import History, Step
from app.image_filter import Accepts, ImageFilter, conditions
from app.image_list import ImageList
from app.image_order import ImageOrder, sorting
from app.limits import keep_thresholds, read_limits, showing
from app.page import Page, ShownBox, read_page
from app.tally import Tally
from detector.data.project.proposals import Limits, ProposalIndex
from detector.data.project.records import Change, Origin, ProjectClass, ProjectImage
from detector.data.project.store import Project
from detector.errors import StudioError

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
        self.listing.add(keys)
        if len(known) > FEW:
            self.listing.filter_anew()
        else:
            self.listing.refilter(image.id for image in known)
        self.images_changed.emit()
        self.visible_changed.emit()
        if any(image.id == self.current for image in known):
            self.image_updated.emit(self.current)
        if self.current is None and self.listing.order:
            wanted = self.opened.settings.get(CURRENT)
            self.show(wanted if isinstance(wanted, int) and wanted in self.images else self.listing.order[0])

    def set_index(self, index: ProposalIndex) -> None:
        """Take the proposals of all images, read in a worker; of those that changed meanwhile they are read anew."""
        changed_meanwhile = self.tally.take_index(index, self.limits)
        self._tell_recount()
        self.reindex(changed_meanwhile)
        self.reread()

    # Where one is

    def show(self, image_id: int) -> None:
        """Make an image the current one."""
        if image_id == self.current or image_id not in self.images:
            return
        before, self.current = self.current, image_id
        self.listing.kept = image_id
        self.selection = frozenset()
        self._load_page()
        for changed in (before, image_id):
            if changed is not None:
                self._refilter([changed])
        self.current_changed.emit()
        self.shown_changed.emit()
        self.selection_changed.emit()

    def set_filter(self, wanted: ImageFilter) -> None:
        """Show other images in the list."""
        if wanted != self.filter:
            self.filter = wanted
            self.listing.filter_anew()
            self.visible_changed.emit()
            self.filter_changed.emit()

    def set_order(self, wanted: ImageOrder, dates: Mapping[int, float] | None = None) -> None:
        """Put the images in an order, as things are now; `dates` of their files, where it goes by these."""
        self.order = wanted
        self.listing.sort(sorting(wanted, self.tally, dates or {}))
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

    def set_limits(self, limits: Limits) -> None:
        """Which predictions are proposals."""
        if limits == self.limits:
            return
        before, self.limits = self.limits, limits
        self.tally.recount(limits)
        self._tell_recount()
        self.reread()
        if self.project and not self.read_only:  # last: the store may refuse
            keep_thresholds(self.project, before, limits)

    # What there is

    @property
    def unseen(self) -> int:
        """Boxes and proposals of the current image whose classes are hidden."""
        return self._page.unseen if self._page else 0

    def class_of(self, class_id: int) -> ProjectClass:
        """The class with an id; also one that has just gone, while boxes of it are on their way out."""
        return self._class_by_id[class_id]

    def has_predictions(self) -> bool:
        """Whether a model has seen the current image."""
        return self._page is not None and self._page.predicted

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

    def do(self, text: str, change: Change) -> None:
        """A step of undo on the current image, or on none where the change is about classes. Raises ProjectError."""
        image_id = self.current if change.boxes or change.images or change.rejections else None
        self.push(Edit(self, showing(self.opened, self.limits, change), text=text, image_id=image_id))

    def push(self, step: Step) -> None:
        """Do it; what the store refuses is no step of undo. Raises ProjectError."""
        self.undo_stack.push(step)

    # What changed

    def switch_pass(self, pass_id: int, active: bool) -> None:
        """Show a pass's predictions, or those from before it (for undo)."""
        project = self.opened
        if any(item.id == pass_id and item.active != active for item in project.passes.all()):
            project.passes.set_active(pass_id, active)
            self.read_classes()
            self._reindex_or_reread(self._seen_by([pass_id]))
            self.reread()

    def read_classes(self) -> None:
        """The store has got other classes (by a change, a pass, an import)."""
        self.classes = self.opened.classes()
        self._class_by_id |= (present := {item.id: item for item in self.classes})
        if self.active_class not in present:
            self.active_class = self.classes[0].id if self.classes else None
            self.active_class_changed.emit()
        self.classes_changed.emit()

    def apply(self, change: Change) -> None:
        """Store a change and show it (for undo)."""
        self.opened.apply(change)
        touched = self.tally.take_change(change)
        if change.classes or change.passes:
            self.read_classes()
        self.read_settings(change)
        self._reindex_or_reread(touched | self._seen_by(edits.passes_touched(change, self.opened.passes.classes)))
        if self.current in touched or change.classes or change.passes:
            self.reread()
        self._refilter(touched)
        if len(touched) > FEW:
            self.images_changed.emit()
            touched &= {self.current}
        for image_id in touched:
            self.image_updated.emit(image_id)

    def read_settings(self, change: Change) -> None:
        """A change of settings may be one of which classes are hidden."""
        if change.settings and (limits := read_limits(self.opened)) != self.limits:
            self.set_limits(limits)
            self.classes_changed.emit()

    def show_anew(self) -> None:
        """Boxes and proposals may be others on any image; the tally knows the boxes already."""
        self.tally.forget_touched()
        self.index_stale.emit()
        self.reread()
        self._refilter(self.images)

    def reread(self) -> None:
        """Read the current image anew and tell, where that changed what is shown."""
        before = self.shown
        self._load_page()
        if self.shown != before:
            self.shown_changed.emit()
        self.set_selection(self.selection)

    def reindex(self, image_ids: Collection[int]) -> None:
        """Work out images' proposals anew, and tell where that changed their number or classes."""
        changed = self.tally.reindex(self.opened, image_ids, self.limits) if image_ids else []
        if changed:
            self.proposals_changed.emit()
            if self.filter.follows_proposals:
                self._refilter(changed)

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
        self.listing = ImageList(self._conditions)
        self._page: Page | None = None

    @property
    def opened(self) -> Project:
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
        return self.listing.visible

    def _conditions(self) -> list[Accepts]:
        """What images must meet to be visible, at the present filter."""
        return conditions(self.filter, self.tally, {item.id: item.name for item in self.classes})

    def _refilter(self, image_ids: Collection[int]) -> None:
        """Look whether these images are visible still, or now."""
        if len(image_ids) > FEW:
            self.listing.filter_anew()
            self.visible_changed.emit()
        elif self.listing.refilter(image_ids):
            self.visible_changed.emit()

    def _seen_by(self, pass_ids: Iterable[int]) -> set[int]:
        """The images that passes have seen."""
        seen = {image_id for pass_id in pass_ids for image_id in self.opened.predictions.seen_by(pass_id)}
        return seen & self.images.keys()

    def _load_page(self) -> None:
        """Read the current image's boxes and work out its proposals."""
        image = None if self.current is None else self.images[self.current]
        self._page = read_page(self.opened, image, self.limits) if image else None
        self.shown = self._page.shown() if self._page else ()

    def _reindex_or_reread(self, image_ids: Collection[int]) -> None:
        """As _reindex; where too many for a moment show proposals, a worker is asked to read all."""
        showing = [image_id for image_id in image_ids if self.images[image_id].is_open]
        if len(showing) > FEW:
            image_ids = set(image_ids).difference(showing)
            self.tally.forget_touched()
            self.index_stale.emit()
        self.reindex(image_ids)

    def _tell_recount(self) -> None:
        """The proposals of all images were counted anew."""
        self.proposals_changed.emit()
        if self.filter.follows_proposals:
            self.listing.filter_anew()
            self.visible_changed.emit()
