"""LBFGS beside its stored numbers (test_stored_numbers.py): errors, options, odd parameters."""

import numpy as np
import pytest

from tinygrad_adam import complex64, nn, optim, randn, tensor


def square(parameters, optimizer, calls):
    def closure():
        calls.append(1)
        optimizer.zero_grad()
        loss = sum(((p - 1).abs() ** 2).sum() for p in parameters)
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_the_minimum_of_a_square_is_two_steps_away(dtype, search):
    start = randn(3, 2, dtype=complex64) if dtype == "complex64" else randn(3, 2)
    unused = nn.Parameter(tensor([5.0]))
    parameters = [nn.Parameter(start.to(dtype)), nn.Parameter(tensor(4.0).to(dtype))]
    optimizer = optim.LBFGS([*parameters, unused], lr=tensor(0.5), line_search_fn=search)
    calls = []
    optimizer.step(square(parameters, optimizer, calls))
    for parameter in parameters:
        np.testing.assert_allclose(parameter.numpy(force=True), 1, rtol=1e-3, atol=1e-3)
    assert unused.item() == 5
    assert optimizer.state[parameters[0]]["func_evals"] == len(calls)


def test_hooks_run_once_a_step_and_a_minimum_is_left_alone():
    parameter = nn.Parameter(tensor([1.0]))
    optimizer = optim.LBFGS([parameter])
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    calls = []
    assert optimizer.step(square([parameter], optimizer, calls)).item() == 0
    assert (seen, len(calls), parameter.item()) == (["before", "after"], 1, 1.0)


def test_errors():
    parameter = nn.Parameter(tensor([3.0]))
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([{"params": [parameter]}, {"params": [nn.Parameter(tensor(1.0))]}])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'closure'"):
        optim.LBFGS([parameter]).step()
    optimizer = optim.LBFGS([parameter], line_search_fn="golden")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(square([parameter], optimizer, []))
    assert optim.LBFGS([parameter], max_iter=9).defaults["max_eval"] == 11
