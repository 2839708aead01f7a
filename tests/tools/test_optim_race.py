"""tools.optim_race, and what it is made of in viz: races, their pictures, their animations."""

import io
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import nn, optim
from tinygrad_adam.viz import race
from tools import optim_race as tool

pytest.importorskip("matplotlib")


def refusal(capsys, *options):
    """Return the one line that bad options give."""
    with pytest.raises(SystemExit) as caught:
        tool.main([*options])
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


# --- landscapes and runs -------------------------------------------------------------------------


@pytest.mark.parametrize("place", race.LANDSCAPES.values(), ids=race.LANDSCAPES)
def test_the_minimum_of_a_landscape_is_lowest_and_level(place):
    x, y = (torch.tensor(c, dtype=torch.float64, requires_grad=True) for c in place.minimum)
    value = place.function(x, y)
    value.backward()
    assert value.item() == pytest.approx(place.lowest, abs=1e-15)
    assert (x.grad.item(), y.grad.item()) == pytest.approx((0, 0), abs=1e-12)
    grid = np.meshgrid(np.linspace(*place.x, 80), np.linspace(*place.y, 80))
    assert place.function(*grid).min() >= place.lowest
    assert place.x[0] < place.start[0] < place.x[1]
    assert place.y[0] < place.start[1] < place.y[1]


def test_the_middle_of_the_saddle_is_level_but_no_minimum():
    saddle = race.LANDSCAPES["saddle"].function
    x, y = (torch.tensor(0.0, dtype=torch.float64, requires_grad=True) for _ in range(2))
    saddle(x, y).backward()
    assert (x.grad.item(), y.grad.item()) == (0, 0)
    assert saddle(0.1, 0) > saddle(0, 0) > saddle(0, 0.1)


def test_a_run_holds_every_place_and_its_value():
    bowl = race.LANDSCAPES["bowl"]
    run = race.descend_on(bowl, partial(optim.SGD, lr=0.5), 20)
    k = np.arange(21)
    # Each step multiplies x by 1 - lr / 10 and y by 1 - 2 lr.
    np.testing.assert_allclose(run.path[:, 0], -7 * 0.95**k, rtol=1e-13)
    np.testing.assert_allclose(run.path[:, 1], 2 * 0.0**k, atol=1e-15)
    np.testing.assert_allclose(run.values, run.path[:, 0] ** 2 / 20 + run.path[:, 1] ** 2)
    assert run.steps == 20
    assert not run.diverged


def test_a_run_reproduces_pytorchs_thirty_steps():
    run = race.descend_on(race.LANDSCAPES["bowl"], partial(optim.Adam, lr=0.3), 30)
    assert run.path[-1] == pytest.approx((0.1360146173262, 0.3182453888963), abs=1e-13)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 2, 1, 0.5], 2),
        ([3, 0.5, 2, 1, 0.5], 3),  # passing through is not arriving
        ([3, 2], None),
        ([1], 0),
        ([3, 0.5, math.nan], None),
    ],
)
def test_arriving_is_staying(values, expected):
    run = race.Run(np.zeros((len(values), 2)), np.array(values, dtype=float))
    assert run.steps_to(1) == expected


@pytest.mark.parametrize("name", ["beale", "rosenbrock"])
def test_a_run_that_diverges_ends_there(name):
    run = race.descend_on(race.LANDSCAPES[name], partial(optim.SGD, lr=10.0), 100)
    assert run.diverged
    assert run.steps < 100
    assert run.verdict(0.01) == f"diverged at step {run.steps}"
    assert np.isfinite(run.values[:-1]).all()


def test_a_gradient_that_is_no_number_ends_a_run():
    w = torch.tensor([0.0], requires_grad=True)
    # The root of 0 is 0, but its slope is infinite, and the next value not a number.
    run = race.descend(lambda: (w * w).sqrt().sum(), optim.SGD([w], lr=0.1), 5)
    assert (run.steps, run.diverged) == (1, True)


def test_the_plane_of_a_network_goes_through_its_paths():
    torch.manual_seed(0)
    x, y = torch.randn(20, 3), torch.randn(20, 1)
    model = nn.Linear(3, 1)
    start = model.state_dict()
    start = {name: value.clone() for name, value in start.items()}

    def loss():
        return ((model(x) - y) ** 2).mean()

    runs = {}
    for lr in (0.05, 0.2):
        model.load_state_dict(start)
        runs[f"sgd {lr}"] = race.descend(loss, optim.SGD(model.parameters(), lr=lr), 15)
    model.load_state_dict(start)
    before = [p.detach().numpy().copy() for p in model.parameters()]
    place = race.plane_of("net", "loss", runs, loss, list(model.parameters()))
    for p, old in zip(model.parameters(), before):
        np.testing.assert_array_equal(p.detach().numpy(), old)
    for run in place.runs.values():
        assert run.path.shape == (16, 2)
        assert place.x[0] < run.path[:, 0].min() < run.path[:, 0].max() < place.x[1]
    # Two paths of a quadratic lie almost in a plane, so the map has the loss of the path.
    path = next(iter(place.runs.values())).path[5]
    grid = np.meshgrid(np.array([path[0]]), np.array([path[1]]))
    assert place.height(*grid).item() == pytest.approx(runs["sgd 0.05"].values[5], rel=0.05)


# --- the program ---------------------------------------------------------------------------------


def test_the_table_says_who_arrived_and_who_diverged(capsys):
    assert tool.main(["--functions", "bowl", "beale", "--optimizers", "sgd:2", "adam"]) == 0
    text = capsys.readouterr().out
    bowl, beale = text.split("\n\n")
    rows = [line.split() for line in bowl.splitlines()[2:]]
    assert rows[0][:3] == ["adam", "0.3", "52"]
    assert rows[1][:3] == ["sgd:2", "2", "-"]
    assert "diverged at step" in beale
    assert "Traceback" not in text


def test_json(capsys):
    options = ["--functions", "beale", "--optimizers", "sgd:10", "adam", "adam,lr=0.1,amsgrad=True"]
    assert tool.main([*options, "--steps", "50", "--tolerance", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["files"] == []
    by_name = {row["optimizer"]: row for row in found["results"]}
    assert by_name["sgd:10"]["diverged"]
    assert by_name["sgd:10"]["steps"] < 50
    assert by_name["sgd:10"]["steps_to_tolerance"] is None
    assert by_name["adam"]["lr"] == 0.5
    assert by_name["adam"]["steps_to_tolerance"] == 0
    assert by_name["adam,lr=0.1,amsgrad=True"]["lr"] == 0.1


def test_iris_and_pictures(capsys, tmp_path):
    pytest.importorskip("sklearn")
    out = tmp_path / "new" / "folder"
    options = ["--functions", "iris", "--optimizers", "adam:0.05", "sgd", "--steps", "40"]
    assert tool.main([*options, "--out", str(out)]) == 0
    assert "adam:0.05" in capsys.readouterr().out.splitlines()[2]  # the first to arrive
    assert {path.name for path in out.iterdir()} == {"iris.png", "values.png", "race.html"}
    for path in out.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_every_optimizer_races(capsys):
    assert tool.main(["--functions", "saddle", "--optimizers", *tool.CLASSES, "--steps", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(tool.CLASSES)
    public = {value for value in vars(optim).values() if isinstance(value, type)}
    others = {optim.Optimizer, optim.Microscope, optim.LBFGS}  # which needs a closure
    assert set(tool.CLASSES.values()) == public - others


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--optimizers", "adem"], "no optimizer 'adem'; there are sgd, momentum"),
        (["--optimizers", "adam:fast"], "'fast' is not a rate"),
        (["--optimizers", "adam:-1"], "Invalid learning rate: -1.0"),
        (["--optimizers", "adam:nan"], "Invalid learning rate: nan"),
        (["--optimizers", "adam,betas=(0.9,1.5)"], "Invalid beta parameter at index 1: 1.5"),
        (["--optimizers", "adam,betas=(0.9"], "'betas=(0.9' is not OPTION=VALUE"),
        (["--optimizers", "adam,eps=0.1,eps=0.2"], "an option stands there twice"),
        (["--optimizers", "adam:0.1,lr=0.2"], "the rate stands there twice"),
        (["--optimizers", "adam,lr='a'"], "adam,lr='a': "),
        (["--optimizers", "adam,betas=3"], "betas must be a tuple of two numbers, not int"),
        (["--optimizers", "sgd,momentum"], "'momentum' is not OPTION=VALUE"),
        (["--optimizers", "sgd,momentum=high"], "'high' is not a value"),
        (["--optimizers", "sgd,speed=1"], "unexpected keyword argument 'speed'"),
        (["--optimizers", "sgd,nesterov=True"], "Nesterov momentum requires a momentum"),
        (["--functions", "bowl", "hill"], "invalid choice: 'hill'"),
        (["--steps", "0"], "0 is not a number above zero"),
        (["--steps", "many"], "invalid int value: 'many'"),
        (["--tolerance", "inf"], "inf is not a number above zero"),
        (["--animation", "gif"], "--animation needs --out DIR"),
        (["--animation", "mp4", "--out", "x"], "invalid choice: 'mp4'"),
    ],
)
def test_bad_options_give_one_clear_line(capsys, options, words):
    assert words in refusal(capsys, *options)


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    options = ["--functions", "bowl", "--optimizers", "sgd", "--steps", "3"]
    assert tool.main([*options, "--out", str(tmp_path / "file")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("optim_race.py: error: ")
    assert len(printed.err.splitlines()) == 1


# --- pictures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fields():
    """Two short races, one with a run that diverges."""
    found = []
    for name in ("bowl", "beale"):
        place = race.LANDSCAPES[name]
        runs = {
            "adam <1>": race.descend_on(place, partial(optim.Adam, lr=0.3), 20),
            "sgd": race.descend_on(place, partial(optim.SGD, lr=10.0), 20),
        }
        found.append(place.field(runs))
    return found


def test_a_map_has_paths_labels_and_a_legend(fields):
    figure = race.map_of(fields[1])
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    assert bar.get_ylabel() == "log₁₀ (f - lowest)"
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["adam <1>", "sgd (diverged)", "start", "end", "minimum"]
    path = next(line for line in axes.get_lines() if len(line.get_xdata()) == 21)
    np.testing.assert_array_equal(path.get_xydata(), fields[1].runs["adam <1>"].path)


def test_a_legend_of_long_names_fits_above_the_map(fields):
    runs = {f"adam:0.1,betas=(0.9,0.{n})": fields[0].runs["adam <1>"] for n in range(90, 99)}
    figure = race.map_of(race.LANDSCAPES["bowl"].field(runs))
    figure.canvas.draw()
    box, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
    assert box.y0 > figure.axes[0].get_window_extent().y1


def test_the_values_step_by_step(fields):
    figure = race.heights_of(fields, 0.01)
    bowl, beale = figure.axes
    assert bowl.get_yscale() == "log"
    assert bowl.get_xlabel() == "step"
    np.testing.assert_allclose(bowl.get_lines()[0].get_ydata(), fields[0].runs["adam <1>"].values)
    assert beale.get_ylim()[1] <= 301 * fields[1].runs["sgd"].values[0]


def test_the_animated_page_needs_nothing_else(fields, tmp_path):
    path = race.save_animation(tmp_path / "race.html", fields)
    text = path.read_text(encoding="utf-8")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert "adam &lt;1&gt;" in text
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert [panel["steps"] for panel in data] == [20, 20]
    adam, sgd = data[1]["runs"]
    assert (adam["diverged"], sgd["diverged"]) == (False, True)
    assert len(adam["points"]) == len(adam["values"]) == 21
    assert list(tmp_path.iterdir()) == [path]


def test_the_pages_points_are_where_the_picture_has_them(fields, tmp_path):
    """The minimum's star in the picture is where the page's coordinates say it is."""
    image = pytest.importorskip("PIL.Image")
    bowl = race.LANDSCAPES["bowl"]
    still = race.Run(np.array([[0.0, 0.0]]), np.array([0.0]))
    stage = race._stage(bowl.field({"there": still}), 110, legend=False)
    (x, y) = stage.paths["there"][0]
    picture = image.open(io.BytesIO(stage.png)).convert("L")
    size = (stage.width, stage.height)
    assert np.abs(np.subtract(picture.size, size)).max() <= 1  # a part of a pixel is cut off
    assert picture.getpixel((round(x), round(y))) < 40


def test_the_gif_moves_and_keeps_its_colours(fields, tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = race.save_animation(tmp_path / "race.gif", fields[:1])
    with image.open(path) as film:
        assert film.n_frames > 20
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("RGB")).reshape(-1, 3)
    blue = np.array([0x00, 0x72, 0xB2])
    assert (np.abs(last.astype(int) - blue).sum(axis=1) < 12).sum() > 50


def test_another_ending_is_refused(fields, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.html or \.gif"):
        race.save_animation(tmp_path / "race.mp4", fields)
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")

    def full(self, content):
        with open(self, "wb") as file:
            file.write(content[:2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        race.write_whole(target, b"new and longer")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert target.read_bytes() == b"old"
