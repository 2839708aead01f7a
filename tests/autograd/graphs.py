"""Programs whose graph is walked by ``grad_fn`` and ``next_functions``, here and in PyTorch."""

from __future__ import annotations

from typing import Any

START = """
x = torch.ones(4, 3, requires_grad=True)
w = torch.ones(3, requires_grad=True)
t = torch.zeros(4, 3)
images = torch.ones(2, 1, 8, 8)
classes = torch.tensor([0, 1, 2, 0])
net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
convolved = lambda: nn.Conv2d(1, 2, 3)(images)
y = x * 1
"""
PROGRAMS = """
x * w + 1
2 + x
1 - x
torch.rsub(x, w)
2 / x
x / w / 4
-x
x ** 2
x ** 0.5
2 ** x
x ** w
(x - t).pow(2).mean()
x.exp().log1p().tanh().sigmoid().relu().abs().sqrt()
torch.where(x > 0, x, t)
x.clamp(0, 1) + x.clamp(min=0).clamp_min(0).clamp_max(2)
x.clamp(min=w)
x.masked_fill(x > 0, 0.0).masked_fill(x > 0, w.sum())
torch.maximum(x, t).lerp(t, 0.5).addcmul(t, x)
x.sum() + x.mean() + x.prod() + x.max() + x.min() + x.median()
x.sum(1, keepdim=True) + x.mean(1, keepdim=True) + x.max(1, keepdim=True)[0]
x.std(0) + x.var(0) + x.logsumexp(0) + x.amax(0) + x.norm(dim=0) + x.min(0).values
x.cumsum(0).sort(0)[0].topk(2, 0)[0]
x.softmax(1) * x.log_softmax(1)
x[0]
x[1:3, 0]
x[:, 1:]
x[None, ..., -1]
x[classes][x[classes] > 0]
x.gather(1, classes[:, None]) * x.index_select(0, classes)
x.scatter_add(1, classes[:, None], x[:, :1])
torch.cat([x, t, x]).split(2)[1]
torch.stack([x, x])
x.view(12).reshape(3, 4).flatten().unsqueeze(0).squeeze(0).unsqueeze(1).squeeze()
x.t() @ x
x.T.permute(1, 0).transpose(0, 1).mT
x.expand(2, 4, 3).repeat(1, 1, 2).flip(0).roll(1, 0).tril().clone()
x @ w
w @ w
(x[0].view(3, 1) * w).mv(w)
torch.addmm(t, x, x.t() @ x)
torch.bmm(x[None], x.t()[None])
x[None] @ x.t()[None].contiguous()
x.double().float()
nn.Linear(3, 2)(t)
nn.Linear(3, 2, bias=False)(x)
nn.Linear(3, 2)(x.view(2, 2, 3))
F.mse_loss(net(t), torch.zeros(4, 2))
F.cross_entropy(net(x), classes % 2)
nn.NLLLoss()(F.log_softmax(net(x), 1), classes % 2)
F.nll_loss(convolved().log_softmax(1), torch.zeros(2, 6, 6, dtype=torch.int64))
F.l1_loss(x, t) + F.smooth_l1_loss(x, t) + F.huber_loss(x, t) + F.mse_loss(x, t, reduction="none")
F.binary_cross_entropy(torch.sigmoid(x), t) + F.binary_cross_entropy_with_logits(x, t)
F.max_pool2d(F.relu(convolved()), 2).flatten(1)
nn.BatchNorm2d(2)(convolved())
nn.BatchNorm1d(3)(nn.GroupNorm(1, 3)(nn.LayerNorm(3)(x)))
F.avg_pool2d(F.adaptive_avg_pool2d(nn.ConvTranspose2d(1, 2, 3)(images), 4), 2)
nn.Conv1d(3, 2, 2)(x.t()[None])
F.dropout(F.pad(nn.Embedding(4, 3)(classes), (1, 1)), 0.5)
F.gelu(F.silu(F.leaky_relu(F.elu(F.softplus(F.hardswish(x))))), approximate="tanh")
(x * 1).add_(1).mul_(w).relu_()
y.__setitem__(0, w) or y
(y[0].mul_(w), y)[1]
(y.T.sin_(), y)[1]
y.copy_(x) + 1
x.detach() * w
""".strip().split("\n")


def text(node: Any) -> str:
    """Return a graph as names with the inputs in brackets, and a dash for what has no gradient."""
    if node is None:
        return "-"
    assert type(node).__name__ == node.name().rpartition(":")[2]
    inputs = [f"{text(one)}{slot or ''}" for one, slot in node.next_functions]
    return f"{node.name()}({', '.join(inputs)})" if inputs else node.name()


def graphs(torch: Any) -> dict[str, str]:
    """Return the graph of each program."""
    found = {}
    for program in PROGRAMS:
        scope = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
        exec(START, scope)
        found[program] = text(eval(program, scope).grad_fn)
    return found
