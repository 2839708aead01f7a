"""Pillow: loaded when the first image is made or met."""

from __future__ import annotations

import sys
from typing import Any

from tinygrad_adam.backend import how_to_install


def pillow() -> Any:
    """Return the module ``PIL.Image``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"images need Pillow: {how_to_install('pillow')}") from error
    return Image


def is_image(thing: object) -> bool:
    """Return whether something is an image of Pillow's; there is none before it is loaded."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(thing, module.Image)


def require_image(thing: object, or_what: str = "") -> None:
    """Raise TypeError unless something is an image of Pillow's."""
    if not is_image(thing):
        raise TypeError(f"img should be PIL Image{or_what}. Got {type(thing)}")
