"""SummaryWriter, on a stand-in for the tensorboard package, and on the package where it is."""

import io
import sys
import types

import numpy as np
import pytest

from tinygrad_adam import arange, nn, ones, rand, tensor, zeros
from tinygrad_adam.utils.tensorboard import SummaryWriter


class Message(types.SimpleNamespace):
    """What a protocol buffer is for us: a record of its fields."""


def messages(*names):
    return types.SimpleNamespace(**{name: type(name, (Message,), {}) for name in names})


class Writer:
    """Notes the events of a folder."""

    folders = None

    def __init__(self, folder, max_queue, flush_secs, suffix):
        self.arguments, self.events, self.calls = (max_queue, flush_secs, suffix), [], []
        self.folders[folder] = self

    def add_event(self, event):
        self.events.append(event)

    def flush(self):
        self.calls.append("flush")

    def close(self):
        self.calls.append("close")


@pytest.fixture
def folders(monkeypatch):
    event = messages("Event", "SessionLog")
    event.SessionLog.START = "start"
    summary = messages("Summary", "SummaryMetadata", "HistogramProto")
    for name in ("Value", "Image"):
        setattr(summary.Summary, name, type(name, (Message,), {}))
    summary.SummaryMetadata.PluginData = type("PluginData", (Message,), {})
    shape = messages("TensorShapeProto")
    shape.TensorShapeProto.Dim = type("Dim", (Message,), {})
    proto = types.ModuleType("tensorboard.compat.proto")
    vars(proto).update(
        event_pb2=event,
        summary_pb2=summary,
        tensor_pb2=messages("TensorProto"),
        tensor_shape_pb2=shape,
    )
    compat = types.ModuleType("tensorboard.compat")
    compat.proto = proto
    files = types.ModuleType("tensorboard.summary.writer.event_file_writer")
    files.EventFileWriter = Writer
    hparams = types.ModuleType("tensorboard.plugins.hparams")
    hparams.summary_v2 = types.SimpleNamespace(
        HParam=lambda name, domain: (name, domain),
        Discrete=tuple,
        Metric=str,
        hparams_config_pb=lambda options, metrics: ("config", options, metrics),
        hparams_pb=lambda options: ("options", options),
    )
    empty = ("tensorboard", "tensorboard.summary", "tensorboard.summary.writer")
    modules = {name: types.ModuleType(name) for name in (*empty, "tensorboard.plugins")}
    for module in (proto, compat, files, hparams):
        modules[module.__name__] = module
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Writer, "folders", {})
    return Writer.folders


def values(writer):
    """Return the entries of all events with the step of each."""
    return [(getattr(e, "step", None), e.summary.value[0]) for e in writer.events]


def test_numbers(folders):
    with SummaryWriter("logs", max_queue=3, flush_secs=5, filename_suffix=".x") as writer:
        writer.add_scalar("a", 1.5, 3)
        writer.add_scalar("a", tensor([2.5], requires_grad=True), 4, walltime=12.0)
        writer.add_scalar("a", np.float32(7))
        writer.add_scalars("many/x", {"p": 1, "q": tensor(2.0)}, 2)
        writer.flush()
        assert writer.get_logdir() == "logs"
        with pytest.raises(AssertionError, match="Tensor should contain one element"):
            writer.add_scalar("a", ones(2))
    assert list(folders) == ["logs", "logs/many_x_p", "logs/many_x_q"]
    log = folders["logs"]
    assert [(s, v.tag, v.simple_value) for s, v in values(log)] == [
        (3, "a", 1.5), (4, "a", 2.5), (None, "a", 7.0),
    ]  # fmt: skip
    assert (log.events[1].wall_time, log.arguments) == (12.0, (3, 5, ".x"))
    assert log.events[0].wall_time > 1e9
    ((step, value),) = values(folders["logs/many_x_q"])
    assert (step, value.tag, value.simple_value) == (2, "many/x", 2.0)
    assert all(each.calls == ["flush", "close"] for each in folders.values())


def test_the_folder_has_a_name_of_its_own_and_may_be_purged(folders):
    SummaryWriter(comment="_lr3", purge_step=7)
    ((folder, log),) = folders.items()
    assert folder.startswith("runs/")
    assert folder.endswith("_lr3")
    assert [event.step for event in log.events] == [7, 7]
    assert log.events[1].session_log.status == "start"


def test_histograms(folders):
    writer = SummaryWriter("logs")
    writer.add_histogram("h", arange(6.0), 1, bins=3)
    writer.add_histogram("h", arange(6.0), 1, bins=6, max_bins=2)
    writer.add_histogram("h", tensor([-1.0, 0.0, 0.0, 2.0]), 1)
    even, joined, fine = (value.histo for _, value in values(folders["logs"]))
    assert (even.min, even.max, even.num, even.sum, even.sum_squares) == (0, 5, 6, 15, 55)
    assert even.bucket == [0, 2, 2, 2]
    np.testing.assert_allclose(even.bucket_limit, [0, 5 / 3, 10 / 3, 5])
    assert (joined.bucket, joined.bucket_limit) == ([0, 3, 3], [0, 2.5, 5])
    assert (sum(fine.bucket), max(fine.bucket)) == (4, 2)
    assert fine.bucket_limit[0] <= -1 < 2 <= fine.bucket_limit[-1]
    assert len(fine.bucket) == len(fine.bucket_limit)
    with pytest.raises(ValueError, match="The input has no element"):
        writer.add_histogram("h", zeros(0))


def test_pictures(folders):
    image = pytest.importorskip("PIL.Image")
    writer = SummaryWriter("logs")
    picture = rand(3, 4, 5)
    writer.add_image("i", picture, 1)
    writer.add_image("i", picture.permute(1, 2, 0), 1, dataformats="HWC")
    writer.add_image("i", np.arange(20, dtype=np.uint8).reshape(4, 5), 1, dataformats="HW")
    writer.add_images("i", rand(9, 1, 4, 5), 1)
    found = []
    for _, value in values(folders["logs"]):
        pixels = np.asarray(image.open(io.BytesIO(value.image.encoded_image_string)))
        assert pixels.shape == (value.image.height, value.image.width, value.image.colorspace)
        found.append(pixels)
    expected = (picture.numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], expected)
    np.testing.assert_array_equal(found[2][..., 2], np.arange(20).reshape(4, 5))
    assert found[3].shape == (8, 40, 3)
    assert (found[3][4:, 5:] == 0).all()
    assert found[3][4:, :5].any()
    with pytest.raises(AssertionError, match="size of input tensor and input format"):
        writer.add_image("i", zeros(2, 2))


def test_figures_are_closed(folders):
    pytest.importorskip("PIL")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    writer = SummaryWriter("logs")
    figures = [pyplot.figure(figsize=(1, 1)) for _ in range(2)]
    writer.add_figure("f", figures, 1)
    ((_, value),) = values(folders["logs"])
    assert (value.image.height, value.image.width) == (100, 200)
    assert not pyplot.get_fignums()
    kept = pyplot.figure()
    writer.add_figure("f", kept, 1, close=False)
    assert pyplot.get_fignums() == [kept.number]
    pyplot.close(kept)


def test_texts_and_hyperparameters(folders):
    with SummaryWriter("logs") as writer:
        writer.add_text("t", "hello", 2)
        options = {"lr": tensor(0.5), "name": "adam"}
        writer.add_hparams(options, {"loss": tensor(0.25)}, {"lr": [0.5, 1.0]}, run_name="r")
        with pytest.raises(TypeError, match="should be dictionary"):
            writer.add_hparams([], {})
        with pytest.raises(NotImplementedError, match="add_graph is left out"):
            writer.add_graph(nn.Linear(1, 1), ones(1))
    ((step, value),) = values(folders["logs"])
    assert (step, value.tag, value.tensor.string_val) == (2, "t/text_summary", [b"hello"])
    assert value.metadata.plugin_data.plugin_name == "text"
    config, chosen, loss = folders["logs/r"].events
    assert config.summary == ("config", [("lr", (0.5, 1.0)), ("name", None)], ["loss"])
    assert chosen.summary == ("options", {"lr": 0.5, "name": "adam"})
    assert loss.summary.value[0].simple_value == 0.25


def test_without_the_package_there_is_a_command_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match="needs the package tensorboard: pip install"):
        SummaryWriter("logs")


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", 0.5, 3)
        writer.add_histogram("h", arange(6.0), 1)
        writer.add_text("t", "hello", 1)
    found = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in found.Scalars("loss")] == [(3, 0.5)]
    assert found.Histograms("h")[0].histogram_value.num == 6
    assert found.Tags()["tensors"] == ["t/text_summary"]
