"""The backward walk: order, sharing, freeing, hooks, gradients of gradients."""

import gc
import sys
import weakref

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import autograd


def leaf(*values):
    return torch.tensor(list(values), dtype=torch.float64, requires_grad=True)


def scalar(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


class TestOrder:
    def test_a_node_waits_for_all_its_consumers(self):
        # b is used by c twice and by d; a walk along paths would visit a early.
        a = scalar(3.0)
        b = a + a
        c = b * b
        d = c + b
        d.backward()
        assert a.grad.item() == 2 * (2 * 6.0) + 2

    def test_sixty_doublings_finish(self):
        x = scalar(1.0)
        y = x
        for _ in range(60):
            y = y + y
        y.backward()
        assert x.grad.item() == 2.0**60

    def test_a_chain_of_100_000_operations(self):
        x = scalar(1.0)
        y = x
        for _ in range(100_000):
            y = y * 1.0
        y.backward()
        assert x.grad.item() == 1.0
        node = weakref.ref(y._edge[0])
        del y
        assert node() is None  # freed at once, without recursion and without the cycle collector

    def test_ten_thousand_branches(self):
        x = scalar(2.0)
        total = torch.zeros((), dtype=torch.float64)
        for k in range(10_000):
            total = total + x * k
        total.backward()
        assert x.grad.item() == sum(range(10_000))

    def test_four_times_the_branches_cost_four_times_the_calls(self):
        def calls(branches):
            x = scalar(2.0)
            y = torch.stack([x * k for k in range(branches)]).sum()
            count = 0

            def counting(frame, event, argument):
                nonlocal count
                count += 1

            sys.setprofile(counting)
            y.backward()
            sys.setprofile(None)
            return count

        assert calls(2000) < 4.1 * calls(500)

    def test_several_roots_one_of_which_depends_on_another(self):
        x = scalar(2.0)
        y = x * x
        z = y * 3
        autograd.backward([y, z])
        assert x.grad.item() == 4 + 12

    def test_steps_show_the_walk(self):
        x = scalar(3.0)
        y = x * x
        z = y + 1
        steps = list(z.backward_steps())
        assert [type(step.node).__name__ for step in steps] == ["Add", "Mul", "Tensor"]
        assert steps[1].grads[0].item() == 1.0
        assert [g.item() for g in steps[1].input_grads] == [3.0, 3.0]
        assert steps[2].node is x
        assert x.grad.item() == 6.0

    def test_the_grad_mode_of_the_caller_holds_between_steps(self):
        y = scalar(3.0) * 2
        for _ in (y * y).backward_steps():
            assert torch.is_grad_enabled()


class TestLeaves:
    def test_backward_on_a_leaf_sets_its_gradient(self):
        x = scalar(3.0)
        x.backward()
        assert x.grad.item() == 1.0

    def test_gradients_add_up(self):
        x = scalar(3.0)
        (x * 2).backward()
        (x * 5).backward()
        assert x.grad.item() == 7.0

    def test_only_leaves_get_gradients(self):
        x = leaf(1.0, 2.0)
        y = x * 2
        y.sum().backward()
        with pytest.warns(UserWarning, match=r"\.grad attribute of a Tensor that is not a leaf"):
            assert y.grad is None

    def test_retain_grad(self):
        x = leaf(1.0, 2.0)
        y = x * 2
        y.retain_grad()
        assert y.retains_grad
        (y * y).sum().backward()
        assert y.grad.tolist() == [4.0, 8.0]

    def test_retain_grad_needs_grad(self):
        with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_gra"):
            torch.ones(2).retain_grad()

    def test_two_leaves_never_share_a_gradient_array(self):
        a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
        (a + b).sum().backward()
        assert not np.shares_memory(a.grad.array, b.grad.array)
        a.grad.mul_(10)
        assert b.grad.tolist() == [1.0, 1.0]

    def test_gradients_can_be_written_to(self):
        x = leaf(1.0, 2.0, 3.0)
        x.sum().backward()  # the gradient of a sum is a broadcast view
        x.grad.clamp_(max=0.5)
        x.grad.add_(x.detach(), alpha=0.1)
        np.testing.assert_allclose(x.grad.numpy(), [0.6, 0.7, 0.8])

    def test_the_gradient_given_is_not_kept(self):
        x, g = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
        x.backward(g)
        x.grad.zero_()
        assert g.tolist() == [1.0, 1.0]

    def test_a_hook_may_keep_what_it_saw(self):
        x = leaf(1.0, 2.0)
        seen = []
        x.register_hook(seen.append)
        (x * 2).sum().backward()
        x.grad.zero_()
        assert seen[0].tolist() == [2.0, 2.0]

    def test_a_leaf_takes_a_fresh_gradient_without_copying(self):
        made = []

        class Double(autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                fresh = grad * 2
                made.append(fresh.array.ctypes.data)
                return fresh

        x = leaf(1.0, 2.0)
        Double.apply(x).sum().backward()
        assert made == [x.grad.array.ctypes.data]

    def test_the_gradient_of_a_leaf_lies_in_the_order_of_its_elements(self):
        x, w = torch.ones(2, 3, requires_grad=True), torch.arange(6.0).reshape(3, 2)
        (x * w.t()).sum().backward()  # NumPy lays the product out as the transposed factor
        assert x.grad.is_contiguous()
        assert x.grad.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]

    def test_accumulation_is_in_place(self):
        x = leaf(1.0)
        (x * 2).sum().backward()
        before = x.grad
        (x * 2).sum().backward()
        assert x.grad is before
        assert before.tolist() == [4.0]

    @pytest.mark.parametrize("sink", [{}, {"inputs": True}], ids=["all leaves", "inputs"])
    def test_accumulation_is_noticed_by_what_saved_the_gradient(self, sink):
        x, w = leaf(1.0, 2.0), leaf(3.0, 5.0)
        options = {name: [x] for name in sink}
        (x * 2).sum().backward(**options)
        product = (x.grad * w).sum()  # saves the gradient, as it is now, for that of w
        (x * 2).sum().backward(**options)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.backward()

    def test_a_gradient_that_is_recorded_is_not_written_to(self):
        x, w = scalar(3.0), scalar(5.0)
        with pytest.warns(UserWarning, match="create a reference cycle"):
            (x * x).backward(create_graph=True)
        first = x.grad
        product = first * w
        (x * 2).backward()
        assert (first.item(), x.grad.item()) == (6.0, 8.0)
        product.backward()
        assert w.grad.item() == 6.0

    def test_assigning_a_gradient_of_another_shape(self):
        x = leaf(1.0, 2.0)
        with pytest.raises(RuntimeError, match="attempting to assign a gradient of size"):
            x.grad = torch.ones(3, dtype=torch.float64)


class TestBroadcasting:
    @pytest.mark.parametrize(
        ("a_shape", "b_shape"),
        [((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((1, 1, 1), (2, 3)), ((0, 3), (1,))],
    )
    def test_gradients_have_the_shapes_of_the_inputs(self, a_shape, b_shape):
        a = torch.randn(a_shape, dtype=torch.float64, requires_grad=True)
        b = torch.randn(b_shape, dtype=torch.float64, requires_grad=True)
        (a * b).sum().backward()
        shape = np.broadcast_shapes(a_shape, b_shape)
        expected = np.broadcast_to(b.detach().numpy(), shape)
        expected = expected.sum(axis=tuple(range(len(shape) - len(a_shape))))
        for d, size in enumerate(a_shape):
            if size == 1 and expected.shape[d] != 1:
                expected = expected.sum(axis=d, keepdims=True)
        assert a.grad.shape == a_shape
        assert b.grad.shape == b_shape
        np.testing.assert_allclose(a.grad.numpy(), expected)

    def test_a_gradient_gets_the_dtype_of_its_input(self):
        a = torch.ones(3, dtype=torch.float32, requires_grad=True)
        b = torch.ones(3, dtype=torch.float64, requires_grad=True)
        (a * b).sum().backward()
        assert (a.grad.dtype, b.grad.dtype) == (torch.float32, torch.float64)


class TestSecondBackward:
    def test_raises(self):
        x = scalar(2.0)
        y = x * x
        y.backward()
        with pytest.raises(
            RuntimeError, match=r"Trying to backward through the graph a second time"
        ):
            y.backward()

    def test_accumulates_with_retain_graph(self):
        x = scalar(2.0)
        y = x * x
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad.item() == 8.0

    def test_what_was_saved_is_freed_as_the_walk_passes(self):
        x = torch.ones(1000, requires_grad=True)
        y = (x * 2).exp()
        saved = weakref.ref(y._edge[0].saved_tensors[0].array)
        total = y.sum()
        del y
        total.backward()
        assert saved() is None

    @pytest.mark.parametrize("walk", [True, False])
    def test_nothing_needs_the_cycle_collector(self, walk):
        gc.collect()
        gc.disable()
        try:
            x = torch.ones(3, requires_grad=True)
            y = x.exp().tanh().relu()
            node, array = weakref.ref(y._edge[0]), weakref.ref(y.array)
            if walk:
                y.sum().backward()
            del y
            assert node() is None
            assert array() is None
        finally:
            gc.enable()


class TestErrors:
    def test_not_a_scalar(self):
        with pytest.raises(
            RuntimeError, match="grad can be implicitly created only for scalar out"
        ):
            (leaf(1.0, 2.0) * 2).backward()

    def test_no_history(self):
        with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
            torch.ones(()).backward()

    def test_gradient_of_another_shape(self):
        with pytest.raises(RuntimeError, match="Mismatch in shape"):
            (leaf(1.0, 2.0) * 2).backward(torch.ones(3, dtype=torch.float64))

    def test_a_gradient_that_is_no_tensor(self):
        with pytest.raises(TypeError, match="can be either Tensors or None, but got int"):
            (scalar(1.0) * 2).backward(1)

    def test_the_name_of_an_operation(self):
        assert (scalar(1.0) * 2).grad_fn.name() == "MulBackward0"

    def test_unused_input(self):
        x, y = scalar(1.0), scalar(2.0)
        with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
            autograd.grad(x * 2, [x, y])

    def test_the_location_is_named(self):
        with pytest.raises(RuntimeError) as caught:
            torch.ones(3) + torch.ones(4)
        first, second = str(caught.value).split("\n")
        assert first == (
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton "
            "dimension 0"
        )
        assert second == "  Add: input float32 (3,), float32 (4,)"

    def test_an_operation_without_tensors(self):
        with pytest.raises(TypeError, match="must be Tensor, not float"):
            torch.exp(3.0)


class TestGrad:
    def test_of_inputs_that_are_no_leaves(self):
        x = leaf(1.0, 2.0)
        y = x * 3
        z = (y * y).sum()
        gy, gx = autograd.grad(z, [y, x])
        assert gy.tolist() == [6.0, 12.0]
        assert gx.tolist() == [18.0, 36.0]
        assert x.grad is None

    def test_allow_unused_and_materialize(self):
        x, y = scalar(1.0), scalar(2.0)
        assert autograd.grad(x * 2, [x, y], allow_unused=True)[1] is None
        assert autograd.grad(x * 2, [x, y], materialize_grads=True)[1].item() == 0.0

    def test_of_an_output_itself(self):
        x = scalar(1.0)
        y = x * 2
        assert autograd.grad(y, y)[0].item() == 1.0

    def test_gradients_that_nobody_asked_for_are_not_computed(self):
        calls = []

        class Spy(autograd.Function):
            @staticmethod
            def forward(ctx, a, b):
                return a * b

            @staticmethod
            def backward(ctx, grad):
                calls.append(ctx.needs_input_grad)
                return grad, grad

        a, b = scalar(1.0), scalar(2.0)
        y = Spy.apply(a, b)
        autograd.grad(y, a, retain_graph=True)
        y.backward()
        assert calls == [(True, False), (True, True)]

    def test_backward_with_inputs(self):
        x, y = scalar(2.0), scalar(3.0)
        z = x * y
        (z * z).backward(inputs=[x])
        assert x.grad.item() == 2 * 6 * 3
        assert y.grad is None

    def test_backward_with_inputs_may_name_tensors_that_are_no_leaves(self):
        x = scalar(2.0)
        y = x * x
        (y * y).backward(inputs=[y])
        assert x.grad is None
        assert y.grad.item() == 8.0

    def test_empty_inputs(self):
        with pytest.raises(RuntimeError, match="cannot be empty"):
            scalar(2.0).backward(inputs=[])


class TestHigherOrder:
    def test_the_derivatives_of_a_power(self):
        x = scalar(2.0)
        value = x**5
        for expected in (80.0, 160.0, 240.0, 240.0, 120.0):
            (value,) = autograd.grad(value, x, create_graph=True)
            assert value.item() == pytest.approx(expected)

    def test_create_graph_records_into_grad(self):
        x = scalar(3.0)
        with pytest.warns(UserWarning, match="create a reference cycle between the parameter"):
            (x**3).backward(create_graph=True)
        assert x.grad.requires_grad
        (second,) = autograd.grad(x.grad, x)
        assert second.item() == pytest.approx(18.0)

    def test_a_result_that_was_saved_has_its_history_again(self):
        x = scalar(0.3)
        y = x.tanh()
        (first,) = autograd.grad(y, x, create_graph=True)
        (second,) = autograd.grad(first, x)
        t = np.tanh(0.3)
        assert second.item() == pytest.approx(-2 * t * (1 - t * t))

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_result_saved_leads_to_all_inputs_also_from_the_gradient_of_one(self, number):
        a, b = leaves = scalar(2.0), scalar(3.0)
        (slope,) = autograd.grad(a**b, leaves[number], create_graph=True)
        slope.backward()
        log = np.log(2)
        mixed = 2**2 * (1 + 3 * log)
        wanted = [[3 * 2 * 2, mixed], [mixed, 8 * log**2]][number]
        assert [a.grad.item(), b.grad.item()] == pytest.approx(wanted, rel=1e-12)

    def test_a_result_saved_again_that_was_written_to_since_is_noticed(self):
        x, g = leaf(1.0, 2.0), leaf(1.0, 1.0)
        y = x.exp()
        (slope,) = autograd.grad(y, x, g, create_graph=True)  # g y: the product saves y again
        y.detach().mul_(2)
        with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
            autograd.grad(slope.sum(), g)  # which passes that product only

    def test_a_detached_factor_stays_constant(self):
        x = scalar(3.0)
        y = x * x.detach()
        (first,) = autograd.grad(y, x, create_graph=True)
        assert first.item() == 3.0
        assert not first.requires_grad

    def test_gradient_penalty(self):
        w = leaf(1.0, -2.0)
        x = leaf(0.5, 0.25)
        score = ((w * x).tanh()).sum()
        (gx,) = autograd.grad(score, x, create_graph=True)
        penalty = (gx.norm() - 1) ** 2
        penalty.backward()

        def closed(weights):
            slope = weights * (1 - np.tanh(weights * [0.5, 0.25]) ** 2)
            return (np.linalg.norm(slope) - 1) ** 2

        for i in range(2):
            step = np.zeros(2)
            step[i] = 1e-6
            base = np.array([1.0, -2.0])
            difference = (closed(base + step) - closed(base - step)) / 2e-6
            assert w.grad[i].item() == pytest.approx(difference, rel=1e-6)


class TestHooks:
    def test_a_hook_replaces_the_gradient(self):
        x = scalar(2.0)
        y = x * 3
        y.register_hook(lambda g: g * 10)
        y.backward()
        assert x.grad.item() == 30.0

    def test_a_hook_sees_the_whole_gradient_once(self):
        x = scalar(2.0)
        seen = []
        x.register_hook(lambda g: seen.append(g.item()))
        (x * 3 + x * 4).backward()
        assert seen == [7.0]

    def test_handles_remove(self):
        x = scalar(2.0)
        seen = []
        with x.register_hook(seen.append):
            (x * 1).backward()
        (x * 1).backward()
        assert len(seen) == 1

    def test_hooks_run_in_order_and_before_retained_gradients(self):
        x = scalar(1.0)
        y = x * 1
        y.retain_grad()
        y.register_hook(lambda g: g + 1)
        y.register_hook(lambda g: g * 10)
        y.backward()
        assert y.grad.item() == 20.0

    def test_hook_on_a_tensor_without_gradient(self):
        with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't"):
            torch.ones(2).register_hook(print)


def batched(**options):
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)
    rows = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 1.0]])
    return x, w, rows, autograd.grad(x * w * w, (x, w), rows, is_grads_batched=True, **options)


def test_a_batch_of_gradients_goes_back_together():
    x, _, rows, (dx, dw) = batched()
    np.testing.assert_allclose(dx.numpy(), [[16, 0, 0], [0, 50, 36]])
    np.testing.assert_allclose(dw.numpy(), [[8, 0, 0], [0, 40, 36]])
    assert not dx.requires_grad
    (dx,) = autograd.grad(x * 2, x, rows[:0], is_grads_batched=True)
    assert dx.shape == (0, 3)


def test_a_batch_of_gradients_can_be_differentiated_again():
    _, w, _, (dx, _) = batched(create_graph=True)
    (second,) = autograd.grad(dx.sum(), w)
    np.testing.assert_allclose(second.numpy(), [8, 20, 12])


def test_a_batch_leaves_out_what_is_not_used():
    x, z = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(1.0, requires_grad=True)
    eye = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    dx, dz = autograd.grad(x * x, (x, z), eye, allow_unused=True, is_grads_batched=True)
    np.testing.assert_allclose(dx.numpy(), [[2, 0], [0, 4]])
    assert dz is None
    _, dz = autograd.grad(x * x, (x, z), eye, materialize_grads=True, is_grads_batched=True)
    np.testing.assert_allclose(dz.numpy(), [0, 0])


def test_what_grad_refuses():
    x, z = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^`inputs` argument to `grad\(\)` cannot be empty\.$"):
        autograd.grad(x.sum(), [])
    with pytest.raises(RuntimeError, match=r"^The differentiated Tensor at index 1 appears to not"):
        autograd.grad(x.sum(), [x, z])
    with pytest.raises(ValueError, match=r"but got: allow_unused=False\.$"):
        autograd.grad(x.sum(), z, allow_unused=False, materialize_grads=True)
    with pytest.raises(RuntimeError, match=r"shape of torch.Size\(\[3\]\) and output\[0\] has a"):
        autograd.grad(x * 2, x, torch.tensor([1.0, 1.0, 1.0]))
    for wrong in (torch.tensor(1.0), torch.tensor([1.0, 1.0]), torch.tensor([[1.0], [1.0]])):
        with pytest.raises(RuntimeError, match="If `is_grads_batched=True`, we interpret"):
            autograd.grad(x * 2, x, wrong, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="needs grad_outputs with one size of batch"):
        autograd.grad((x * 2, x * 3), x, [x[None], x.expand(2, 2)], is_grads_batched=True)
    with pytest.raises(RuntimeError, match="needs grad_outputs with one size of batch"):
        autograd.grad(x.sum(), x, is_grads_batched=True)
    with pytest.warns(FutureWarning, match="only_inputs argument is deprecated"):
        autograd.grad(x.sum(), x, only_inputs=False)


@pytest.mark.filterwarnings("ignore:Using backward")
def test_the_mode_inside_a_walk():
    """Off, but for create_graph; numbers overflow without a warning; what a hook changes ends."""
    for create_graph in (False, True):
        seen = []
        x = torch.tensor([1.0, -1.0], requires_grad=True)

        def hook(gradient, seen=seen, x=x):
            seen.append(torch.is_grad_enabled())
            with torch.no_grad():
                seen.append(torch.is_grad_enabled())
                infinite = gradient / 0
            with torch.enable_grad():
                seen.append(torch.is_grad_enabled())
                seen.append((gradient * x).requires_grad)
            seen.append(torch.is_grad_enabled())
            return infinite * 1e30 * 1e30

        x.register_hook(hook)
        (x * x).sum().backward(create_graph=create_graph)
        assert seen == [create_graph, False, True, True, create_graph]
        np.testing.assert_array_equal(x.grad.detach().numpy(), [np.inf, -np.inf])
        assert torch.is_grad_enabled() is True
