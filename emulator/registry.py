"""A registry of images: what the tags mean now, and what digests have meant ever since."""

import hashlib


class Registry:
    """Bytes have a label for people: `shop:v1`, and `shop:v1 (2)` once that was pushed again."""

    def __init__(self) -> None:
        self._pushed: dict[str, list[str]] = {}
        self._labels: dict[str, str] = {}

    def push(self, image: str, label: str = "") -> None:
        """Somebody pushes other bytes under the same tag."""
        pushed = self._pushed.setdefault(image, [image])
        pushed.append(label or f"{image} ({len(pushed) + 1})")

    def label(self, image: str) -> str:
        """Of what a task would run that is started with this image now."""
        if "@" in image:
            digest = image.partition("@")[2]
            return self._labels.get(digest, image)
        return self._pushed.get(image, [image])[-1]

    def digest(self, label: str) -> str:
        """Of bytes; an image that names a digest nobody has pushed here has that one."""
        if "@" in label:
            return label.partition("@")[2]
        digest = f"sha256:{hashlib.sha256(label.encode()).hexdigest()}"
        self._labels[digest] = label
        return digest
