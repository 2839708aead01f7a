"""Averages of models, against means that are taken by hand."""

import numpy as np
import pytest

from tinygrad_adam import int64, nn, no_grad, optim, tensor, zeros
from tinygrad_adam.optim import swa_utils
from tinygrad_adam.optim.swa_utils import AveragedModel

BY_HAND = {
    "mean": lambda values: np.mean(values, axis=0),
    "fading": lambda values: values[0] * 0.81 + values[1] * 0.09 + values[2] * 0.1,
}
FUNCTIONS = [
    ("mean", {}),
    ("mean", {"avg_fn": swa_utils.get_swa_avg_fn()}),
    ("mean", {"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}),
    ("fading", {"avg_fn": swa_utils.get_ema_avg_fn(0.9)}),
    ("fading", {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.9)}),
]


def model():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3).double())


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize(("kind", "functions"), FUNCTIONS)
def test_parameters_are_averaged_and_buffers_on_request(kind, functions, use_buffers):
    here = model()
    average = AveragedModel(here, use_buffers=use_buffers, **functions)
    assert average.module is not here
    random = np.random.RandomState(0)
    seen = {name: [] for name in here.state_dict()}
    for _ in range(3):
        for name, value in here.state_dict().items():
            with no_grad():
                value.copy_(tensor(random.uniform(1, 50, size=value.shape)))
            seen[name].append(value.numpy().copy())
        average.update_parameters(here)
    assert average.n_averaged.item() == 3
    for name, value in average.module.state_dict().items():
        averaged = use_buffers or name in dict(here.named_parameters())
        expected = BY_HAND[kind](seen[name]) if averaged else seen[name][-1]
        tolerance = 1 if value.dtype is int64 and averaged else 1e-5  # whole numbers are cut
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=tolerance)
    x = zeros(4, 2)
    assert (average.module[0](x) == average.module[0].bias).all()
    assert list(average.state_dict())[:2] == ["n_averaged", "module.0.weight"]


def test_a_function_for_many_gets_lists_of_one_dtype():
    calls = []

    def take(averaged, current, count):
        calls.append(([x.dtype for x in averaged], count.item()))
        averaged[0].copy_(current[0])

    here = model()
    average = AveragedModel(here, multi_avg_fn=take)
    average.update_parameters(here)
    average.update_parameters(here)
    (first, one), (second, again) = calls
    assert (len(set(first)), len(set(second)), one, again) == (1, 1, 1, 1)
    assert len(first) == len(second) == 2


@pytest.mark.parametrize("batch", [lambda x: x, lambda x: [x, 0], lambda x: (x,)])
def test_statistics_are_means_over_the_loader(batch):
    net = nn.Sequential(nn.BatchNorm1d(2, momentum=0.3), nn.Dropout())
    net.eval()
    net(tensor([[5.0, 5.0]]))
    xs = [tensor(np.random.RandomState(i).normal(size=(4, 2)).astype("float32")) for i in range(3)]
    net[0].running_mean += 7
    swa_utils.update_bn([batch(x) for x in xs], net, device="cpu")
    mean = np.mean([x.numpy().mean(0) for x in xs], axis=0)
    np.testing.assert_allclose(net[0].running_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
    assert (net[0].momentum, net.training, net[0].num_batches_tracked.item()) == (0.3, False, 3)
    linear = nn.Linear(1, 1)
    swa_utils.update_bn(iter([None]), linear)  # looks at nothing: there is nothing to compute


def test_errors():
    sgd = optim.SGD([zeros(1)])
    for call, error, words in [
        (lambda: swa_utils.get_ema_avg_fn(1.5), ValueError, r"Please provide a value in \[0,1\]"),
        (lambda: swa_utils.get_ema_multi_avg_fn(-1), ValueError, "Invalid decay value -1"),
        (
            lambda: AveragedModel(model(), avg_fn=max, multi_avg_fn=max),
            AssertionError,
            "Only one of avg_fn and multi_avg_fn",
        ),
        (lambda: swa_utils.SWALR(sgd, [1, 2]), ValueError, "swa_lr must have the same length"),
        (lambda: swa_utils.SWALR(sgd, 1, anneal_strategy="x"), ValueError, "instead got x"),
        (lambda: swa_utils.SWALR(sgd, 1, -1), ValueError, "equal or greater than 0, got -1"),
    ]:
        with pytest.raises(error, match=words):
            call()
