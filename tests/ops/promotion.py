"""Which dtype results when operands of two dtypes meet, in every rank and operation."""

DTYPES = ("float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool")
OPERATIONS = {
    "add": lambda torch, a, b: a + b,
    "mul": lambda torch, a, b: a * b,
    "div": lambda torch, a, b: a / b,
    "floor_divide": lambda torch, a, b: a // b,
    "pow": lambda torch, a, b: a**b,
    "remainder": lambda torch, a, b: a % b,
    "less": lambda torch, a, b: a < b,
    "where": lambda torch, a, b: torch.where(torch.tensor(True), a, b),
    "cat": lambda torch, a, b: torch.cat([a.reshape(1), b.reshape(1)]),
}
NUMBERS = (2, 2.5, True)


def table(torch):
    """Return ``{"add float32[1]": "float32 float64 …"}``: the dtype for each second operand.

    The second operands are tensors of each dtype, of shape (1,) and (), and then Python numbers;
    "error" stands for a pair that gives none.
    """
    others = [
        torch.ones(shape, dtype=getattr(torch, dtype)) for dtype in DTYPES for shape in ((1,), ())
    ]
    found = {}
    for name, operation in OPERATIONS.items():
        for first in DTYPES:
            for shape in ((1,), ()):
                a = torch.ones(shape, dtype=getattr(torch, first))
                dtypes = []
                for b in others + ([] if name == "cat" else list(NUMBERS)):
                    try:
                        dtypes.append(str(operation(torch, a, b).dtype).replace("torch.", ""))
                    except (RuntimeError, TypeError):
                        dtypes.append("error")
                found[f"{name} {first}{list(shape)}"] = " ".join(dtypes)
    return found
