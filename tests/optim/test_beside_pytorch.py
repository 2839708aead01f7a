"""Where PyTorch is installed: states saved here resume there, and the other way round."""

import numpy as np
import pytest

from tinygrad_adam import optim, tensor

torch = pytest.importorskip("torch")

OPTIONS = [
    ("SGD", {"momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("Adadelta", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"betas": (0.8, 0.9)}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {"betas": (0.8, 0.9)}),
    ("ASGD", {"t0": 3.0}),
    ("Rprop", {}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_states_go_both_ways(name, options):
    random = np.random.RandomState(0)
    start = random.normal(size=(3, 4))
    gradients = random.normal(size=(9, 3, 4))
    ours = tensor(start, requires_grad=True)
    theirs = torch.nn.Parameter(torch.tensor(start))
    here = getattr(optim, name)([ours], lr=0.05, **options)
    there = getattr(torch.optim, name)([theirs], lr=0.05, **options)

    def step(gradients):
        for gradient in gradients:
            ours.grad = tensor(gradient)
            theirs.grad = torch.tensor(gradient)
            here.step()
            there.step()

    step(gradients[:5])
    saved_here, saved_there = here.state_dict(), there.state_dict()
    from_here = {
        key: torch.tensor(value.numpy().copy()) for key, value in saved_here["state"][0].items()
    }
    from_there = {key: value.numpy().copy() for key, value in saved_there["state"][0].items()}
    # Swap: from now on each carries on with the other's state, in a new optimizer.
    here = getattr(optim, name)([ours])
    there = getattr(torch.optim, name)([theirs])
    here.load_state_dict({**saved_there, "state": {0: from_there}})
    there.load_state_dict({**saved_here, "state": {0: from_here}})
    step(gradients[5:])
    np.testing.assert_allclose(
        ours.numpy(force=True),
        theirs.detach().numpy(),
        # PyTorch keeps these counts in float32, but continues in float64 after loading them.
        rtol=1e-7 if name in ("ASGD", "NAdam") else 1e-10,
    )
