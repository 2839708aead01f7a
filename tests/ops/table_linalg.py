"""Linear algebra, for the table of operations: factors only by what does not depend on a sign."""

from __future__ import annotations

_OF_ONE = """
det(a)
slogdet(a)
inv(a)
inv_ex(a)[0]
matrix_exp(a)
matrix_exp(3 * a)
matrix_power(a, 1)
matrix_power(a, 5)
matrix_power(a, -2)
matrix_power(a, 0) * a
qr(a)
qr(a[..., :2])
qr(a[..., :2, :])
qr(a[..., :2, :], 'complete')
svdvals(a[..., :2])
svd(a[..., :2, :])[1]
cholesky(a @ a.mT)
cholesky(a @ a.mT, upper=True)
cholesky_ex(a @ a.mT)[0]
eigvalsh(a + a.mT)
eigvalsh(a + a.mT, 'U')
eigh(a + a.mT)[0]
eig(a)[0].abs()
eigvals(a).abs()
pinv(a[..., :2])
pinv(a[..., :2, :], rtol=0.001)
matrix_rank(a[..., :1] * a[..., :1, :])
matrix_rank(a @ a.mT, hermitian=True)
matrix_rank(a, atol=1.0)
lu(a)
lu(a[..., :2])
lu(a[..., :2, :])
lu_factor(a)[0]
lu_factor_ex(a)
norm(a)
norm(a, 3, 0)
norm(a, 1, (0, 1))
vector_norm(a, 3, 0)
vector_norm(a, -1)
vector_norm(a, keepdim=True)
matrix_norm(a)
matrix_norm(a, 2)
matrix_norm(a, -2, keepdim=True)
matrix_norm(a, 'nuc')
matrix_norm(a, 1, (1, 0))
matrix_norm(a, -1)
matrix_norm(a, torch.inf, keepdim=True)
matrix_norm(a, -torch.inf)
cond(a)
cond(a[..., :2], -2)
diagonal(a, offset=1)
vander(a, N=4)
vander(a[0])
cross(a[..., :3], a[..., 1:] * 2, dim=1)
householder_product(a, a[..., 0, :2])
tensorinv(a.reshape(2, 2, 4))
tensorinv(a, ind=1)
"""
_OF_TWO = """
solve(a, b)
solve(a, b[:, 0])
solve(a, b.mT, left=False)
solve_ex(a, b)[0]
solve_triangular(a, b, upper=True)
solve_triangular(a, b, upper=False, unitriangular=True)
solve_triangular(a, b.mT, upper=True, left=False)
solve_triangular(a, b.mT, upper=False, left=False, unitriangular=True)
lu_solve(*torch.linalg.lu_factor(a), b)
lu_solve(*torch.linalg.lu_factor(a), b, adjoint=True)
lu_solve(*torch.linalg.lu_factor(a), b.mT, left=False)
lu_solve(*torch.linalg.lu_factor(a), b.mT, left=False, adjoint=True)
lstsq(a[:, :2], b, driver='gelsd')[:3]
lstsq(a[:, :2], b[:, 0], driver='gels')[0]
lstsq(a[:2], b[:2], driver='gelsy')[0]
multi_dot([b.mT, a, b, b[0]])
multi_dot([b[:, 0], a, a, b[:, 1]])
vecdot(a[:, :2], b, dim=0)
tensorsolve(a.reshape(2, 2, 4), b[:2])
tensorsolve(a.reshape(4, 2, 2), b[:, 0], dims=(1, 2))
"""
_COMPLEX = """
torch.linalg.inv(z)
torch.linalg.det(z)
torch.linalg.slogdet(z)[0]
torch.linalg.solve(z, z[:, :2] * 2)
torch.linalg.solve_triangular(z, z[:, :2], upper=False)
torch.linalg.cholesky(z @ z.mH)
torch.linalg.qr(z)[1]
torch.linalg.qr(z[:2])[0]
torch.linalg.pinv(z[:, :2])
torch.linalg.matrix_exp(z)
torch.linalg.lu(z)[1]
torch.linalg.eigvals(z).sum()
torch.linalg.svdvals(z) + 0j
torch.linalg.eigvalsh(z + z.mH) + 0j
torch.cholesky_solve(z, torch.linalg.cholesky(z @ z.mH), False)
torch.linalg.lu_solve(*torch.linalg.lu_factor(z), z[:2], left=False, adjoint=True)
torch.linalg.vecdot(z, z[0])
"""
# What is right whatever the signs and phases of the vectors.
_VECTORS = """
u, s, vh = torch.linalg.svd(a)
out = abs(u), s, (u * s) @ vh * vh
u, s, vh = torch.linalg.svd(a[:, :2], full_matrices=False)
out = abs(u * a[:, :2]), abs(vh)
u, s, v = torch.svd(a[:2])
out = (u * s) @ v.mT, abs(v)
w, v = torch.linalg.eigh(a + a.mT)
out = w, abs(v), (v * w) @ v.mT
w, v = torch.linalg.eig(a)
out = abs(w), abs(v)
u, s, vh = torch.linalg.svd(torch.complex(a, a.mT * 2)[:, :3], False)
out = abs(u), abs(vh)
w, v = torch.linalg.eigh(torch.complex(a + a.mT, a - a.mT))
out = w, abs(v)
w, v = torch.linalg.eig(torch.complex(a, a.mT * 2))
out = abs(w), abs(v)
"""
_FORMER = """
a.det()
a.inverse()
a.logdet()
(a @ a.mT).logdet()
a.slogdet()
a.qr(some=False)
a[:, :2].qr()
a.svd(compute_uv=False)[1]
(a @ a.mT).cholesky(upper=True)
a.pinverse()
a.matrix_power(2)
a.matrix_exp()
a.lu()[0]
torch.lu(a, get_infos=True)
torch.lu_unpack(*torch.lu(a))
(a * a).lu_solve(*torch.lu(a))
a.triangular_solve(a)
a.triangular_solve(a, upper=False, transpose=True, unitriangular=True)[0]
torch.cholesky_inverse(torch.linalg.cholesky(a @ a.mT))
torch.cholesky_solve(a, torch.linalg.cholesky(a @ a.mT, upper=True), upper=True)
"""


def programs() -> list[tuple[str, tuple[str, ...]]]:
    """Return expressions, and the inputs that they are tried on."""
    rows = [(f"torch.linalg.{e}", ("normal 4 4",)) for e in _OF_ONE.strip().splitlines()]
    rows += [(f"torch.linalg.{e}", ("normal 2 4 4",)) for e in ("inv(a)", "svdvals(a)", "lu(a)")]
    rows += [(f"torch.linalg.{e}(a)", ("normal 0 3 3",)) for e in ("inv", "det", "qr", "lu")]
    rows += [(f"torch.linalg.{e}(a)", ("normal 2 0 0",)) for e in ("inv", "slogdet", "pinv", "lu")]
    rows += [
        (f"torch.linalg.{e}", ("normal 4 4", "normal 4 2")) for e in _OF_TWO.strip().split("\n")
    ]
    rows += [("torch.linalg.solve(a, b)", ("normal 2 3 3", "normal 3 1"))]
    rows += [
        (
            f"z = torch.complex(a, b)\nout = torch.view_as_real(({e}).resolve_conj())",
            ("normal 3 3", "normal 3 3"),
        )
        for e in _COMPLEX.strip().splitlines()
    ]
    lines = _VECTORS.strip().splitlines()
    rows += [("\n".join(pair), ("normal 4 4",)) for pair in zip(lines[::2], lines[1::2])]
    return rows + [(e, ("normal 4 4",)) for e in _FORMER.strip().splitlines()]
