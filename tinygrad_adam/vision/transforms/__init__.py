"""What happens to an image before it is learned from.

Source: torchvision, ``torchvision.transforms``.
"""

# Packed by subject, twice in the same rows, as a table to be read.
# isort: off
# fmt: off
from tinygrad_adam.vision.transforms import functional
from tinygrad_adam.vision.transforms.conversion import InterpolationMode
from tinygrad_adam.vision.transforms.certain import (
    CenterCrop, Compose, ConvertImageDtype, FiveCrop, Grayscale, Lambda, Normalize, Pad,
    PILToTensor, Resize, TenCrop, ToPILImage, ToTensor,
)
from tinygrad_adam.vision.transforms.randomly import (
    ColorJitter, RandomAffine, RandomApply, RandomChoice, RandomCrop, RandomErasing,
    RandomGrayscale, RandomHorizontalFlip, RandomOrder, RandomResizedCrop, RandomRotation,
    RandomVerticalFlip,
)

__all__ = [  # noqa: RUF022
    "functional", "InterpolationMode",
    "CenterCrop", "Compose", "ConvertImageDtype", "FiveCrop", "Grayscale", "Lambda", "Normalize",
    "Pad", "PILToTensor", "Resize", "TenCrop", "ToPILImage", "ToTensor",
    "ColorJitter", "RandomAffine", "RandomApply", "RandomChoice", "RandomCrop", "RandomErasing",
    "RandomGrayscale", "RandomHorizontalFlip", "RandomOrder", "RandomResizedCrop", "RandomRotation",
    "RandomVerticalFlip",
]
