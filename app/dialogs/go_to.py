"""Going to an image by its place in the list or by its name."""

from app.dialogs.finder import Found
from app.document import Document
from app.matching import Lines, words_of
from app.theme import icon
from app.verbs import navigation
from app.widgets.row_list import Row

PROMPT = "Number or name of an image"
MOST = 200  # rows


class ImageFinder:
    """Finds among a document's images as they are now, the listed ones first; fast for 100,000."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._ids = list(document.visible)
        self._listed = len(self._ids)
        if self._listed < len(document.images):
            listed = set(self._ids)
            self._ids += [image_id for image_id in navigation.from_current(document) if image_id not in listed]
        images = document.images
        self._lines = Lines([images[image_id].path for image_id in self._ids])

    def find(self, text: str) -> Found:
        """The image with that number in the list, and those whose names hold all the words."""
        words = words_of(text)
        if not words:
            return self._around()
        places = self._lines.find(words, most=MOST + 1)
        number = text.strip().replace(",", "")
        if number.isdecimal() and 1 <= int(number) <= self._listed:
            place = int(number) - 1
            places = [place, *(other for other in places if other != place)]
        remark = "There are more; type on." if len(places) > MOST else ""
        return Found([self._row(place) for place in places[:MOST]], remark or self._nothing(text, places))

    def _around(self) -> Found:
        """Nothing is typed yet: from the current image on."""
        here = navigation.place(self._document)
        return Found([self._row(place) for place in range(here, min(here + MOST, self._listed))])

    def _nothing(self, text: str, places: list[int]) -> str:
        return "" if places else f"No image is called “{text.strip()}”, and there are {self._listed:,} in the list."

    def _row(self, place: int) -> Row:
        image_id = self._ids[place]
        detail = f"{place + 1:,} of {self._listed:,}" if place < self._listed else "hidden by the filter"
        path = self._document.images[image_id].path
        return Row(image_id, path, detail, icon=icon("image"))
