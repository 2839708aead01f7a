"""``torch.dtype``: what the dtype of a tensor is to users.

Arrays have NumPy's dtypes, and so has everything below tensors. These stand for them wherever a
tensor is asked: they print as PyTorch's, equal NumPy's and hash alike, and NumPy and CuPy take them
for a dtype because of their attribute ``dtype``.

Source: PyTorch, "Tensor attributes", ``torch.dtype``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# PyTorch's names for element types, as its error texts use them: its own, and those of C++.
_NAMES = {
    "bool": ("Bool", "bool"), "uint8": ("Byte", "unsigned char"), "int8": ("Char", "signed char"),
    "int16": ("Short", "short"), "int32": ("Int", "int"), "int64": ("Long", "long int"),
    "uint16": ("UInt16", "unsigned short"), "uint32": ("UInt32", "unsigned int"),
    "uint64": ("UInt64", "unsigned long"), "bfloat16": ("BFloat16", "c10::BFloat16"),
    "float16": ("Half", "c10::Half"), "float32": ("Float", "float"),
    "float64": ("Double", "double"),
    "complex64": ("ComplexFloat", "c10::complex<float>"),
    "complex128": ("ComplexDouble", "c10::complex<double>"),
}  # fmt: skip


def type_name(dtype: dtype | np.dtype[Any]) -> str:
    """Return PyTorch's name for an element type, such as Float for float32."""
    return _NAMES.get(dtype.name, (dtype.name,))[0]


def c_type_name(dtype: dtype | np.dtype[Any]) -> str:
    """Return the name of an element type in C++, such as long int for int64."""
    return _NAMES.get(dtype.name, (dtype.name,))[-1]


class dtype:  # noqa: N801 (PyTorch's name)
    """The type of the elements of a tensor, such as ``torch.float32``: one object for each.

    Args:
        name: which one: its name, or NumPy's dtype.

    ``dtype`` is NumPy's; ``kind``, ``char``, ``name`` and ``type`` are as NumPy's have them.
    """

    __slots__ = ("char", "dtype", "itemsize", "kind", "name", "type")
    name: str
    kind: str
    char: str
    type: Any
    itemsize: int

    def __new__(cls, name: Any) -> dtype:
        """Return the one object of this name."""
        found = name if name == "bfloat16" else np.dtype(name)
        if found != "bfloat16" and found.kind not in "biufc":
            raise TypeError(f"cannot create 'torch.dtype' instances\n  {found} is none of numbers")
        return dtypes[found]

    @property
    def is_floating_point(self) -> bool:
        """Whether it is of real numbers with fractions."""
        return self.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Whether it is of complex numbers."""
        return self.kind == "c"

    @property
    def is_signed(self) -> bool:
        """Whether it has negative numbers."""
        return self.kind not in "bu"

    @property
    def abbr(self) -> str:
        """A short name, such as f32."""
        return f"{'bf' if self is bfloat16 else self.kind}{8 * self.itemsize}"

    def to_real(self) -> dtype:
        """Return the dtype of the real parts of complex numbers of this dtype; else itself."""
        return dtype(f"f{self.itemsize // 2}") if self.kind == "c" else self

    def to_complex(self) -> dtype:
        """Return the dtype of complex numbers whose parts have this one; itself, if complex.

        Raises:
            RuntimeError: there is none.
        """
        if self.kind == "c":
            return self
        if self.kind != "f" or self.name == "float16":
            raise RuntimeError(f"Unknown Complex ScalarType for {type_name(self)}")
        return dtype(f"c{max(4, self.itemsize) * 2}")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, (np.dtype, str, type)) and bool(self.dtype == other)
        )

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce__(self) -> Any:
        return dtype, (self.name,)

    dtype: np.dtype[Any]  # last: below it ``dtype`` would mean this


def _made(of: np.dtype[Any], **others: Any) -> dtype:
    """Return a new dtype on one of NumPy's, with others of its attributes where said."""
    made = object.__new__(dtype)
    made.dtype = of
    for name in ("char", "itemsize", "kind", "name", "type"):
        setattr(made, name, others.get(name, getattr(of, name)))
    return made


class _Interned(dict["np.dtype[Any] | str", dtype]):
    """The dtype of each of NumPy's, of those in another order of bytes too: made when asked for."""

    def __missing__(self, key: Any) -> dtype:
        native = key.newbyteorder("=")
        return self.setdefault(key, _made(key) if native == key else self[native])


dtypes = _Interned()

float16, float32, float64 = dtype("float16"), dtype("float32"), dtype("float64")
complex64, complex128 = dtype("complex64"), dtype("complex128")
int8, int16, int32, int64 = dtype("int8"), dtype("int16"), dtype("int32"), dtype("int64")
uint8, uint16, uint32, uint64 = dtype("uint8"), dtype("uint16"), dtype("uint32"), dtype("uint64")
bool_ = dtype("bool")
# Programs name it, if only to choose another. NumPy has none, so no tensor is made of it
# (:func:`dtypes.as_dtype` says so); two bytes without a meaning stand for it.
bfloat16 = dtypes["bfloat16"] = _made(np.dtype("V2"), kind="f", name="bfloat16")
BY_TYPE_NAME = {names[0]: dtype(name) for name, names in _NAMES.items()}
