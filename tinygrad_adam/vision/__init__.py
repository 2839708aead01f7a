"""Pictures to learn from, by torchvision's names: data sets, transforms, grids of images.

``from tinygrad_adam.vision import datasets, transforms``. Images are Pillow's; what takes one takes
a tensor (…, C, H, W) too, where torchvision does. Loaded when it is asked for, and Pillow when an
image is.

Source: torchvision, whose names, options and pixels these are. Not here are its models,
``transforms.v2`` and what augments by a policy.
"""

from tinygrad_adam.vision import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]
