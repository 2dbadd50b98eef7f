"""Small copies of a project's pictures."""

from detector.data.project.cache import Cache
from detector.data.project.stamps import Stamps


class Thumbnails:
    """A JPEG for each picture that somebody has seen. A project that is read only has them as well."""

    def __init__(self, cache: Cache, stamps: Stamps) -> None:
        self._cache, self._stamps = cache, stamps

    def get(self, image_id: int) -> bytes | None:
        """The JPEG that `put` stored, unless the picture's file has changed since."""
        stamp = self._stamps.of_image(image_id)
        return self._cache.thumbnail(image_id, stamp) if stamp else None

    def put(self, image_id: int, data: bytes) -> None:
        """Stores a small JPEG of an image. Raises ProjectError."""
        if stamp := self._stamps.of_image(image_id):
            self._cache.put_thumbnail(image_id, stamp, data)
