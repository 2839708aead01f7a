"""Programs of ``torch.func`` and ``autograd.functional``, whose answers PyTorch stored."""

from __future__ import annotations

from typing import Any

import numpy as np

PROGRAMS = """
grad(f)(x)
grad(lambda x: grad(f)(x).sum())(x)
grad(grad(lambda x: x**4))(torch.tensor(2.))
grad(grad(grad(lambda x: x.sin())))(torch.tensor(2.))
grad(f)(w)
grad(lambda x: (x*w).sum())(x)
grad(lambda x: (x*x*w).sum())(x)
grad(lambda x: (x*x).sum()+(w*w).sum())(x)
torch.autograd.grad(grad(lambda x: (x*x*w).sum())(x).sum(), w)
torch.autograd.grad(grad(f)(w).sum(), w)
grad_and_value(f)(x)
grad(lambda x: (f(x), x.sum()), has_aux=True)(x)
grad_and_value(lambda x: (f(x), x.sum()), has_aux=True)(x)
grad(lambda a, b: (a*b).sum(), argnums=(0, 1))(x, x*2)
grad(lambda a, b: (a*b).sum(), argnums=1)(x, x*2)
grad(lambda a, b: (a*b).sum(), argnums=-1)(x, x*2)
grad(lambda d: (d['a']*d['b'][0]).sum())({'a': x, 'b': [x]})
grad(lambda x: x)(x)
grad(lambda x: 3.)(x)
grad(f)(3.)
grad(f, argnums=2)(x)
grad(f, argnums='a')(x)
grad(f, has_aux=True)(x)
grad(lambda a, b: (a*1).sum(), argnums=(0, 1))(x, x)
grad(lambda x: grad(lambda y: (x*y).sum())(x).sum())(x)
grad(lambda x, k=1: (x*k).sum())(x, k=3)
vjp(lambda x: x*2, x)[1](torch.ones(3))
vjp(lambda x: x*2, x)[0]
vjp(lambda x, y: (x*2, y), x, x)[1]((x, x))
vjp(lambda d: d['a']*2, {'a': x})[1](x)
vjp(lambda x: x*2, x)[1](torch.ones(2))
vjp(lambda x: x*2, w)[0]
vjp(lambda x: x*x, w)[1](x)
vjp(lambda x: (x*2, x.sum()), x, has_aux=True)[2]
vjp(lambda x: 3, x)
(lambda v: (v(x), v(x)))(vjp(lambda x: x**2, x)[1])
vjp(lambda x, y: x*1, x, x)[1](x)
vjp(lambda x: {'o': x*2}, x)[1]({'o': x})
jvp(lambda x: x**2, (x,), (x,))
jvp(lambda x, y: (x*y, x), (x, x), (x, x))
jvp(lambda x: x, x, x)
jvp(lambda x: x, (x,), x)
jvp(lambda x: x, (x,), (x[:2],))
jvp(lambda x: (x*1, x.sum()), (x,), (x,), has_aux=True)
jvp(lambda x: torch.ones(2), (x,), (x,))
jvp(lambda x: x**3, (torch.tensor(2.),), (torch.tensor(1.),))
jvp(lambda x: grad(lambda y: (y**3).sum())(x), (x,), (torch.ones(3),))
grad(lambda x: jvp(lambda y: (y**3).sum(), (x,), (torch.ones(3),))[1])(x)
jacrev(lambda x: x**2)(x)
jacrev(lambda x, y: (x*y, x.sum()), argnums=(0, 1))(x, x)
jacrev(lambda x: {'a': x*2})(x)
jacrev(lambda x: (x*1, x.sum()), has_aux=True)(x)
jacrev(lambda d: d['a']*d['b'])({'a': x[:2], 'b': x[:2]})
jacrev(lambda x: x**2, argnums=(0,))(x[:2])
jacrev(lambda x: 3.)(x)
jacrev(lambda x: x.sum())(x)
jacrev(lambda x: x[None]*x[:, None])(x[:2])
jacrev(lambda x: x*w)(x)
jacrev(lambda x: (x*x).exp())(w).shape
jacfwd(lambda x: x**2)(x[:2])
hessian(f)(x[:2])
hessian(lambda a, b: (a*b).sum(), argnums=(0, 1))(x[:2], x[:2])
hessian(lambda x: (x**2*w).sum())(x)
jacrev(jacrev(lambda x: x**3))(x[:2])
vmap(torch.dot)(M, M)
vmap(torch.dot, in_dims=(0, None))(M, x)
vmap(lambda x: x*2, out_dims=1)(M)
vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(M)
vmap(lambda x: {'a': x})(M)
vmap(torch.dot)(M, torch.ones(3, 3))
vmap(torch.dot, in_dims=(0,))(M, x)
vmap(lambda x: x, in_dims=5)(x)
vmap(lambda x: 3)(x)
vmap(lambda x: x, in_dims=None)(x)
vmap(lambda x: x)(3)
vmap(lambda x: x, out_dims=(0, 1))(x)
vmap(lambda x: x, in_dims='a')(x)
vmap(lambda x: x+torch.rand(1))(x)
vmap(lambda x: x, randomness='x')(x)
vmap(lambda d: d['a']+1, in_dims=({'a': 1},))({'a': M})
vmap(lambda: x)()
vmap(lambda x: x, in_dims=-1, out_dims=-1)(M)
vmap(lambda x, k=1: x*k)(x, k=3)
vmap(lambda x: x, out_dims=5)(x)
vmap(lambda x: x*1, out_dims=None)(x)
vmap(lambda x: x*2, chunk_size=2)(x)
vmap(lambda x: x*2, chunk_size=0)(x)
vmap(lambda x: x*2)(torch.ones(0, 3))
vmap(lambda x: torch.ones(2))(x)
vmap(vmap(lambda a, b: a*b, in_dims=(None, 0)), in_dims=(0, None))(x, x)
vmap(grad(lambda x: (x**2).sum()))(M)
grad(lambda M: vmap(lambda r: (r**2).sum())(M).sum())(M)
vmap(lambda a, b: a+b, in_dims=(1, 0))(M, x)
vmap(lambda a: a.sum(), in_dims=(0,), out_dims=0)(M)
vmap(lambda a, b: a*b[0]+b[1], in_dims=(0, (0, None)))(M, (M, x))
vmap(lambda a: [a, a*2], out_dims=[0, 1])(M)
functional_call(m, {k:v*0 for k, v in p.items()}, (x,))
functional_call(m, p, x)
functional_call(m, d, (x,))
functional_call(m, {'foo':x}, (x,))
functional_call(m, {'weight':p['weight']}, (x,), strict=True)
functional_call(m, {**p, 'foo':x}, (x,), strict=True)
functional_call(m, [{'weight':d['weight']*0}, {'bias':d['bias']*0}], (x,))
functional_call(m, [p, p], (x,))
functional_call(m, 3, (x,))
functional_call(m, p, None, {'input':x})
functional_call(m, {'weight':3}, (x,))
grad(lambda p: functional_call(m, p, (x,)).sum())(d)
vmap(grad(lambda p, x: functional_call(m, p, (x,)).sum()), in_dims=(None, 0))(d, M)
stack_module_state([m, m])
stack_module_state([])
stack_module_state([m, nn.ReLU()])
vmap(lambda p, b: functional_call(m, (p, b), (x,)))(*stack_module_state([m, m]))
A.hvp(f, x)
A.hvp(f, x, torch.ones(3))
A.vhp(f, x, x)
A.hvp(f, x, torch.ones(2))
A.hvp(lambda x: x, x, torch.ones(3))
A.hvp(lambda x: (x.sum(), x.sum()), x, torch.ones(3))
A.hvp(lambda x: x.sum(), x, torch.ones(3), strict=True)
A.vhp(lambda x: x.sum(), x, torch.ones(3), strict=True)
A.hvp(lambda x: x.sum(), x, torch.ones(3))
A.hvp(lambda x, y: (x*x).sum(), (x, x), (x, x), strict=True)
A.vhp(lambda x, y: (x*x).sum(), (x, x), (x, x), strict=True)
A.hvp(lambda x, y: (x*x*y).sum(), (x, x), (x, x))
A.vhp(lambda x, y: (x*x*y).sum(), (x, x), (x, x))
A.hvp(f, torch.tensor(2.))
A.vhp(lambda x: x**3, torch.tensor(2.), create_graph=True)
A.hvp(f, w, x, create_graph=True)
A.vhp(f, w, x, create_graph=True)
A.vhp(f, w, x)
A.hessian(lambda x: x.sum(), x, strict=True)
A.hessian(lambda x, y: (x*x).sum(), (x, x), strict=True)
A.hessian(lambda x, y: (x*x*y).sum(), (x, x), strict=True)
A.jacobian(lambda x: x**2, x, vectorize=True, strategy="forward-mode")
A.jacobian(lambda x: x**2, x, vectorize=True, strict=True)
A.jacobian(lambda x: x**2, w, create_graph=True)
A.jvp(lambda x: x**2, x, x)
A.vjp(lambda x: x**2, x, x)
A.jvp(lambda x: x**2, w, x, create_graph=True)
A.hvp(f, [x], x)
A.jacobian(lambda x: x**2, [x])
""".strip().split("\n")


def answers(torch: Any) -> dict[str, Any]:
    """Return the answer of each program: what it gives, or the first line of its error."""
    return {program: _answer(torch, program) for program in PROGRAMS}


def _answer(torch: Any, program: str) -> Any:
    m = torch.nn.Linear(3, 2)
    with torch.no_grad():
        m.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        m.bias.copy_(torch.tensor([1.0, 2.0]))
    scope = {
        **{name: getattr(torch.func, name) for name in FUNCTIONS},
        "torch": torch,
        "nn": torch.nn,
        "A": torch.autograd.functional,
        "x": torch.arange(1.0, 4.0),
        "M": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        "w": torch.tensor([2.0, 3.0, 4.0], requires_grad=True),
        "f": lambda x: (x**3).sum(),
        "m": m,
        "p": dict(m.named_parameters()),
        "d": {name: p.detach() for name, p in m.named_parameters()},
    }
    try:
        return _plain(torch, eval(program, scope))
    except Exception as error:
        text = str(error).split("\n")[0].split("structure")[0]
        return f"{type(error).__name__}: {text}"


FUNCTIONS = (
    "grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian", "vmap",
    "functional_call", "stack_module_state",
)  # fmt: skip


def _plain(torch: Any, value: Any) -> Any:
    """Return a result in what JSON knows."""
    if isinstance(value, torch.Tensor):
        array = np.round(value.detach().numpy().astype(float), 4)
        return [str(value.dtype).removeprefix("torch."), value.requires_grad, array.tolist()]
    if isinstance(value, dict):
        return {name: _plain(torch, x) for name, x in value.items()}
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, *[_plain(torch, x) for x in value]]
    return str(value)
