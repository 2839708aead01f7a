"""CTC beside all paths, read one by one."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam.nn import functional as F  # noqa: N812


def reads(path, blank):
    """Return what a path reads as."""
    return tuple(c for c, _ in itertools.groupby(path) if c != blank)


def every_path(x, labels, blank):
    """Return minus the logarithm of the probability of all paths (T, C) that read as the labels."""
    total = sum(
        math.exp(sum(x[t, c] for t, c in enumerate(path)))
        for path in itertools.product(range(x.shape[1]), repeat=len(x))
        if reads(path, blank) == tuple(labels)
    )
    return -math.log(total) if total else math.inf


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("labels", [(), (1,), (1, 1), (1, 3), (3, 1, 3), (1, 1, 1), (3, 3, 1, 1)])
def test_is_the_sum_over_all_paths(labels, blank, device):
    x = np.log(np.random.default_rng(3).dirichlet(np.ones(4), (5, 2)))
    lengths = (4, 5)
    loss = F.ctc_loss(
        torch.tensor(x, device=device),
        torch.tensor([labels, labels], dtype=torch.int64, device=device),
        lengths,
        (len(labels),) * 2,
        blank=blank,
        reduction="none",
    )
    wanted = [every_path(x[:n, i], labels, blank) for i, n in enumerate(lengths)]
    np.testing.assert_allclose(loss.tolist(), wanted, rtol=1e-12)


def test_gradient_of_scores_beside_finite_differences():
    x = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[1, 1], [2, 1]])

    def loss(x):
        return F.ctc_loss(x.log_softmax(2), labels, (5, 4), torch.tensor([2, 1]))

    loss(x).backward()
    step = 1e-6
    for index in np.ndindex(5, 2, 3):
        moved = x.detach().clone()
        moved[index] += step
        up = loss(moved).item()
        moved[index] -= 2 * step
        assert x.grad[index].item() == pytest.approx(
            (up - loss(moved).item()) / (2 * step), abs=1e-8
        )


def test_hopeless_sequences():
    x = torch.randn(3, 2, 3).log_softmax(2).requires_grad_()
    labels = torch.tensor([[1, 1], [2, 1]])
    losses = F.ctc_loss(x, labels, (2, 2), (2, 2), reduction="none")
    assert losses[0].item() == math.inf
    (gradient,) = torch.autograd.grad(losses.sum(), x)
    assert gradient[:2, 0].isnan().all()
    assert not gradient[2].any()  # a time that does not count
    losses = F.ctc_loss(x, labels, (2, 2), (2, 2), reduction="none", zero_infinity=True)
    assert losses[0].item() == 0
    (forgiven,) = torch.autograd.grad(losses.sum(), x)
    assert not forgiven[:, 0].any()
    assert (forgiven[:, 1] == gradient[:, 1]).all()
    assert gradient[:2, 1].all()


def test_a_second_derivative_is_refused():
    x = torch.randn(3, 1, 3, requires_grad=True)
    loss = F.ctc_loss(x, torch.tensor([[1]]), (3,), (1,))
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="ctc_loss_backward is not implemented"):
        gradient.sum().backward()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("f(x, t, (5, 4), (2, 1), blank=4)", "blank must be in label range"),
        ("f(x, t, (6, 4), (2, 1))", "input_lengths to have value at most 5, but got value 6"),
        ("f(x, t, (5, 4), (-1, 1))", "target_lengths to have value at least 0, but got value -1"),
        ("f(x, t, (5, 4), (3, 1))", "size at least 3 at dimension 1, but got size 2"),
        ("f(x, t.view(-1), (5, 4), (2, 1))", "to have size 3 at dimension 0, but got size 4"),
        ("f(x, t, (5,), (2, 1))", "input_lengths must be of size batch_size"),
        ("f(x, t, (5, 4), torch.tensor([2.0, 1.0]))", "target_lengths must be integral"),
        ("f(x, t + 1, (5, 4), (2, 1))", "targets must be labels"),
        ("f(x[0, 0], t, (5, 4), (2, 1))", "Expected 3-dimensional tensor, but got 1-dimensional"),
        ("f(x, t[None], (5, 4), (2, 1))", "Expected 1 to 2 dimensions, but got 3-dimensional"),
        ("f(x[:0], t, (0, 0), (0, 0))", "log_probs tensor must not be empty"),
    ],
)
def test_mistakes(call, words):
    scope = {"f": F.ctc_loss, "x": torch.zeros(5, 2, 4), "t": torch.tensor([[1, 2], [3, 3]])}
    with pytest.raises(RuntimeError, match=words):
        eval(call, scope | {"torch": torch})
