"""tools.mutants plants faults, says which of them live, and notices that its list is wrong."""

import json
import sys

import pytest

from tools import mutants
from tools.mutants import MUTANTS, Mutant

LINE = "left = wanted - start"
ROUNDS = "data/test_sampler.py::test_random_sampler_without_replacement_beyond_the_length"
BATCHES = "data/test_sampler.py::test_batch_sampler"


@pytest.fixture
def tool(monkeypatch):
    def run(faults, *options):
        monkeypatch.setattr(mutants, "MUTANTS", faults)
        monkeypatch.setattr(sys, "argv", ["mutants.py", *options])
        return mutants.main()

    return run


def test_every_line_of_the_list_is_there_and_so_are_its_tests(tool, capsys):
    assert tool(MUTANTS, "--list") == 0
    listed = capsys.readouterr().out
    assert all(f"{mutant.name}: {mutant.file}: " in listed for mutant in MUTANTS)
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 40
    for mutant in MUTANTS:
        assert "\n" not in mutant.old
        for test in mutant.tests.split():
            file, _, function = test.partition("::")
            text = (mutants.ROOT / "tests" / file).read_text(encoding="utf-8")
            assert f"def {function.rpartition('::')[2]}" in text


def test_a_fault_that_its_tests_do_not_see_lives(tool, capsys):
    faults = [
        Mutant("seen", "data/sampler.py", LINE, "left = 0", ROUNDS),
        Mutant("unseen", "data/sampler.py", LINE, "left = 0", BATCHES),
    ]
    assert tool(faults) == 1
    *rows, last = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:3] for row in rows] == [
        ["seen", "data/sampler.py", "caught"],
        ["unseen", "data/sampler.py", "LIVES"],
    ]
    assert last == ["1", "of", "2", "live"]
    assert LINE in (mutants.ROOT / "tinygrad_adam/data/sampler.py").read_text(encoding="utf-8")


def test_some_of_the_list_as_json(tool, capsys, monkeypatch):
    monkeypatch.setattr(mutants, "plant", lambda chosen: [(False, 1.0)] * len(chosen))
    assert tool(MUTANTS, "--json", MUTANTS[3].name) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {**MUTANTS[3]._asdict(), "lives": False, "seconds": 1.0}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Mutant("x", "data/sampler.py", "no such line", "", ROUNDS), "has 0 times: no such line"),
        (Mutant("x", "data/sampler.py", "return", "", ROUNDS), "times: return"),
        (Mutant("x", "data/nowhere.py", LINE, "", ROUNDS), "data/nowhere.py has 0 times"),
        (Mutant("x", "data/sampler.py", LINE, "left = 0", "data/no.py"), "tests do not run"),
    ],
    ids=["line", "twice", "file", "tests"],
)
def test_a_list_that_is_wrong_is_an_error(tool, capsys, fault, message):
    with pytest.raises(SystemExit) as caught:
        tool([fault])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_an_unknown_fault(tool, capsys):
    with pytest.raises(SystemExit) as caught:
        tool(MUTANTS, "nothing")
    assert caught.value.code == 2
    assert "unknown fault nothing: see --list" in capsys.readouterr().err
