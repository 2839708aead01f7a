"""Error texts: PyTorch's words, so that a search engine finds them, then a line of our own.

The line says where it happened (the module's path and the operation), with which shapes and dtypes.
"""

from __future__ import annotations

import re
from typing import Any

from tinygrad_adam.backend import device_of, is_array
from tinygrad_adam.backend.dtypes import type_name

FREED_GRAPH = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)
NO_GRADIENT = "element {} of tensors does not require grad and does not have a grad_fn"
NOT_SCALAR = "grad can be implicitly created only for scalar outputs"
UNUSED_INPUT = (
    "The differentiated Tensor at index {} appears to not have been used in the graph. Set "
    "allow_unused=True if this is the desired behavior."
)
# Why a view must not be written while recording: what PyTorch says behind `locked_view`.
NO_GRAD_VIEW = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
    "code by moving both the view and the inplace either both inside the no_grad block (if you "
    "don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)
SEVERAL_VIEWS = (
    "This view is the output of a function that returns multiple views. Such functions do not "
    "allow the output views to be modified inplace. You should replace the inplace operation by an "
    "out-of-place one."
)
FUNCTION_VIEW = (
    "This view was created inside a custom Function (or because an input was returned as-is) and "
    "the autograd logic to handle view+inplace would override the custom backward associated with "
    "the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix "
    "this by cloning the output of the custom Function."
)
SAVED_INFERENCE = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
    "inference mode in computation tracked by autograd. To work around this, you can make a clone "
    "to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
    "`torch.inference_mode()`."
)
RELAID = (
    "The tensor that it is a view of was given another shape in place after the view was made. "
    "Make the view again."
)
LEAF_IN_PLACE = "a leaf Variable that requires grad is being used in an in-place operation."
VIEW_OF_LEAF_IN_PLACE = (
    "a view of a leaf Variable that requires grad is being used in an in-place operation."
)


def no_tensor(operation: str, inputs: tuple[Any, ...]) -> str:
    """Return the text for an operation none of whose inputs is a tensor."""
    kind = type(inputs[0]).__name__ if inputs else "nothing"
    name = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()  # BitwiseNot: bitwise_not
    return f"{name}(): argument 'input' (position 1) must be Tensor, not {kind}"


def describe(value: Any) -> str:
    """Return an array as ``float32 (2, 3)``, with its device if that is not the CPU."""
    place = device_of(value)
    return f"{value.dtype} {tuple(value.shape)}" + ("" if place.type == "cpu" else f" on {place}")


def location(node: Any) -> str:
    """Return which operation ``node`` is and where it ran: ``Mul in conv1: Conv2d(…)``."""
    scope = node.scope
    return type(node).__name__ + ("" if scope is None else f" in {scope}")


def modified_in_place(node: Any, value: Any, counter: list[int], version: int, source: Any) -> str:
    """Return the text for a saved array that was written after ``node`` saved it.

    Args:
        node: the operation.
        value: the array.
        counter: the version that it has now.
        version: the version that was saved.
        source: which result of the node it is, or the input that it is.
    """
    edge = (node, source) if isinstance(source, int) else source._edge
    origin = "" if edge is None else f", which is output {edge[1]} of {type(edge[0]).__name__},"
    if node.traceback is None:
        called = ""
        hint = (
            "enable anomaly detection to find the operation that failed to compute its gradient, "
            "with torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )
    else:
        called = f" The operation was called here:\n{''.join(node.traceback)}"
        hint = (
            "the backtrace further below shows the operation that failed to compute its gradient. "
            "The variable in question was changed in there or anywhere later."
        )
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [torch.{type_name(value.dtype)}Tensor {list(value.shape)}]{origin} is "
        f"at version {counter[0]}; expected version {version} instead. Hint: {hint}\n"
        f"  {location(node)} saved it for its gradient. Clone the tensor before writing into it, "
        f"or use the operation that makes a new one.{called}"
    )


def detached_in_place(node: Any, value: Any) -> str:
    """Return the text for a saved tensor that ``detach_`` took out of the graph since."""
    return (
        "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This "
        "is not supported, please use out-of-place `.detach()` instead\n"
        f"  {location(node)} saved it for its gradient, {describe(value)}"
    )


def locked_view(view: Any, written: str) -> str:
    """Return the text for a write that ``view`` does not allow.

    Args:
        view: the view.
        written: what was written, as in ``is being`` or ``its base … has been``.
    """
    edge = view._edge
    what = f"Output {edge[1]} of {type(edge[0]).__name__} is a view" if edge else "This is a view"
    how = ""
    if view._locked is NO_GRAD_VIEW:
        made = "was created in no_grad mode"
        what = f"{what} of a view which {made}" if edge else f"A view {made}"
        how = " with grad mode enabled"
    if written == "is being" and view._requires_grad and view._base._edge is None:
        how += f", and {VIEW_OF_LEAF_IN_PLACE[:-1]}"
    return (
        f"{what} and {written} modified inplace{how}. {view._locked}\n"
        f"  The view has shape {tuple(view.array.shape)}: clone() it to write into it"
    )


def check_count(node: Any, result: tuple[Any, ...]) -> None:
    """Raise if an input misses its gradient, or there is one for no input."""
    odd = node.edges[len(result) :] + result[len(node.edges) :]
    if {*map(type, odd)} != {type(None)}:
        raise RuntimeError(wrong_count(node, result))


def wrong_count(node: Any, result: tuple[Any, ...]) -> str:
    """Return the text for a ``backward`` that returned too many gradients, or too few."""
    return (
        f"function {node.name()} returned an incorrect number of gradients (expected "
        f"{len(node.edges)}, got {len(result)})\n  {location(node)}: backward must return a tuple "
        "with one for each argument of forward, None for those that are no tensors"
    )


def gradient_of_option(node: Any, index: int) -> str:
    """Return the text for a gradient of an argument that is no tensor."""
    return (
        f"function {node.name()} returned a gradient different than None at position {index + 1}, "
        "but the corresponding forward input was not a Variable\n"
        f"  {location(node)}: return None there"
    )


def no_gradient(node: Any, value: Any) -> str:
    """Return the text for something that a ``backward`` returned which is no tensor."""
    return (
        f"expected Variable or None (got {type(value).__name__})\n"
        f"  {location(node)}: backward must return a tensor for each tensor, several as a tuple"
    )


def invalid_gradient(node: Any, edge: Any, gradient: Any, error: Any) -> Any:
    """Return the error for what a custom ``backward`` sent to ``edge``, if it can be no gradient.

    If nothing is wrong with it, ``error`` itself: it came from elsewhere.
    """
    if not hasattr(gradient, "dtype"):
        return RuntimeError(no_gradient(node, gradient))
    shape, got = edge[0].outputs[edge[1]][0], tuple(gradient.shape)
    # Broadcasting may have added dimensions in front and stretched those of length 1.
    stretched = zip(reversed(shape), reversed(got))
    if len(shape) <= len(got) and all(a in (1, b) for a, b in stretched):
        return error
    index = next(i for i, other in enumerate(node.edges) if other is edge)
    return RuntimeError(
        f"Function {node.name()} returned an invalid gradient at index {index} - "
        f"got {list(got)} but expected shape compatible with {list(shape)}\n  {location(node)}"
    )


def broadcast_error(shapes: list[tuple[int, ...]]) -> str | None:
    """Return PyTorch's text for the first pair of ``shapes`` that do not broadcast, or None."""
    for i, a in enumerate(shapes):
        for b in shapes[i + 1 :]:
            for back in range(1, min(len(a), len(b)) + 1):
                m, n = a[-back], b[-back]
                if m != n and 1 not in (m, n):
                    return (
                        f"The size of tensor a ({m}) must match the size of tensor b ({n}) at "
                        f"non-singleton dimension {max(len(a), len(b)) - back}"
                    )
    return None


def add_location(error: Exception, node: Any, scope: Any, inputs: list[Any]) -> Exception:
    """Return ``error`` with the line that says where it happened.

    NumPy's words for shapes that do not broadcast become PyTorch's; so does whatever an operation
    says that was given arrays on different devices.
    """
    arrays = [x for x in inputs if is_array(x)]
    node.scope = scope
    text = str(error)
    places = sorted({str(device_of(x)) for x in arrays})
    if len(places) > 1:
        text = (
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{' and '.join(places)}!"
        )
        error = RuntimeError(text)
    elif re.match("operands? could not be broadcast", text):
        text = broadcast_error([x.shape for x in arrays]) or text
        error = RuntimeError(text)
    elif text.startswith("argument "):  # what it says was asked below any function
        text = f"{type(node).__name__.lower()}(): {text}"
    error.args = (f"{text}\n  {location(node)}: input {', '.join(map(describe, arrays))}",)
    return error
