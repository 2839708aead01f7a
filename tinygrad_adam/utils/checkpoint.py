"""Checkpoints: forward keeps the inputs of a function only, and backward computes the rest again.

That takes the memory of one function at a time, and the time of one more forward.

Source: PyTorch, ``torch.utils.checkpoint``; Chen et al., "Training Deep Nets with Sublinear Memory
Cost" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from typing import Any

from tinygrad_adam.autograd import Function, backward, enable_grad
from tinygrad_adam.autograd.graph import saved_tensors_hooks
from tinygrad_adam.backend.random import default_generator
from tinygrad_adam.backend.warn import warn
from tinygrad_adam.nn import Sequential
from tinygrad_adam.tensor import Tensor

_early_stop: ContextVar[bool | None] = ContextVar("tinygrad_adam.early_stop", default=None)


class CheckpointError(RuntimeError):
    """What was computed again is not what was computed before."""


class _StopError(Exception):
    """Everything that backward needs has been computed again."""


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Return two context managers that do nothing."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Return ``function(*args, **kwargs)``; backward will call it again, and so needs to keep less.

    Args:
        function: computes the same whenever it is called with the same arguments.
        args: its arguments.
        use_reentrant: False (recommended) packs what operations save. True walks back inside the
            walk, by an operation of its own: then gradients are stored by ``backward()`` only, an
            argument must require grad, and the options below are not there.
        context_fn: returns two context managers, for the first call and for the second.
        determinism_check: "default" compares shapes, dtypes and devices; "none" does not.
        debug: accepted for PyTorch's sake; the error says what differs as it is.
        early_stop: stop the second call as soon as it has computed what is needed.
        kwargs: the other arguments of ``function``; and ``preserve_rng_state=True``, which lets the
            second call draw the same random numbers.

    Raises:
        CheckpointError: from ``backward``: the second call computed something else.
        ValueError: options that ``use_reentrant=True`` does not have.

    Source: PyTorch, ``torch.utils.checkpoint.checkpoint``.
    """
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an "
            "exception. use_reentrant=False is recommended, but if you need to preserve the current"
            " default behavior, you can pass use_reentrant=True. Refer to docs for more details on "
            "the differences between the two variants.",
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        if not any(isinstance(x, Tensor) and x.requires_grad for x in args):
            warn("None of the inputs have requires_grad=True. Gradients will be None")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    first, again = context_fn()
    if (stop := _early_stop.get()) is None:
        stop = early_stop
    call = _Call(lambda: function(*args, **kwargs), again, preserve, determinism_check, stop)
    with first, saved_tensors_hooks(call.pack, call.unpack):
        return function(*args, **kwargs)


class _Call:
    """One call of a function under a checkpoint: what it saved, to be computed again."""

    def __init__(
        self,
        run: Callable[[], Any],
        context: AbstractContextManager[Any],
        preserve_random: bool,
        check: str,
        early_stop: bool,
    ) -> None:
        self.run, self.context, self.check, self.early_stop = run, context, check, early_stop
        self.random = default_generator.get_state() if preserve_random else None
        self.described: list[dict[str, Any]] = []
        """What each tensor saved looked like."""
        self.found: dict[int, Tensor] = {}
        """Those computed again that nobody has asked for yet."""

    def pack(self, x: Tensor) -> int:
        """Keep which one it is."""
        self.described.append(_description(x))
        return len(self.described) - 1

    def unpack(self, number: int) -> Tensor:
        """Return a tensor that was saved: all of them are computed again for the first one."""
        if number not in self.found:
            self._compute()
        return self.found.pop(number)

    def _compute(self) -> None:
        count, wanted = 0, len(self.described)

        def keep(x: Tensor) -> None:
            nonlocal count
            if count < wanted:
                self.found[count] = x.detach()
            count += 1
            if count == wanted and self.early_stop:
                raise _StopError

        hooks = saved_tensors_hooks(keep, lambda packed: packed)
        again = _random_numbers(self.random)
        with suppress(_StopError), again, enable_grad(), self.context, hooks:
            self.run()
        if count != wanted:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\n"
                f"Number of tensors saved during forward: {wanted}\n"
                f"Number of tensors saved during recomputation: {count}.\n"
                "  The function must do the same when it is called again"
            )
        if self.check == "none":
            return
        rows = [
            f"tensor at position {i}:\nsaved metadata: {before}\nrecomputed metadata: {now}\n"
            for i, before in enumerate(self.described)
            if (now := _description(self.found[i])) != before
        ]
        if rows:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                f"different metadata than during the forward pass.\n{''.join(rows)}"
                "  The function must do the same when it is called again"
            )


def _description(x: Tensor) -> dict[str, Any]:
    return {"shape": x.shape, "dtype": x.dtype, "device": x.device}


@contextmanager
def _random_numbers(state: Any) -> Iterator[None]:
    """Draw from the default generator as it was in a state, unless that is None."""
    if state is None:
        yield
        return
    before = default_generator.get_state()
    default_generator.set_state(state)
    try:
        yield
    finally:
        default_generator.set_state(before)


class CheckpointFunction(Function):
    """The function under a checkpoint as one operation, which walks back through it by itself."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], preserve_random: bool, *args: Any) -> Any:  # type: ignore[override]
        """Call the function, and keep its arguments."""
        ctx.run = run
        ctx.random = default_generator.get_state() if preserve_random else None
        ctx.args = [None if isinstance(x, Tensor) else x for x in args]
        ctx.save_for_backward(*[x if isinstance(x, Tensor) else None for x in args])
        # No tuple: a walk to some inputs only takes it for another need, and uses a stand-in.
        ctx.needs_input_grad = [*ctx.needs_input_grad]
        return run(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # type: ignore[override]
        """Call the function again, recorded, and walk back through that."""
        if ctx._node is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        args = [
            arg if x is None else x.detach().requires_grad_(x.requires_grad)
            for arg, x in zip(ctx.args, ctx.saved_tensors)
        ]
        with _random_numbers(ctx.random), enable_grad():
            outputs = ctx.run(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (y, g) for y, g in zip(outputs, grads) if isinstance(y, Tensor) and y.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        tensors, gradients = zip(*pairs)
        backward(tensors, gradients)
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in args]


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Return what functions give, one after the other, with a checkpoint around each segment.

    Args:
        functions: a Sequential, or a list of modules or functions of one argument.
        segments: how many; the last one has no checkpoint.
        input: the argument of the first function.
        use_reentrant: as for :func:`checkpoint`.
        kwargs: ``preserve_rng_state=True``.

    Source: PyTorch, ``torch.utils.checkpoint.checkpoint_sequential``.
    """
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. In version 2.9 we will raise an exception if use_reentrant is not "
            "passed. use_reentrant=False is recommended, but if you need to preserve the current "
            "default behavior, you can pass use_reentrant=True. Refer to docs for more details on "
            "the differences between the two variants.",
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
    functions = list(functions.children()) if isinstance(functions, Sequential) else functions

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def segment(x: Any) -> Any:
            for function in functions[start:end]:
                x = function(x)
            return x

        return segment

    size, end = len(functions) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(
            run(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return run(end, len(functions))(input)


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside this block, checkpoints stop early, or not, whatever they were told."""
    token = _early_stop.set(enable)
    try:
        yield
    finally:
        _early_stop.reset(token)


__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]
