"""Adam without objects: functions over dictionaries of arrays, as the second study note has them.

A network of L layers has parameters ``{"W1": …, "b1": …, …, "WL": …, "bL": …}`` and gradients
``{"dW1": …, "db1": …, …}``. The numbers are those of ``Adam(..., eps_inside_root=True)``: both call
the same update rule.
"""

from __future__ import annotations

from tinygrad_adam.backend import Array, Update, array_module, kernels, run_updates

Arrays = dict[str, Array]


def initialize_adam(parameters: Arrays) -> tuple[Arrays, Arrays]:
    """Return ``(v, s)``: the averages of the gradients and of their squares before the first step.

    Args:
        parameters: floating-point arrays by name, such as ``"W1"`` of shape (n1, n0) and ``"b1"``
            of shape (n1, 1).

    Returns:
        Two dictionaries with the gradients' names (``"dW1"``, ``"db1"``, …) of zeros with the
        shapes and dtypes of the parameters.

    Raises:
        TypeError: an array is not of floating point.
    """
    for name, array in parameters.items():
        if array.dtype.kind not in "fc":
            raise TypeError(
                f"parameter {name!r} has dtype {array.dtype}: Adam needs floating point, such as "
                f"{name}.astype('float64')"
            )
    v, s = (
        {f"d{name}": array_module(array).zeros_like(array) for name, array in parameters.items()}
        for _ in range(2)
    )
    return v, s


def update_parameters_with_adam(
    parameters: Arrays,
    grads: Arrays,
    v: Arrays,
    s: Arrays,
    t: int,
    learning_rate: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Arrays, Arrays, Arrays]:
    """Take one Adam step with epsilon inside the root, for each parameter.

    ::

        V = beta1 * V + (1 - beta1) * dw        V' = V / (1 - beta1^t)
        S = beta2 * S + (1 - beta2) * dw^2      S' = S / (1 - beta2^t)
        w = w - learning_rate * V' / sqrt(S' + epsilon)

    Args:
        parameters: arrays by name; they are written in place.
        grads: their gradients, ``"d"`` before the name, of the same shapes; only read.
        v, s: what :func:`initialize_adam` returned; written in place.
        t: number of this update, counted from 1 over the whole training.
        learning_rate, beta1, beta2, epsilon: as in :class:`Adam`.

    Returns:
        ``(parameters, v, s)``, the dictionaries that came in.

    Raises:
        ValueError: t is below 1: the bias correction would divide by zero.
        KeyError: a parameter has no gradient.
    """
    if t < 1:
        raise ValueError(f"t counts the updates from 1, got {t}")
    for name in parameters:
        if f"d{name}" not in grads:
            raise KeyError(f"no gradient d{name} for parameter {name}; there are {list(grads)}")
    options = {
        "lr": learning_rate,
        "beta1": beta1,
        "beta2": beta2,
        "correction1": 1 - beta1**t,
        "correction2": 1 - beta2**t,
        "eps": epsilon,
        "eps_inside_root": True,
    }
    run_updates(
        [
            Update(kernels(w).adam_update, [w, *(d[f"d{name}"] for d in (grads, v, s))], options)
            for name, w in parameters.items()
        ]
    )
    return parameters, v, s
