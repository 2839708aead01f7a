"""Adam over dictionaries, as the second note has it, against the class and against paper."""

import math

import numpy as np
import pytest

from tinygrad_adam import optim, tensor
from tinygrad_adam.optim import initialize_adam, update_parameters_with_adam


def network(dtype="float64"):
    random = np.random.RandomState(0)
    parameters = {}
    for layer, (n_out, n_in) in enumerate([(4, 3), (2, 4)], 1):
        parameters[f"W{layer}"] = random.normal(size=(n_out, n_in)).astype(dtype)
        parameters[f"b{layer}"] = random.normal(size=(n_out, 1)).astype(dtype)
    return parameters


def gradients_of(parameters, seed):
    random = np.random.RandomState(seed)
    return {
        f"d{name}": random.normal(size=array.shape).astype(array.dtype)
        for name, array in parameters.items()
    }


def test_initialize_adam_gives_zeros_with_the_gradients_names_and_shapes():
    parameters = network("float32")
    v, s = initialize_adam(parameters)
    assert list(v) == list(s) == ["dW1", "db1", "dW2", "db2"]
    for name, array in parameters.items():
        for zeros in (v[f"d{name}"], s[f"d{name}"]):
            assert zeros.shape == array.shape
            assert zeros.dtype == array.dtype
            assert not zeros.any()
    v["dW1"][0, 0] = 1
    assert s["dW1"][0, 0] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_functions_give_the_same_bits_as_the_class(dtype):
    parameters = network(dtype)
    tensors = [tensor(array, dtype=dtype, requires_grad=True) for array in parameters.values()]
    optimizer = optim.Adam(tensors, lr=0.01, eps=1e-8, eps_inside_root=True)
    v, s = initialize_adam(parameters)
    for t in range(1, 21):
        grads = gradients_of(parameters, seed=t)
        kept = {name: array.copy() for name, array in grads.items()}
        parameters, v, s = update_parameters_with_adam(parameters, grads, v, s, t)
        for p, gradient in zip(tensors, grads.values(), strict=True):
            p.grad = tensor(gradient, dtype=dtype)
        optimizer.step()
        assert all((grads[name] == kept[name]).all() for name in grads)
    for p, array in zip(tensors, parameters.values(), strict=True):
        assert array.dtype == dtype
        np.testing.assert_array_equal(p.numpy(force=True), array)


def test_two_steps_equal_the_notes_formulas():
    parameters = {"W1": np.array([[1.0]]), "b1": np.array([[2.0]])}
    v, s = initialize_adam(parameters)
    expected = {"W1": 1.0, "b1": 2.0}
    big_v, big_s = {"W1": 0.0, "b1": 0.0}, {"W1": 0.0, "b1": 0.0}
    for t, slopes in enumerate([{"W1": 0.3, "b1": -2.0}, {"W1": -0.1, "b1": 0.5}], 1):
        grads = {f"d{name}": np.array([[slope]]) for name, slope in slopes.items()}
        result = update_parameters_with_adam(
            parameters, grads, v, s, t, learning_rate=0.1, beta1=0.8, beta2=0.9, epsilon=1e-3
        )
        for name, dw in slopes.items():
            big_v[name] = 0.8 * big_v[name] + 0.2 * dw
            big_s[name] = 0.9 * big_s[name] + 0.1 * dw**2
            v_hat, s_hat = big_v[name] / (1 - 0.8**t), big_s[name] / (1 - 0.9**t)
            expected[name] -= 0.1 * v_hat / math.sqrt(s_hat + 1e-3)
    assert result[0] is parameters
    assert result[1] is v
    assert result[2] is s
    for name, value in expected.items():
        assert parameters[name].item() == pytest.approx(value, rel=1e-14)


def test_what_goes_wrong_is_said():
    parameters = network()
    v, s = initialize_adam(parameters)
    grads = gradients_of(parameters, 0)
    with pytest.raises(ValueError, match="t counts the updates from 1, got 0"):
        update_parameters_with_adam(parameters, grads, v, s, 0)
    del grads["db2"]
    before = {name: array.copy() for name, array in parameters.items()}
    with pytest.raises(KeyError, match="no gradient db2 for parameter b2"):
        update_parameters_with_adam(parameters, grads, v, s, 1)
    assert all((parameters[name] == before[name]).all() for name in before)
    with pytest.raises(TypeError, match="'W1' has dtype int64"):
        initialize_adam({"W1": np.ones((2, 2), dtype="int64")})
