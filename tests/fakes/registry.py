"""A registry of images: what the tags mean now, and what digests have meant ever since."""

import hashlib
from collections import Counter


class Registry:
    """Bytes have a label for people: `shop:v1`, and `shop:v1 (2)` once that was pushed again."""

    def __init__(self) -> None:
        self._pushes: Counter[str] = Counter()
        self._labels: dict[str, str] = {}

    def push(self, image: str) -> str:
        """Somebody pushes other bytes under the same tag; what they are called."""
        self._pushes[image] += 1
        return self.label(image)

    def label(self, image: str) -> str:
        """Of what a task would run that is started with this image now."""
        if "@" in image:
            digest = image.partition("@")[2]
            return self._labels.get(digest, image)
        again = self._pushes[image]
        return f"{image} ({again + 1})" if again else image

    def digest(self, label: str) -> str:
        """Of bytes; an image that names a digest nobody has pushed here has that one."""
        if "@" in label:
            return label.partition("@")[2]
        digest = f"sha256:{hashlib.sha256(label.encode()).hexdigest()}"
        self._labels[digest] = label
        return digest
