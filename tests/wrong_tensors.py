"""Rows of the table of wrong arguments (wrong_arguments.py), for functions of tensors.

Functions of one or two tensors by their names, the others as calls.
"""

_ONE = """
fix arccos arcsin arctan arccosh arcsinh arctanh adjoint atleast_1d atleast_2d atleast_3d fliplr
flipud conj_physical deg2rad digamma erfc erfinv frexp isreal lgamma rad2deg signbit sinc corrcoef
msort pdist nanmedian
"""
_TWO = """
arctan2 greater greater_equal less less_equal not_equal copysign fmax fmin heaviside ldexp
logaddexp2 nextafter xlogy float_power isin kron
"""
ROWS = [f"torch.{name}(x)" for name in _ONE.split()]
ROWS += [f"torch.{name}(x, x)" for name in _TWO.split()]
ROWS += """
torch.gcd(i, i)
torch.lcm(i, i)
torch.logit(x, 0.1)
torch.mvlgamma(x + 2, 2)
torch.polygamma(1, x)
torch.block_diag(x, x)
torch.cartesian_prod(v, v)
torch.column_stack([x, x])
torch.dstack([x, x])
torch.row_stack([x, x])
torch.combinations(v, 2, True)
torch.diagflat(x, 1)
torch.diagonal_scatter(m, v, 0, 0, 1)
torch.hsplit(x, 3)
torch.vsplit(x, [1])
torch.dsplit(b, 3)
torch.tensor_split(x, 2, 1)
torch.split_with_sizes(x, [1, 2], 1)
torch.index_reduce(x, 0, j, x, 'prod', include_self=False)
torch.masked_scatter(x, c, x)
torch.put(x, j, v[:2], False)
torch.rot90(x, 1, [0, 1])
torch.select_scatter(x, v, 0, 1)
torch.slice_scatter(x, x, 0, 0, 2, 1)
torch.unravel_index(j, (2, 3))
torch.vander(v, 3, True)
torch.cummax(x, 1)
torch.cummin(x, 1)
torch.logcumsumexp(x, 1)
torch.diff(x, 1, 1, x, x)
torch.trapezoid(x, dx=2.0, dim=1)
torch.trapezoid(x, x)
torch.trapz(x, dx=2.0, dim=1)
torch.cumulative_trapezoid(x, dx=2.0, dim=1)
torch.gradient(x, spacing=1.0, dim=1, edge_order=1)
torch.aminmax(x, dim=1, keepdim=True)
torch.bincount(j, v[:2], 4)
torch.bucketize(x, v, out_int32=True, right=True)
torch.searchsorted(v, x, out_int32=True, right=True)
torch.searchsorted(v, x, side='left', sorter=torch.tensor([0, 1, 2]))
torch.cov(x, correction=0, fweights=torch.tensor([1, 2, 3]), aweights=v)
torch.histc(x, 4, 0, 1)
torch.histogram(x, 4, range=(0.0, 1.0), weight=x, density=True)
torch.kthvalue(x, 1, 1, True)
torch.mode(x, 1, True)
torch.nanmedian(x, 1, True)
torch.quantile(x, 0.5, 1, True, interpolation='linear')
torch.nanquantile(x, 0.5, 1, True, interpolation='linear')
torch.unique(x, True, True, True, 0)
torch.unique_consecutive(x, True, True, 0)
torch.addbmm(m, b, b, beta=2, alpha=2)
torch.addr(x, v[:2], v, beta=2, alpha=2)
torch.cdist(x, x, 2.0)
torch.chain_matmul(x, m)
torch.cross(x, x, 1)
torch.dist(x, x, 2)
torch.ger(v, v)
torch.vdot(v, v)
torch.renorm(x, 2, 0, 1.0)
torch.tensordot(x, m, 1)
torch.logspace(0, 1, 3, 10.0)
torch.range(0, 3, 1)
torch.tril_indices(3, 3, 1)
torch.triu_indices(3, 3, 1)
torch.asarray([1.0, 2.0], dtype=torch.float64, copy=True, requires_grad=True)
torch.frombuffer(bytearray(8), dtype=torch.float32, count=1, offset=4, requires_grad=True)
""".strip().splitlines()
