"""Profiles: which operations ran, how often, and that they cost nothing afterwards."""

import json

import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn
from tinygrad_adam.autograd import profiler
from tinygrad_adam.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    tensorboard_trace_handler,
)


def train_once():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    loss = nn.functional.cross_entropy(net(torch.ones(5, 4)), torch.zeros(5, dtype=torch.int64))
    loss.backward()


def counts(found):
    return {event.key: event.count for event in found.key_averages()}


def test_what_ran_and_how_often():
    with profiler.profile() as found:
        train_once()
    train_once()
    assert counts(found) == {
        "aten::linear": 2,
        "aten::relu": 1,
        "aten::cross_entropy": 1,
        "NllLossBackward0": 1,
        "AddmmBackward0": 2,
        "ReluBackward0": 1,
    }
    assert found.self_cpu_time_total > 0
    assert found.total_average().count == 8
    with profiler.profile(enabled=False) as nothing:
        train_once()
    assert nothing.function_events == []


def test_blocks_hold_what_runs_inside_them():
    @record_function("decorated")
    def inner(x):
        return x.exp().sum()

    with profile(activities=[ProfilerActivity.CPU]) as found, record_function("outer"):
        inner(torch.ones(3))
        inner(torch.ones(3))
    with record_function("outer"):
        inner(torch.ones(3))
    events = {event.key: event for event in found.key_averages()}
    assert {key: event.count for key, event in events.items()} == {
        "outer": 1, "decorated": 2, "aten::exp": 2, "aten::sum": 2,
    }  # fmt: skip
    outer, decorated = events["outer"], events["decorated"]
    assert outer.cpu_time_total >= decorated.cpu_time_total >= events["aten::exp"].cpu_time_total
    inside = decorated.cpu_time_total - decorated.self_cpu_time_total
    parts = events["aten::exp"].cpu_time_total + events["aten::sum"].cpu_time_total
    assert inside == pytest.approx(parts)
    assert decorated.cpu_time == decorated.cpu_time_total / 2
    assert [event.name for event in found.events()][-1] == "outer"


def test_an_error_ends_what_was_under_way():
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            (x * 2).exp()
            raise ValueError("no")

    with profiler.profile() as found:
        with pytest.raises(RuntimeError, match="mat1 and mat2"), record_function("block"):
            torch.ones(2, 3) @ torch.ones(2, 3)
        with pytest.raises(ValueError, match="no"), record_function("other"):
            Broken.apply(torch.ones(1, requires_grad=True))
        torch.ones(1).exp()
    assert counts(found)["aten::exp"] == 2
    assert counts(found)["block"] == counts(found)["other"] == 1
    assert found._open == []


def test_the_table():
    with profile(record_shapes=True, profile_memory=True) as found:
        for _ in range(3):
            torch.ones(4, 3) * torch.ones(3)
        torch.ones(2, 3).exp()
        torch.ones(1000, 1000).log()
    table = found.key_averages().table(sort_by="count", row_limit=1)
    lines = table.splitlines()
    assert lines[1].split("  ")[0].strip() == ""
    assert lines[1].split()[:3] == ["Name", "Self", "CPU"]
    assert "# of Calls" in lines[1]
    assert "CPU Mem" in lines[1]
    assert lines[3].split()[0] == "aten::mul"
    assert lines[3].split()[-1] == "3"
    assert lines[-1].startswith("Self CPU time total: ")
    assert len(lines) == 6
    by_shape = found.key_averages(group_by_input_shape=True).table(time_unit="us", header="Here")
    assert "[[4, 3], [3]]" in by_shape
    assert by_shape.splitlines()[1] == "Here"
    assert "3.81 MB" in by_shape
    longest = found.key_averages().table(sort_by="self_cpu_time_total").splitlines()[3]
    assert longest.split()[0] == "aten::log"
    with pytest.raises(AttributeError, match="has no attribute 'speed'"):
        found.key_averages().table(sort_by="speed")
    assert "Name" in str(found)
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        profiler.profile(speed=1)


def test_a_schedule(tmp_path):
    wanted = "N N N W R S N W R S N N"
    plan = schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=2)
    names = {"N": "NONE", "W": "WARMUP", "R": "RECORD", "S": "RECORD_AND_SAVE"}
    assert [plan(i).name for i in range(12)] == [names[letter] for letter in wanted.split()]
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=0, warmup=0, active=0)
    seen = []
    with profile(schedule=plan, on_trace_ready=lambda p: seen.append(counts(p))) as found:
        for _ in range(12):
            torch.ones(1).exp()
            found.step()
    assert seen == [{"aten::exp": 2}] * 2
    assert found.current_action is ProfilerAction.NONE
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path / "log"))):
        train_once()
    (file,) = (tmp_path / "log").iterdir()
    events = json.loads(file.read_text())["traceEvents"]
    assert {event["name"] for event in events} >= {"aten::relu", "AddmmBackward0"}


def test_started_and_stopped_by_hand():
    found = profile()
    found.start()
    torch.ones(1).exp()
    found.stop()
    torch.ones(1).exp()
    assert counts(found) == {"aten::exp": 1}
