"""Devices: without a GPU the errors, and with a pretended one everything that can run on it."""

import importlib.util

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import fake_cupy
from tinygrad_adam import nn, optim
from tinygrad_adam.nn import functional as F  # noqa: N812

without_cupy = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is installed"
)


@pytest.fixture
def cuda(monkeypatch):
    """A pretended GPU, which nothing of NumPy's may touch."""
    fake_cupy.install(monkeypatch)
    from tinygrad_adam.backend.cuda import optimizers

    optimizers._kernel.cache_clear()
    yield "cuda"
    optimizers._kernel.cache_clear()


@without_cupy
class TestWithout:
    def test_is_available(self):
        assert torch.cuda.is_available() is False
        assert torch.cuda.device_count() == 0

    @pytest.mark.parametrize(
        "ask",
        [
            lambda: torch.ones(2).to("cuda"),
            lambda: torch.ones(2).cuda(),
            lambda: torch.ones(2, device="cuda"),
            lambda: torch.zeros(2, device=torch.device("cuda:0")),
            lambda: torch.tensor([1.0], device="cuda"),
            lambda: nn.Linear(2, 2).to("cuda"),
            lambda: nn.Linear(2, 2).cuda(),
            lambda: torch.randn(2, device="cuda"),
            torch.cuda.synchronize,
        ],
    )
    def test_asking_for_a_gpu_says_in_one_line_what_is_missing(self, ask):
        with pytest.raises(RuntimeError) as caught:
            ask()
        assert str(caught.value) == (
            "device 'cuda' needs CuPy, which is not installed; the wheel for CUDA 13: "
            'pip install cupy-cuda13x (in a clone: pip install -e ".[gpu]")'
        )


class TestDevice:
    def test_text_and_equality(self):
        assert str(torch.device("cuda:1")) == "cuda:1"
        assert repr(torch.device("cuda", 1)) == "device(type='cuda', index=1)"
        assert repr(torch.device("cpu")) == "device(type='cpu')"
        assert torch.device("cuda:1") == torch.device("cuda", 1) != torch.device("cuda")
        assert len({torch.device("cpu"), torch.device("cpu")}) == 1
        assert torch.ones(1).device == torch.device("cpu")

    @pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", ""])
    def test_unknown(self, name):
        match = "at start of device string|Invalid device string|Device string must not be empty"
        with pytest.raises(RuntimeError, match=match):
            torch.device(name)

    def test_moving_to_where_it_is_gives_the_tensor_itself(self):
        x = torch.ones(2)
        assert x.to("cpu") is x
        assert x.cpu() is x


OPERATIONS = {
    "arithmetic": lambda x, y: (x + y * 2 - x / (y * y + 1)) ** 2,
    "exponentials": lambda x, y: (x.exp() + y.tanh().sigmoid() + (x * x + 1).log()).sqrt(),
    "kinks": lambda x, y: x.relu() + y.abs() + x.clamp(-0.5, 0.5) + x.maximum(y) - x.sign(),
    "erf and gelu": lambda x, y: x.erf() + F.gelu(y) + F.silu(x) + F.elu(y) + F.softplus(x),
    "where": lambda x, y: torch.where(x > y, x * 2, y * 3).masked_fill(x > 1, 0.0),
    "reductions": lambda x, y: x.sum(0) + y.mean(1, keepdim=True) + x.var() + y.std() + x.norm(),
    "extremes": lambda x, y: x.max(dim=1)[0] + y.amin() + x.max() + y.prod(0).sum(),
    "softmax": lambda x, y: x.softmax(0) + y.log_softmax(1) + x.logsumexp(1),
    "cumsum": lambda x, y: x.cumsum(0) + y.flip(1).roll(1, 0),
    "shapes": lambda x, y: x.reshape(2, 8).permute(1, 0).reshape(4, 4) @ y.T.tril(),
    "joins": lambda x, y: torch.cat([x, y], 1).split([3, 5], 1)[1].unsqueeze(0).expand(2, 4, 5),
    "indexing": lambda x, y: x[1:3, ::2] + y[torch.tensor([0, 0]).to(x.device)][:, :2],
    "masks": lambda x, y: x[x.detach() > 0].sum() + y[..., 0, None],
    "gather": lambda x, y: x.gather(
        1, y.argsort(1) if hasattr(y, "argsort") else y.argmax(1, True)
    ),
    "products": lambda x, y: x @ y + x.mv(y[0]).outer(y[1]) + torch.einsum("ij,kj->ik", x, y),
    "linear": lambda x, y: F.linear(x, y, y[0]),
    "layer norm": lambda x, y: F.layer_norm(x, (4,), y[0], y[1]),
    "mse": lambda x, y: F.mse_loss(x, y) + F.smooth_l1_loss(x, y) + F.l1_loss(x, y),
    "cross entropy": lambda x, y: F.cross_entropy(x, y.argmax(1), label_smoothing=0.1),
    "attention": lambda x, y: F.scaled_dot_product_attention(x, y, x * y, is_causal=True),
    "more kinks": lambda x, y: F.prelu(x, y[0]) + F.softshrink(y) + F.hardtanh(x) + F.mish(y),
    "distances": lambda x, y: F.cosine_similarity(x, y).sum() + F.pdist(x) + F.pdist(y, 1),
    "margins": lambda x, y: (
        F.multi_margin_loss(x, y.argmax(1)) + F.multilabel_margin_loss(y, x.argsort(1))
    ),
    "bags": lambda x, y: (
        F.embedding_bag(x.argsort(1), y, mode="max")
        + F.embedding_bag(y.argsort(1), x, mode="mean", padding_idx=1)
    ),
    "probabilities": lambda x, y: F.binary_cross_entropy_with_logits(x, y.sigmoid()),
}
IMAGES = {
    "conv2d": lambda x, w: F.conv2d(x, w, w[:, 0, 0, 0], padding=1),
    "strided conv2d": lambda x, w: F.conv2d(x, w, stride=2, dilation=2, padding=2),
    "conv_transpose2d": lambda x, w: F.conv_transpose2d(x, w.transpose(0, 1), stride=2),
    "max_pool2d": lambda x, w: F.max_pool2d(x, 3, 2, 1) * w.sum(),
    "avg_pool2d": lambda x, w: F.avg_pool2d(x, 2) * w.sum(),
    "adaptive": lambda x, w: F.adaptive_avg_pool2d(x, 3) * w.sum(),
    "pad": lambda x, w: F.pad(x, (1, 2, 0, 1), mode="reflect") * w.sum(),
    "batch norm": lambda x, w: F.batch_norm(x, None, None, w[:3, 0, 0, 0], training=True),
}


def results(operation, arrays, device):
    """Return the value and the gradients, first and second, of an operation on a device."""
    inputs = [torch.tensor(a, device=device, requires_grad=True) for a in arrays]
    y = operation(*inputs)
    assert y.device.type == device
    grads = torch.autograd.grad((y * y).sum(), inputs, create_graph=True, allow_unused=True)
    grads = [g for g in grads if g is not None]
    assert all(g.device.type == device for g in grads)
    again = [g for g in grads if g.requires_grad]
    second = torch.autograd.grad(sum((g * g).sum() for g in again), inputs, allow_unused=True)
    return [z.detach().cpu().numpy() for z in (y, *grads, *second) if z is not None]


def test_ctc_on_a_pretended_gpu(cuda):
    draw = np.random.default_rng(0)
    scores = draw.standard_normal((5, 2, 4))
    found = []
    for device in ("cpu", cuda):
        x = torch.tensor(scores, device=device, requires_grad=True)
        labels = torch.tensor([1, 1, 3], device=device)
        loss = F.ctc_loss(x.log_softmax(2), labels, (5, 4), torch.tensor([2, 1], device=device))
        found += [loss.item(), *torch.autograd.grad(loss, x)[0].cpu().numpy().ravel()]
    half = len(found) // 2
    assert found[:half] == pytest.approx(found[half:], rel=1e-12)


class TestPretended:
    @pytest.mark.parametrize("name", OPERATIONS)
    def test_operations(self, name, cuda):
        draw = np.random.default_rng(0)
        arrays = [draw.standard_normal((4, 4)) for _ in range(2)]
        self.check(OPERATIONS[name], arrays)

    @pytest.mark.parametrize("name", IMAGES)
    def test_images(self, name, cuda):
        draw = np.random.default_rng(0)
        arrays = [draw.standard_normal((2, 3, 8, 8)), draw.standard_normal((4, 3, 3, 3))]
        self.check(IMAGES[name], arrays)

    @staticmethod
    def check(operation, arrays):
        here, there = (results(operation, arrays, device) for device in ("cpu", "cuda"))
        assert len(here) == len(there) > 1
        for a, b in zip(here, there, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize(
        "make",
        [
            lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
            lambda p: optim.Momentum(p, lr=0.1),
            lambda p: optim.RMSprop(p, lr=0.01),
            lambda p: optim.Adagrad(p, lr=0.1),
            lambda p: optim.Adam(p, lr=0.01),
            lambda p: optim.AdamW(p, lr=0.01),
        ],
    )
    def test_a_network_trains_as_on_the_cpu(self, make, cuda):
        def losses(device):
            torch.manual_seed(0)
            model = nn.Sequential(
                nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                nn.Linear(48, 5),
            )  # fmt: skip
            optimizer = make(model.parameters())  # made before the move, and works after it
            model.to(device)
            x = torch.randn(6, 1, 8, 8, device=device)
            target = torch.arange(6, device=device) % 5
            found = []
            for _ in range(5):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), target)
                loss.backward()
                optimizer.step()
                found.append(loss.item())
            return found

        np.testing.assert_allclose(losses("cuda"), losses("cpu"), rtol=1e-5)

    def test_a_training_step_copies_nothing_from_or_to_the_host(self, cuda):
        model = nn.Linear(3, 2).to("cuda")
        optimizer = optim.Adam(model.parameters())
        x, y = torch.randn(4, 3, device="cuda"), torch.randn(4, 2, device="cuda")

        def step():
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()

        step()
        before = dict(fake_cupy.copies)
        step()
        assert fake_cupy.copies == before

    def test_mixing_devices(self, cuda):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            torch.ones(2) + torch.ones(2, device="cuda")

    def test_the_rest_of_a_tensors_life(self, cuda):
        x = torch.tensor([[1.0, 2.0]], device="cuda", requires_grad=True)
        assert repr(x) == "tensor([[1., 2.]], device='cuda:0', requires_grad=True)"
        assert x.is_cuda
        assert x.tolist() == [[1.0, 2.0]]
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            x.detach().numpy()
        back = x.to("cpu")
        back.sum().backward()
        assert x.grad.device == torch.device("cuda:0")
        y = x.detach().clone()
        y[0, 1] = 5.0
        y += 1
        y.mul_(2)
        assert y.tolist() == [[4.0, 12.0]]
        assert torch.zeros_like(x).device == x.device
        assert x.double().dtype == torch.float64
        assert bool((x == x).all())

    def test_no_such_gpu(self, cuda):
        with pytest.raises(
            RuntimeError, match=r"invalid device ordinal: cuda:7; this machine has 1"
        ):
            torch.ones(1).to("cuda:7")


class TestDefault:
    @pytest.fixture(autouse=True)
    def _as_before(self):
        yield
        torch.set_default_device(None)

    def test_new_tensors_are_put_there(self, cuda):
        data = np.ones(2, np.float32)
        x = torch.ones(2)
        assert torch.get_default_device() == torch.device("cpu")
        torch.set_default_device("cuda")
        assert torch.get_default_device() == torch.device("cuda", 0)
        for made in (
            torch.zeros(2),
            torch.tensor([1.0]),
            torch.arange(3),
            torch.as_tensor(data),
            torch.as_tensor(x),
            torch.randn(2),
            nn.Linear(2, 2).weight,
        ):
            assert made.is_cuda
        for made in (torch.from_numpy(data), torch.ones_like(x), torch.zeros(2, device="cpu"), x):
            assert not made.is_cuda
        assert isinstance(torch.zeros(2), torch.cuda.FloatTensor)
        assert torch.zeros(2).type() == "torch.cuda.FloatTensor"
        assert torch.cuda.FloatTensor([1, 2]).is_cuda
        assert torch.zeros(2).get_device() == 0
        assert x.type("torch.cuda.LongTensor").is_cuda

    def test_the_default_type_says_where_too(self, cuda):
        torch.set_default_tensor_type("torch.cuda.FloatTensor")
        assert torch.ones(1).is_cuda
        torch.set_default_tensor_type(torch.FloatTensor)
        assert not torch.ones(1).is_cuda

    def test_blocks(self, cuda):
        device, host = torch.device("cuda"), torch.device("cpu")
        with device as entered:
            assert entered is device
            assert torch.ones(1).is_cuda
            with host, device, host:
                assert not torch.ones(1).is_cuda
            assert torch.ones(1).is_cuda
        assert not torch.ones(1).is_cuda

    @without_cupy
    def test_without_a_gpu(self):
        for ask in (lambda: torch.set_default_device("cuda"), lambda: torch.device(0)):
            with pytest.raises(RuntimeError, match="device 'cuda' needs CuPy"):
                ask()
        torch.set_default_device("cpu")
        assert torch.ones(1).device == torch.get_default_device() == torch.device("cpu")
