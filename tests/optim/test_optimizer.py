"""What all optimizers share: groups, state, steps, errors."""

import copy

import numpy as np
import pytest

from tinygrad_adam import enable_grad, float32, float64, is_grad_enabled, nn, no_grad, optim, tensor

ALL = [
    optim.SGD,
    optim.Momentum,
    optim.RMSprop,
    optim.Adagrad,
    optim.Adadelta,
    optim.Adam,
    optim.AdamW,
    optim.Adamax,
    optim.NAdam,
    optim.RAdam,
]
# Options under which each keeps every state it can have.
FULL = {
    optim.SGD: {"momentum": 0.9},
    optim.RMSprop: {"momentum": 0.9, "centered": True},
    optim.Adam: {"amsgrad": True},
    optim.AdamW: {"amsgrad": True},
}


def parameter(values=(1.0, -2.0, 3.0), dtype=float32, grad=(0.1, -0.2, 0.3)):
    p = tensor(values, dtype=dtype, requires_grad=True)
    if grad is not None:
        p.grad = tensor(grad, dtype=dtype)
    return p


@pytest.fixture(params=ALL, ids=lambda cls: cls.__name__)
def optimizer_class(request):
    return request.param


class TestStep:
    @pytest.mark.parametrize("dtype", [float32, float64])
    def test_dtype_identity_and_gradient_are_kept(self, optimizer_class, dtype):
        p = parameter(dtype=dtype)
        array, grad = p.array, p.grad
        kept = grad.array.copy()
        optimizer = optimizer_class([p], **FULL.get(optimizer_class, {}))
        for _ in range(3):
            optimizer.step()
        assert p.array is array
        assert p.grad is grad
        assert (grad.array == kept).all()
        assert p.array.dtype == dtype
        assert not np.allclose(array, [1, -2, 3], atol=0, rtol=0)
        for name, value in optimizer.state[p].items():
            if name not in ("step", "mu_product"):
                assert value.array.dtype == dtype
                assert value.shape == p.shape

    def test_maximize_and_weight_decay_leave_the_gradient_alone(self, optimizer_class):
        p = parameter()
        kept = p.grad.array.copy()
        p.grad.array.flags.writeable = False
        optimizer_class([p], maximize=True, weight_decay=0.1).step()
        assert (p.grad.array == kept).all()

    def test_a_parameter_without_gradient_is_skipped(self, optimizer_class):
        with_grad, without = parameter(), parameter(grad=None)
        optimizer = optimizer_class([with_grad, without])
        optimizer.step()
        assert without.tolist() == [1.0, -2.0, 3.0]
        if optimizer_class is not optim.Adagrad:  # which starts its sums at once
            assert without not in optimizer.state

    def test_scalars_and_empty_parameters(self, optimizer_class):
        scalar, empty = parameter(2.0, grad=0.5), parameter((), grad=())
        assert empty.shape == (0,)
        optimizer = optimizer_class([scalar, empty], **FULL.get(optimizer_class, {}))
        for _ in range(2):
            optimizer.step()
        assert scalar.shape == ()
        assert scalar.item() < 2.0
        assert empty.shape == (0,)

    def test_a_zero_dimensional_tensor_as_rate_equals_the_number(self, optimizer_class):
        rates = (0.25, tensor(0.25), tensor([0.25]), np.float64(0.25))  # exact in float32
        results = []
        for lr in rates:
            p = parameter(dtype=float64)
            optimizer = optimizer_class([p], lr=lr, weight_decay=0.5)
            for _ in range(7):
                optimizer.step()
            results.append(p.tolist())
        assert results[0] == results[1] == results[2] == results[3]

    def test_the_memory_order_of_a_gradient_does_not_matter(self, optimizer_class):
        random = np.random.RandomState(0)
        weights, gradient = random.normal(size=(4, 5)), random.normal(size=(4, 5))
        results = []
        for order in ("C", "F"):
            p = tensor(weights, dtype=float64, requires_grad=True)
            p.grad = tensor(gradient, dtype=float64)
            p.grad.array = np.array(gradient, order=order)
            optimizer_class([p]).step()
            results.append(p.numpy(force=True))
        np.testing.assert_array_equal(*results)

    def test_a_step_shows_in_the_version_counter(self):
        p = parameter()
        y = (p * p).sum()
        optim.SGD([p], lr=0.1).step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()

    def test_complex_parameters_are_pairs_of_real_ones(self, optimizer_class):
        values, gradient = np.array([1 + 2j, -3 + 0.5j]), np.array([0.1 - 0.2j, 0.3 + 0.4j])
        z = tensor(values, requires_grad=True)
        z.grad = tensor(gradient)
        pairs = parameter(values.view("float64"), float64, gradient.view("float64"))
        for p in (z, pairs):
            optimizer = optimizer_class([p])
            for _ in range(3):
                optimizer.step()
        # As plain formulas, not in every last bit: compiled loops may round some sums only once.
        np.testing.assert_allclose(
            z.numpy(force=True).view("float64"), pairs.numpy(force=True), rtol=1e-15
        )

    def test_a_closure_runs_with_gradients_and_its_loss_is_returned(self, optimizer_class):
        p = parameter(grad=None)
        optimizer = optimizer_class([p])
        modes = []

        def closure():
            modes.append(is_grad_enabled())
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        with no_grad():
            loss = optimizer.step(closure)
        assert modes == [True]
        assert loss.item() == 14.0
        assert p.tolist() != [1.0, -2.0, 3.0]
        assert optimizer.step() is None

    def test_training_gets_better(self, optimizer_class):
        p = parameter(grad=None)
        lr = {optim.SGD: 0.1, optim.Momentum: 0.1, optim.Adadelta: 100.0}.get(optimizer_class, 0.1)
        optimizer = optimizer_class([p], lr=lr)
        losses = []
        for _ in range(50):
            optimizer.zero_grad()
            loss = ((p - 1) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0] / 2


class TestGroups:
    def test_each_group_has_options_of_its_own(self):
        a, b, c = parameter(), parameter(), parameter()
        groups = [{"params": [a]}, {"params": b, "lr": 0.5, "momentum": 0.9}]
        optimizer = optim.SGD(groups, lr=0.1)
        optimizer.add_param_group({"params": iter([c]), "lr": 0.0})
        optimizer.step()
        assert groups[0] == {"params": [a]}  # the caller's dictionaries are not touched
        assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5, 0.0]
        np.testing.assert_allclose(a.tolist(), [0.99, -1.98, 2.97], rtol=1e-6)
        np.testing.assert_allclose(b.tolist(), [0.95, -1.9, 2.85], rtol=1e-6)
        assert c.tolist() == [1.0, -2.0, 3.0]
        assert len(optimizer.state) == 1
        assert b in optimizer.state

    def test_adagrads_sums_start_where_their_group_says(self):
        groups = [{"params": [parameter()]}, {"params": [parameter()]}]
        groups[1]["initial_accumulator_value"] = 0.5
        optimizer = optim.Adagrad(groups, initial_accumulator_value=0.25)
        optimizer.add_param_group({"params": [parameter()]})
        assert [entry["sum"].tolist() for entry in optimizer.state.values()] == [
            [0.25] * 3, [0.5] * 3, [0.25] * 3,
        ]  # fmt: skip

    def test_options_can_be_changed_between_steps(self):
        p = parameter()
        optimizer = optim.SGD([p], lr=1.0)
        optimizer.param_groups[0]["lr"] = 0.0
        optimizer.step()
        assert p.tolist() == [1.0, -2.0, 3.0]

    def test_named_parameters(self):
        a, b = parameter(), parameter()
        optimizer = optim.SGD([("a", a), ("b", b)], lr=0.1)
        assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
        assert optimizer.param_groups[0]["params"] == [a, b]
        assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
        with pytest.raises(ValueError, match="should be with/without names"):
            optimizer.add_param_group({"params": [parameter()]})
        with pytest.raises(ValueError, match="Some param names are missing"):
            optim.SGD([("a", a), b])

    def test_zero_grad(self):
        p, q = parameter(), parameter(grad=None)
        optimizer = optim.SGD([p, q])
        grad = p.grad
        optimizer.zero_grad(set_to_none=False)
        assert p.grad is grad
        assert grad.tolist() == [0.0, 0.0, 0.0]
        assert q.grad is None
        optimizer.zero_grad()
        assert p.grad is None

    def test_what_saved_a_gradient_notices_that_it_was_cleared(self):
        p, w = parameter(), parameter(grad=None)
        product = (p.grad * w).sum()
        optim.SGD([p]).zero_grad(set_to_none=False)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.backward()

    @pytest.mark.filterwarnings("ignore:Using backward")
    def test_zero_grad_of_a_gradient_that_has_a_history(self):
        p = parameter(grad=None)
        (p**3).sum().backward(create_graph=True)
        assert p.grad.requires_grad
        optim.SGD([p]).zero_grad(set_to_none=False)
        assert p.grad.tolist() == [0.0, 0.0, 0.0]
        assert not p.grad.requires_grad


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"lr": -1}, "Invalid learning rate: -1"),
            ({"lr": float("nan")}, "Invalid learning rate: nan"),
            ({"lr": tensor(-0.5)}, "Invalid learning rate: "),
            ({"lr": tensor([0.1, 0.2])}, "Tensor lr must be 1-element"),
            ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ],
    )
    def test_options_of_all(self, optimizer_class, options, message):
        with pytest.raises(ValueError, match=message):
            optimizer_class([parameter()], **options)
        with pytest.raises(ValueError, match=message):
            optimizer_class([{"params": [parameter()], **options}])

    @pytest.mark.parametrize(
        ("cls", "options", "message"),
        [
            (optim.Adam, {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
            (optim.Adam, {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
            (optim.Adam, {"betas": (0.9,)}, r"betas must be two numbers, but got \(0\.9,\)"),
            (optim.NAdam, {"betas": (0.9, 0.99, 0.999)}, "betas must be two numbers"),
            (optim.Adamax, {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
            (optim.NAdam, {"betas": (0.9, 2.0)}, "Invalid beta parameter at index 1: 2.0"),
            (optim.RAdam, {"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
            (optim.NAdam, {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
            (optim.SGD, {"momentum": -0.5}, "Invalid momentum value: -0.5"),
            (
                optim.SGD,
                {"nesterov": True},
                "Nesterov momentum requires a momentum and zero dampening",
            ),
            (
                optim.SGD,
                {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
                "Nesterov momentum requires a momentum and zero dampening",
            ),
            (optim.Momentum, {"momentum": 1.0}, "Invalid momentum value: 1.0"),
            (optim.RMSprop, {"alpha": -1}, "Invalid alpha value: -1"),
            (optim.RMSprop, {"eps": -1}, "Invalid epsilon value: -1"),
            (optim.Adagrad, {"lr_decay": -1}, "Invalid lr_decay value: -1"),
            (
                optim.Adagrad,
                {"initial_accumulator_value": -1},
                "Invalid initial_accumulator_value value: -1",
            ),
            (optim.Adadelta, {"rho": 1.5}, "Invalid rho value: 1.5"),
        ],
    )
    def test_options_of_one(self, cls, options, message):
        with pytest.raises(ValueError, match=message):
            cls([parameter()], **options)

    def test_implementation_options(self):
        p = parameter()
        for options in ({"foreach": True}, {"fused": True}):
            optim.Adam([p], **options).step()
        with pytest.raises(AssertionError, match="If capturable=True, params and state_steps must"):
            optim.Adam([p], capturable=True).step()
        with pytest.raises(NotImplementedError, match="differentiable=True is not supported"):
            optim.Adam([p], differentiable=True)
        with pytest.raises(RuntimeError, match="`fused` and `foreach` cannot be `True` together"):
            optim.SGD([p], fused=True, foreach=True)

    def test_parameters(self):
        p = parameter()
        with pytest.raises(ValueError, match="optimizer got an empty parameter list"):
            optim.SGD([])
        hidden = nn.Module()
        hidden.layers = [nn.Linear(2, 2)]
        with pytest.raises(ValueError, match=r"(?s)layers in a plain list .* use ModuleList"):
            optim.SGD(hidden.parameters())
        with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
            optim.SGD([p * 2])
        with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts"):
            optim.SGD(p)
        assert optim.SGD({p}).param_groups[0]["params"] == [p]  # as in PyTorch
        with pytest.raises(TypeError, match="organized in ordered collections"):
            optim.SGD([{"params": {p}}])
        with pytest.raises(TypeError, match=r"can only optimize Tensors, but one of .* is str"):
            optim.SGD({"weight": p})
        model = nn.Sequential(nn.Linear(2, 2))
        with pytest.raises(TypeError, match=r"Linear\n  Write model\.parameters\(\) for the"):
            optim.SGD(model)
        with pytest.raises(TypeError, match=r"Linear\n  Write model\.parameters\(\) for the"):
            optim.SGD(model[0])
        with pytest.raises(TypeError, match=r"method\n  Write model\.parameters\(\), with paren"):
            optim.SGD(model.parameters)
        with pytest.raises(TypeError, match="but got float"):
            optim.SGD(0.1)
        with pytest.raises(TypeError, match="param_group must be a dict"):
            optim.SGD([p]).add_param_group([p])
        with pytest.raises(ValueError, match="some parameters appear in more than one"):
            optim.SGD([{"params": [p]}, {"params": [p]}])
        with pytest.warns(UserWarning, match="parameter group with duplicate parameters"):
            optim.SGD([p, p])

    def test_a_tensor_that_retains_its_gradient_can_be_optimized(self):
        p = parameter(grad=None)
        doubled = p * 2
        doubled.retain_grad()
        optim.SGD([doubled])

    def test_a_refused_group_leaves_no_trace(self, optimizer_class):
        optimizer = optimizer_class([parameter()])
        with pytest.raises(ValueError, match="Invalid learning rate"):
            optimizer.add_param_group({"params": [parameter()], "lr": -1})
        assert len(optimizer.param_groups) == 1


class TestState:
    def test_layout(self):
        a, b, c = parameter(), parameter(grad=None), parameter(2.0, grad=1.0)
        optimizer = optim.Adam([{"params": [a, b], "lr": 0.5}, {"params": [c]}], amsgrad=True)
        optimizer.step()
        saved = optimizer.state_dict()
        assert list(saved) == ["state", "param_groups"]
        assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
        assert list(saved["state"]) == [0, 2]
        assert list(saved["state"][0]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
        step = saved["state"][0]["step"]
        assert (step.shape, step.dtype, step.item()) == ((), float32, 1.0)
        group = saved["param_groups"][0]
        assert group["lr"] == 0.5
        assert group["betas"] == (0.9, 0.999)
        # PyTorch's keys, and after them our own.
        pytorch = {
            "lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "foreach", "capturable",
            "differentiable", "fused", "decoupled_weight_decay", "params",
        }  # fmt: skip
        assert pytorch <= set(group)
        assert set(group) - pytorch == set(optim.Adam.extra_options)

    def test_resuming_gives_the_same_steps(self, optimizer_class):
        options = FULL.get(optimizer_class, {})
        p = parameter()
        optimizer = optimizer_class([p], lr=0.03, weight_decay=0.1, **options)
        for _ in range(6):
            optimizer.step()
        saved = optimizer.state_dict()
        q = parameter(p.tolist())
        resumed = optimizer_class([q])
        resumed.load_state_dict(saved)
        for entry in resumed.state[q].values():  # copies, not the same memory
            assert all(entry is not other for other in optimizer.state[p].values())
        for _ in range(3):
            optimizer.step()
            resumed.step()
        assert p.tolist() == q.tolist()
        assert resumed.param_groups[0]["lr"] == 0.03

    def test_options_that_pytorch_lacks_stay_as_they_were_made(self):
        saved = optim.Adam([parameter()], lr=0.5).state_dict()
        for extra in optim.Adam.extra_options:
            del saved["param_groups"][0][extra]
        optimizer = optim.Adam([parameter()], eps_inside_root=True)
        optimizer.load_state_dict(saved)
        assert optimizer.param_groups[0]["eps_inside_root"] is True
        assert optimizer.param_groups[0]["lr"] == 0.5

    def test_state_is_cast_to_the_parameter_and_numbers_are_accepted(self):
        p = parameter(dtype=float64)
        optimizer = optim.Adam([p])
        ones = np.ones(3, "float32")
        lr = tensor(0.1)
        optimizer.load_state_dict(
            {
                "state": {0: {"step": 5, "exp_avg": ones, "exp_avg_sq": tensor(ones)}},
                "param_groups": [{"params": [0], "lr": lr}],
            }
        )
        state = optimizer.state[p]
        assert state["exp_avg"].dtype == state["exp_avg_sq"].dtype == float64
        assert state["step"].item() == 5.0
        optimizer.step()
        assert state["step"].item() == 6.0
        assert ones.tolist() == [1.0, 1.0, 1.0]
        lr.array[...] = 7.0  # the rate was copied
        assert optimizer.param_groups[0]["lr"].item() == pytest.approx(0.1)

    def test_a_state_that_does_not_fit_is_refused(self):
        optimizer = optim.Adam([parameter()])
        optimizer.step()
        saved = optimizer.state_dict()
        with pytest.raises(ValueError, match="different number of parameter groups"):
            optim.Adam([{"params": [parameter()]}, {"params": [parameter()]}]).load_state_dict(
                saved
            )
        with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
            optim.Adam([parameter(), parameter()]).load_state_dict(saved)
        with pytest.raises(ValueError, match=r"'exp_avg' has shape \(3,\), its parameter \(1,\)"):
            optim.Adam([parameter((1.0,), grad=(1.0,))]).load_state_dict(saved)

    @pytest.mark.parametrize(
        ("state", "error", "text"),
        [
            ({}, KeyError, "param_groups: load_state_dict takes what .* has no entries"),
            ({"state": {}}, KeyError, "param_groups: load_state_dict takes .* has state"),
            ({"param_groups": [{"lr": 3}], "state": {}}, KeyError, "params: .* has lr"),
            ({"param_groups": [{"params": [0]}]}, KeyError, "state: .* has param_groups"),
            (None, TypeError, "Expected state_dict to be dict-like, got <class 'NoneType'>"),
            ([], TypeError, "Expected state_dict to be dict-like, got <class 'list'>"),
            (3, TypeError, "Expected state_dict to be dict-like, got <class 'int'>"),
        ],
    )
    @pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop])
    def test_what_is_no_state_is_refused(self, kind, state, error, text):
        optimizer = kind([parameter()], lr=0.5)
        optimizer.step()
        before = repr(optimizer.state_dict())
        with pytest.raises(error, match=text):
            optimizer.load_state_dict(state)
        assert repr(optimizer.state_dict()) == before

    def test_adamw_stays_decoupled(self):
        saved = optim.Adam([parameter()], weight_decay=0.1).state_dict()
        optimizer = optim.AdamW([parameter()])
        optimizer.load_state_dict(saved)
        assert optimizer.param_groups[0]["decoupled_weight_decay"] is True

    def test_a_copy_is_independent(self):
        p = parameter()
        optimizer = optim.Adam([p])
        optimizer.step()
        twin = copy.deepcopy(optimizer)
        q = twin.param_groups[0]["params"][0]
        assert q is not p
        assert list(twin.state) == [q]
        q.grad = tensor([1.0, 1.0, 1.0])
        twin.step()
        assert p.tolist() != q.tolist()

    def test_repr(self):
        optimizer = optim.SGD([{"params": [parameter()]}, {"params": [parameter()], "lr": 1}])
        lines = repr(optimizer).splitlines()
        assert lines[0] == "SGD ("
        assert lines[1:11] == [
            "Parameter Group 0",
            "    dampening: 0",
            "    differentiable: False",
            "    foreach: None",
            "    fused: None",
            "    lr: 0.001",
            "    maximize: False",
            "    momentum: 0",
            "    nesterov: False",
            "    weight_decay: 0",
        ]
        assert lines[11] == "Parameter Group 1"
        assert lines[-1] == ")"
        assert "eps_inside_root" not in repr(optim.Adam([parameter()]))
        assert "eps_inside_root: True" in repr(optim.Adam([parameter()], eps_inside_root=True))


class TestHooks:
    def test_order_and_removal(self):
        p = parameter()
        optimizer = optim.SGD([p], lr=1.0)
        calls = []
        before = optimizer.register_step_pre_hook(lambda o, a, k: calls.append(p.tolist()[0]))
        after = optimizer.register_step_post_hook(lambda o, a, k: calls.append(p.tolist()[0]))
        optimizer.step()
        assert calls == pytest.approx([1.0, 0.9])
        before.remove()
        after.remove()
        optimizer.step()
        assert len(calls) == 2

    def test_a_pre_hook_may_change_the_closure(self):
        optimizer = optim.SGD([parameter()])
        optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 42), kwargs))
        assert optimizer.step() == 42
        optimizer.register_step_pre_hook(lambda o, args, kwargs: "no")
        with pytest.raises(RuntimeError, match="must return None or a tuple"):
            optimizer.step()

    def test_around_the_state_dict(self):
        optimizer = optim.SGD([parameter()], lr=0.5)
        calls = []

        def add_note(optimizer, state_dict):
            state_dict["note"] = "kept"

        handles = [
            optimizer.register_state_dict_pre_hook(lambda o: calls.append(o)),
            optimizer.register_state_dict_post_hook(lambda o, s: {**s, "version": len(s)}),
            optimizer.register_state_dict_post_hook(add_note, prepend=True),
        ]
        saved = optimizer.state_dict()
        assert calls == [optimizer]
        assert list(saved) == ["state", "param_groups", "note", "version"]
        assert saved["version"] == 3  # the hook in front came first
        for handle in handles:
            handle.remove()
        assert list(optimizer.state_dict()) == ["state", "param_groups"]

    def test_around_load_state_dict(self):
        optimizer, calls = optim.SGD([parameter()], lr=0.5), []
        saved = {"old": optimizer.state_dict()}

        def unpack(optimizer, state_dict):
            calls.append("pre")
            return state_dict.pop("old")

        optimizer.register_load_state_dict_pre_hook(unpack)
        optimizer.register_load_state_dict_post_hook(lambda o: calls.append("second"))
        optimizer.register_load_state_dict_post_hook(lambda o: calls.append("first"), prepend=True)
        optimizer.param_groups[0]["lr"] = 0.0
        optimizer.load_state_dict(saved)
        assert calls == ["pre", "first", "second"]
        assert optimizer.param_groups[0]["lr"] == 0.5
        assert list(saved) == ["old"]  # the hook had a copy


def test_an_optimizer_of_ones_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr=1e-3):
            super().__init__(params, {"lr": lr})

        def update(self, parameter, gradient, state, group):
            parameter.sub_(group["lr"] * gradient.sign())

    p = parameter()
    optimizer = SignDescent([p], lr=0.5)
    with enable_grad():
        optimizer.step()
    assert p.tolist() == [0.5, -1.5, 2.5]
    with pytest.raises(NotImplementedError, match="has no update rule"):
        optim.Optimizer([parameter()], {}).step()


def test_an_update_built_on_anothers_sees_its_result():
    """Updates are collected and run together, but not where a subclass goes on from one."""

    class Clamped(optim.Adam):
        def update(self, parameter, gradient, state, group):
            super().update(parameter, gradient, state, group)
            parameter.clamp_(-0.2, 0.2)

    start = np.linspace(-1, 1, 5)
    ours, plain = (tensor(start, requires_grad=True) for _ in range(2))
    clamped, adam = Clamped([ours], lr=0.1), optim.Adam([plain], lr=0.1)
    ours.grad, plain.grad = tensor(np.ones(5)), tensor(np.ones(5))
    clamped.step()
    adam.step()
    np.testing.assert_array_equal(ours.numpy(force=True), plain.numpy(force=True).clip(-0.2, 0.2))
    assert clamped.state[ours]["step"] == 1
