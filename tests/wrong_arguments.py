"""The table of wrong arguments: a valid call of every public function, and what does not fit in it.

Each row is Python text that runs with this package and with PyTorch. In turn, each argument of its
outermost call is replaced by each of the values of KINDS. ``python -m tests.goldens`` stores the
class of the error that PyTorch gives, a letter for each kind.
"""

from __future__ import annotations

import ast
import warnings
from typing import Any

import numpy as np

KINDS = {
    "none": "None", "bool": "True", "int": "3", "float": "2.5", "str": "'a'",
    "bytes": "b'a'", "object": "object()", "class": "int", "function": "len", "dict": "{}",
    "set": "{1}", "ellipsis": "...", "slice": "slice(2)", "range": "range(2)",
    "generator": "(n for n in (1, 2))", "empty list": "[]", "list": "[1, 2]",
    "floats": "[1.0, 2.0]", "strings": "['a', 'b']", "nones": "[None]", "tuple": "(1,)",
    "nested": "[[1.0, 2.0]]", "array": "np.ones((2, 3), np.float32)",
    "numpy float": "np.float32(1.5)", "numpy int": "np.int64(1)", "module": "nn.ReLU()",
    "parameters": "nn.Linear(2, 2).parameters()", "dtype": "torch.float32",
    "tensor": "torch.ones(2, 3)", "number": "torch.tensor(1.5)", "index": "torch.tensor(1)",
    "tensors": "[torch.ones(2, 3)]",
}  # fmt: skip


INPUTS = {
    "x": "torch.tensor([[0.5, 0.25, 0.75], [0.1, 0.9, 0.2]])", "v": "torch.ones(3)",
    "m": "torch.ones(3, 3)", "b": "torch.ones(2, 3, 3)", "i": "torch.tensor([[0, 1, 0]])",
    "j": "torch.tensor([0, 1])", "c": "torch.ones(2, 3) > 0", "n": "torch.tensor([[1, 2, 3]])",
    "z": "torch.ones(2, 3, dtype=torch.complex64)",
    "image": "torch.ones(1, 2, 4, 4)", "signal": "torch.ones(1, 2, 4)",
    "q": "[torch.ones(2)]", "p": "[nn.Parameter(torch.ones(2))]",
    "w": "nn.Parameter(torch.ones(3, 3))",
    "optimizer": "torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)",
    "dataset": "data.TensorDataset(torch.ones(4, 2))",
}  # fmt: skip


_FAMILIES = {
    "torch.{}(x)": "neg negative square erf exp exp2 expm1 log log10 log1p log2 reciprocal rsqrt "
    "sigmoid sqrt acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh abs absolute ceil "
    "floor frac sign trunc logical_not relu positive isnan isinf isfinite isneginf isposinf clone "
    "detach numel ravel t argwhere angle sgn conj resolve_conj real is_complex",
    "torch.{}(x, x)": "add div divide fmod floor_divide mul multiply remainder sub subtract "
    "true_divide pow eq ge gt le lt ne atan2 hypot logaddexp maximum minimum logical_and "
    "logical_or logical_xor equal inner max min",
    "torch.{}(x, 1, False)": "all amax amin any argmax argmin max min median sum mean nanmean "
    "nansum logsumexp",
    "torch.{}(x, 1, dtype=torch.float64)": "sum prod mean nansum nanmean cumsum cumprod",
    "torch.{}(x, 1, correction=1, keepdim=True)": "std var std_mean var_mean",
    "torch.{}(i, i)": "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift",
}

ROWS = [form.format(name) for form, names in _FAMILIES.items() for name in names.split()]
ROWS += """
torch.bitwise_not(i)
torch.complex(x, x)
torch.polar(x, x)
torch.imag(z)
torch.view_as_real(z)
torch.view_as_complex(torch.ones(2, 2))
torch.nonzero(x)
torch.nonzero(x, as_tuple=True)
torch.std(x, 1, True, True)
torch.var(x, 1, True, True)
torch.prod(x, 1, True)
torch.exp(x, out=torch.ones(2, 3))
torch.add(x, x, out=torch.ones(2, 3))
torch.add(x, x, alpha=2)
torch.sub(x, x, alpha=2)
torch.div(x, x, rounding_mode='floor')
torch.clamp(x, 0, 1)
torch.clip(x, 0, 1)
torch.clamp(x, torch.zeros(3), v)
torch.clamp_min(x, 0)
torch.clamp_max(x, 1)
torch.lerp(x, x, 0.5)
torch.addcmul(x, x, x, value=2)
torch.addcdiv(x, x, x, value=2)
torch.masked_fill(x, c, 1)
torch.nan_to_num(x, 0.0, 1.0, 2.0)
torch.round(x, decimals=1)
torch.where(c, x, x)
torch.allclose(x, x, 0.1, 0.1, True)
torch.isclose(x, x, 0.1, 0.1, True)
torch.broadcast_to(x, (2, 2, 3))
torch.chunk(x, 2, 1)
torch.diag(x, 0)
torch.diag_embed(x, 0, 0, 1)
torch.diagonal(x, 0, 0, 1)
torch.flatten(x, 0, 1)
torch.flip(x, (0, 1))
torch.moveaxis(x, 0, 1)
torch.movedim(x, (0, 1), (1, 0))
torch.narrow(x, 0, 0, 1)
torch.permute(x, (1, 0))
torch.reshape(x, (3, 2))
torch.roll(x, 1, 0)
torch.roll(x, (1, 1), (0, 1))
torch.split(x, 1, 1)
torch.split(x, [1, 2], 1)
torch.squeeze(x)
torch.squeeze(x, 0)
torch.swapaxes(x, 0, 1)
torch.swapdims(x, 0, 1)
torch.tile(x, (2, 2))
torch.transpose(x, 0, 1)
torch.tril(x, 1)
torch.triu(x, 1)
torch.unbind(x, 1)
torch.unflatten(x, 1, (3, 1))
torch.unsqueeze(x, 1)
torch.broadcast_tensors(x, v)
torch.cat([x, x], 1)
torch.concat([x, x], 1)
torch.concatenate([x, x], 1)
torch.hstack([x, x])
torch.vstack([x, x])
torch.stack([x, x], 1)
torch.meshgrid(v, v, indexing='ij')
torch.count_nonzero(x, 1)
torch.diff(x, 1, 1)
torch.gather(x, 0, i)
torch.index_add(x, 0, j, x, alpha=2)
torch.index_copy(x, 0, j, x)
torch.index_fill(x, 0, j, 1)
torch.index_put(x, (j, j), v[:2], True)
torch.index_select(x, 0, j)
torch.masked_select(x, c)
torch.repeat_interleave(x, 2, 1)
torch.repeat_interleave(x, torch.tensor([1, 2]), 0)
torch.scatter(x, 0, i, x)
torch.scatter(x, 0, i, 1.0)
torch.scatter(x, 0, i, value=1.0)
torch.scatter(x, 0, i, x, reduce='add')
torch.scatter_add(x, 0, i, x)
torch.scatter_reduce(x, 0, i, x, 'sum', include_self=False)
torch.select(x, 0, 1)
torch.take(x, j)
torch.take_along_dim(x, i, 0)
torch.argsort(x, 1, True)
torch.argsort(x, dim=1, stable=True)
torch.sort(x, 1, True)
torch.sort(x, dim=1, stable=True)
torch.topk(x, 1, 1, True, True)
torch.unique(x, True, True, True)
torch.addmm(x, x, m, beta=2, alpha=2)
torch.addmv(torch.ones(2), x, v, beta=2, alpha=2)
torch.baddbmm(b, b, b, beta=2, alpha=2)
torch.bmm(b, b)
torch.dot(v, v)
torch.einsum('ij,jk->ik', x, m)
torch.matmul(x, m)
torch.mm(x, m)
torch.mv(x, v)
torch.norm(x, 2, 1, True)
torch.norm(x, p='fro', dim=(0, 1), dtype=torch.float64)
torch.outer(v, v)
torch.trace(x)
torch.log_softmax(x, 1, torch.float64)
torch.softmax(x, 1, torch.float64)
torch.arange(3)
torch.arange(1, 6, 2, dtype=torch.float32, requires_grad=True)
torch.as_tensor([1, 2], dtype=torch.float32)
torch.tensor([1.0], dtype=torch.float64, device='cpu', requires_grad=True)
torch.bernoulli(x)
torch.empty(2, 3)
torch.empty((2, 3), dtype=torch.float64, device='cpu', requires_grad=True)
torch.zeros(2, 3)
torch.ones(2, 3)
torch.ones(size=(2, 3))
torch.rand(2, 3, generator=None)
torch.randn(2, 3)
torch.empty_like(x, dtype=torch.float64)
torch.zeros_like(x, dtype=torch.float64, device='cpu', requires_grad=True)
torch.ones_like(x)
torch.rand_like(x)
torch.randn_like(x)
torch.randint_like(x, 0, 3)
torch.full_like(x, 2)
torch.eye(2, 3)
torch.from_numpy(np.ones(2))
torch.full((2, 3), 1.5, dtype=torch.float64)
torch.linspace(0, 1, 3)
torch.randint(0, 3, (2,))
torch.randint(3, (2,))
torch.randperm(3)
torch.broadcast_shapes((2, 3), (3,))
torch.promote_types(torch.int64, torch.float32)
torch.manual_seed(1)
torch.set_grad_enabled(True)
torch.device('cpu')
torch.Size((2, 3))
x.expand(2, 2, 3)
x.expand((2, 2, 3))
x.expand_as(x)
x.repeat(2, 2)
x.reshape(3, 2)
x.reshape_as(x)
x.view(3, 2)
x.view_as(x)
x.permute(1, 0)
x.flip(0, 1)
x.sum_to_size(1, 3)
x.size(1)
x.stride(1)
x.to(torch.float64)
x.to('cpu', torch.float64)
x.to(x)
x.type(torch.float64)
x.type_as(x)
x.new_empty(2, 3)
x.new_zeros(2, 3)
x.new_ones((2, 3), dtype=torch.float64)
x.new_full((2, 3), 1)
x.new_tensor([1.0])
x.requires_grad_(True)
x.copy_(x)
x.fill_(1)
x.masked_fill_(c, 1)
x.add_(x, alpha=2)
x.mul_(x)
x.div_(x, rounding_mode='floor')
x.pow_(2)
x.clamp_(0, 1)
x.lerp_(x, 0.5)
x.addcmul_(x, x, value=2)
x.index_add_(0, j, x.clone())
x.index_copy_(0, j, x.clone())
x.index_fill_(0, j, 1)
x.index_put_((j, j), v[:2])
x.scatter_(0, i, x.clone())
x.scatter_add_(0, i, x.clone())
x.scatter_reduce_(0, i, x.clone(), "sum")
x.tril_(1)
x.round_(decimals=1)
x.bernoulli_(0.5)
x.normal_(0.0, 1.0)
x.uniform_(0.0, 1.0)
w.register_hook(len)
w.sum().backward(torch.tensor(1.0), True)
torch.autograd.grad(w.sum(), [w], torch.tensor(1.0))
torch.autograd.backward(w.sum(), torch.tensor(1.0))
F.adaptive_avg_pool2d(image, (2, 2))
F.avg_pool2d(image, 2, 2, 0, True, True, 2)
F.max_pool2d(image, 2, 2, 0, 1, ceil_mode=True, return_indices=True)
F.batch_norm(x, v, v, v, v, True, 0.1, 1e-5)
F.binary_cross_entropy(x, x, x, reduction='sum')
F.binary_cross_entropy_with_logits(x, x, x, reduction='sum', pos_weight=v)
F.conv1d(signal, torch.ones(2, 2, 2), torch.ones(2), 1, 0, 1, 1)
F.conv2d(image, torch.ones(2, 2, 2, 2), torch.ones(2), 1, 0, 1, 1)
F.conv2d(image, torch.ones(2, 2, 2, 2), None, (1, 1), (0, 0), (1, 1))
F.conv_transpose2d(image, torch.ones(2, 2, 2, 2), torch.ones(2), 1, 0, 0, 1, 1)
F.cross_entropy(x, j, v, ignore_index=-1, reduction='sum', label_smoothing=0.1)
F.dropout(x, 0.5, True, False)
F.elu(x, 1.0, False)
F.embedding(i, m, 0, 1.0, 2.0, False, False)
F.gelu(x, approximate='tanh')
F.group_norm(image, 2, torch.ones(2), torch.ones(2), 1e-5)
F.hardswish(x, False)
F.huber_loss(x, x, 'sum', 1.0)
F.l1_loss(x, x, reduction='sum')
F.layer_norm(x, (3,), v, v, 1e-5)
F.leaky_relu(x, 0.1, False)
F.linear(x, m, v)
F.log_softmax(x, 1, dtype=torch.float64)
F.mse_loss(x, x, reduction='sum')
F.nll_loss(x, j, v, ignore_index=-1, reduction='sum')
F.normalize(x, 2.0, 1, 1e-5)
F.one_hot(i, 3)
F.pad(x, (1, 1), 'constant', 0.0)
F.relu(x, False)
F.sigmoid(x)
F.silu(x, False)
F.smooth_l1_loss(x, x, reduction='sum', beta=1.0)
F.softmax(x, 1, dtype=torch.float64)
F.softplus(x, 1.0, 20.0)
F.tanh(x)
F.unfold(image, 2, 1, 0, 1)
nn.init.calculate_gain('leaky_relu', 0.1)
nn.init.constant_(m, 1.0)
nn.init.dirac_(b, 1)
nn.init.eye_(m)
nn.init.kaiming_normal_(m, 0.1, 'fan_in', 'leaky_relu')
nn.init.kaiming_uniform_(m, 0.1, 'fan_in', 'leaky_relu')
nn.init.normal_(m, 0.0, 1.0)
nn.init.ones_(m)
nn.init.zeros_(m)
nn.init.orthogonal_(m, 1.0)
nn.init.trunc_normal_(m, 0.0, 1.0, -2.0, 2.0)
nn.init.uniform_(m, 0.0, 1.0)
nn.init.xavier_normal_(m, 1.0)
nn.init.xavier_uniform_(m, 1.0)
nn.utils.clip_grad_norm_(p, 1.0, 2.0)
nn.utils.clip_grad_value_(q, 1.0)
nn.utils.clip_grads_with_norm_(p, 1.0, torch.tensor(1.0))
nn.utils.get_total_norm(p, 2.0)
nn.utils.parameters_to_vector(p)
nn.utils.vector_to_parameters(torch.ones(2), p)
nn.Parameter(x, True)
nn.ModuleDict({'a': nn.ReLU()})
nn.ModuleList([nn.ReLU()])
nn.ParameterDict({'a': w})
nn.ParameterList([w])
nn.Sequential(nn.ReLU(), nn.Tanh())
nn.Flatten(0, 1)
nn.Flatten(0, 1)(x)
nn.Identity()(x)
nn.Linear(2, 3, True, dtype=torch.float64)
nn.Linear(3, 2)(x)
nn.Unflatten(1, (3, 1))
nn.Unflatten(1, (3, 1))(x)
nn.Embedding(4, 3, 0, 1.0)
nn.Embedding(4, 3)(i)
nn.Dropout(0.5)
nn.Dropout(0.5)(x)
nn.ELU(1.0)
nn.ELU(1.0)(x)
nn.GELU('tanh')
nn.GELU()(x)
nn.Hardswish()(x)
nn.LeakyReLU(0.1)
nn.LeakyReLU(0.1)(x)
nn.LogSoftmax(1)
nn.LogSoftmax(1)(x)
nn.ReLU()(x)
nn.Sigmoid()(x)
nn.SiLU()(x)
nn.Softmax(1)
nn.Softmax(1)(x)
nn.Softplus(1.0, 20.0)
nn.Softplus()(x)
nn.Tanh()(x)
nn.Conv1d(2, 2, 2, 1, 0, 1, 1, True, 'zeros')
nn.Conv1d(2, 2, 2)(signal)
nn.Conv2d(2, 2, 2, 1, 0, 1, 1, True, 'zeros')
nn.Conv2d(2, 2, (2, 2))(image)
nn.ConvTranspose2d(2, 2, 2, 1, 0, 0, 1, True, 1)
nn.ConvTranspose2d(2, 2, 2)(image)
nn.AdaptiveAvgPool2d((2, 2))
nn.AdaptiveAvgPool2d((2, 2))(image)
nn.AvgPool2d(2)
nn.AvgPool2d(2)(image)
nn.MaxPool2d(2)
nn.MaxPool2d(2)(image)
nn.BatchNorm1d(3, 1e-5, 0.1)
nn.BatchNorm1d(3)(x)
nn.BatchNorm2d(2, 1e-5, 0.1)
nn.BatchNorm2d(2)(image)
nn.GroupNorm(1, 2, 1e-5)
nn.GroupNorm(1, 2)(image)
nn.LayerNorm(3, 1e-5)
nn.LayerNorm((3,))(x)
nn.BCELoss()
nn.BCELoss(x)
nn.BCELoss()(x, x)
nn.BCEWithLogitsLoss(x, pos_weight=v)
nn.BCEWithLogitsLoss()(x, x)
nn.CrossEntropyLoss(v, ignore_index=1, label_smoothing=0.1, reduction='sum')
nn.CrossEntropyLoss()(x, j)
nn.HuberLoss('sum', 1.0)
nn.HuberLoss()(x, x)
nn.L1Loss(reduction='sum')
nn.L1Loss()(x, x)
nn.MSELoss(reduction='sum')
nn.MSELoss()(x, x)
nn.NLLLoss(v, ignore_index=1, reduction='sum')
nn.NLLLoss()(x, j)
nn.SmoothL1Loss(reduction='sum', beta=1.0)
nn.SmoothL1Loss()(x, x)
nn.Linear(2, 2).load_state_dict(nn.Linear(2, 2).state_dict(), True)
nn.Linear(2, 2).to(torch.float64)
nn.Linear(2, 2).train(True)
nn.Linear(2, 2).requires_grad_(True)
nn.Linear(2, 2).add_module('a', nn.ReLU())
nn.Linear(2, 2).register_module('a', nn.ReLU())
nn.Linear(2, 2).register_parameter('a', w)
nn.Linear(2, 2).register_buffer('a', x, False)
nn.Linear(2, 2).register_forward_hook(len)
nn.Linear(2, 2).register_forward_pre_hook(len)
nn.Linear(2, 2).get_submodule('')
nn.Linear(2, 2).get_parameter('weight')
nn.Linear(2, 2).zero_grad(True)
nn.Sequential(nn.ReLU()).append(nn.ReLU())
nn.Sequential(nn.ReLU()).insert(0, nn.ReLU())
nn.Sequential(nn.ReLU()).extend([nn.ReLU()])
nn.ModuleList([nn.ReLU()]).append(nn.ReLU())
nn.ModuleList([nn.ReLU()]).insert(0, nn.ReLU())
nn.ModuleList([nn.ReLU()]).extend([nn.ReLU()])
nn.ModuleDict().update({'a': nn.ReLU()})
nn.ParameterList().append(w)
nn.ParameterList().extend([w])
nn.ParameterDict().update({'a': w})
torch.optim.SGD(p, 0.1, 0.9, 0.0, 0.1, True, maximize=True, foreach=False)
torch.optim.Adadelta(p, 1.0, 0.9, 1e-6, 0.1)
torch.optim.Adagrad(p, 0.1, 0.1, 0.1, 0.1, 1e-6)
torch.optim.Adam(p, 0.1, (0.9, 0.9), 1e-6, 0.1, True)
torch.optim.AdamW(p, 0.1, (0.9, 0.9), 1e-6, 0.1, True)
torch.optim.Adamax(p, 0.1, (0.9, 0.9), 1e-6, 0.1)
torch.optim.NAdam(p, 0.1, (0.9, 0.9), 1e-6, 0.1, 0.1)
torch.optim.RAdam(p, 0.1, (0.9, 0.9), 1e-6, 0.1)
torch.optim.RMSprop(p, 0.1, 0.9, 1e-6, 0.1, 0.1, True)
optimizer.add_param_group({'params': p})
optimizer.load_state_dict(optimizer.state_dict())
optimizer.step(lambda: 1.0)
optimizer.zero_grad(True)
lr_scheduler.ConstantLR(optimizer, 0.5, 5)
lr_scheduler.CosineAnnealingLR(optimizer, 5, 0.0)
lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5, 1, 0.0)
lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, 5, 5, 'triangular', 1.0)
lr_scheduler.ExponentialLR(optimizer, 0.5)
lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5)
lr_scheduler.LinearLR(optimizer, 0.5, 1.0, 5)
lr_scheduler.MultiStepLR(optimizer, [1, 2], 0.1)
lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
lr_scheduler.OneCycleLR(optimizer, 0.1, 10)
lr_scheduler.PolynomialLR(optimizer, 5, 1.0)
lr_scheduler.ReduceLROnPlateau(optimizer, 'min', 0.1, 10)
lr_scheduler.StepLR(optimizer, 5, 0.1)
data.BatchSampler(data.SequentialSampler([1, 2]), 2, True)
data.ChainDataset([dataset])
data.ConcatDataset([dataset, dataset])
data.DataLoader(dataset, 2, True, drop_last=True)
data.RandomSampler(dataset, True, 3)
data.SequentialSampler(dataset)
data.StackDataset(dataset, dataset)
data.Subset(dataset, [0, 1])
data.SubsetRandomSampler([1, 2])
data.TensorDataset(x, x)
data.WeightedRandomSampler([1.0, 2.0], 2, True)
data.default_collate([x, x])
data.default_convert(x)
data.random_split(dataset, [2, 2])
""".strip().splitlines()


LETTERS = {
    "TypeError": "T", "RuntimeError": "R", "ValueError": "V", "IndexError": "I",
    "NotImplementedError": "N", "AssertionError": "S", "AttributeError": "A", "KeyError": "K",
}  # fmt: skip
"""A letter for each class of error; "." is none."""


class Call:
    """A row of the table with one package, to be called with other arguments."""

    def __init__(self, text: str, package: Any, data: Any) -> None:
        self.text, self.tree = text, ast.parse(text, mode="eval")
        self.scope = {
            "torch": package, "nn": package.nn, "F": package.nn.functional, "np": np, "data": data,
            "lr_scheduler": package.optim.lr_scheduler,
        }  # fmt: skip

        self.places = self.places_of(text)

    @staticmethod
    def places_of(text: str) -> list[str]:
        """Return a name for each argument: its number or its keyword."""
        call: Any = ast.parse(text, mode="eval").body
        return [*map(str, range(len(call.args))), *[keyword.arg for keyword in call.keywords]]

    def error(self, place: str | None = None, kind: str = "") -> Exception | None:
        """Return the error of the call, an argument in it replaced; None if there is none."""
        call: Any = self.tree.body
        for name in {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}:
            if name in INPUTS:
                self.scope[name] = eval(INPUTS[name], self.scope)
            if name == "q":
                self.scope[name][0].grad = self.scope["torch"].ones(2)
        function, args = self._value(call.func), list(map(self._value, call.args))
        options = {keyword.arg: self._value(keyword.value) for keyword in call.keywords}
        if place is not None:
            changed: Any = args if place.isdigit() else options
            changed[int(place) if place.isdigit() else place] = eval(KINDS[kind], self.scope)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(*args, **options)
            except Exception as error:
                return error
        return None

    def _value(self, node: Any) -> Any:
        return eval(compile(ast.Expression(node), self.text, "eval"), self.scope)


def letter(error: Exception | None) -> str:
    """Return the letter for an error."""
    return "." if error is None else LETTERS.get(type(error).__name__, "?")


def answers(package: Any, data: Any) -> dict[str, Any]:
    """Return ``letters``, one for each kind, and ``rows``: for each argument of each, which."""
    calls = [Call(text, package, data) for text in ROWS]
    wrong = [f"{call.text}: {error!r}" for call in calls if (error := call.error())]
    assert not wrong, wrong
    letters: dict[str, int] = {}
    rows = []
    for call in calls:
        found = [
            "".join([letter(call.error(place, kind)) for kind in KINDS]) for place in call.places
        ]
        rows.append([letters.setdefault(text, len(letters)) for text in found])
    return {"letters": list(letters), "rows": rows}


def by_row(stored: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what :func:`answers` returned by the row's text and the argument's place."""
    return {
        text: {
            place: stored["letters"][number]
            for place, number in zip(Call.places_of(text), numbers, strict=True)
        }
        for text, numbers in zip(ROWS, stored["rows"], strict=True)
    }
