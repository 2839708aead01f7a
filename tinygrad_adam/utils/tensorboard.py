"""SummaryWriter: what TensorBoard shows, written by the ``tensorboard`` package.

It is loaded when it is asked for.

Source: PyTorch, ``torch.utils.tensorboard``.
"""

from __future__ import annotations

import io
import socket
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_adam.backend.extras import how_to_install
from tinygrad_adam.tensor import Tensor
from tinygrad_adam.viz.extras import require

__all__ = ["SummaryWriter"]


def _tensorboard() -> tuple[Any, Any]:
    """Return the modules of ``tensorboard`` that write: files, and what is in them."""
    try:
        from tensorboard.compat import proto
        from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2  # noqa: F401
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise ImportError(
            f"SummaryWriter needs the package tensorboard: {how_to_install('tensorboard')}"
        ) from error
    return EventFileWriter, proto


def _array(value: Any) -> np.ndarray:
    return value.numpy(force=True) if isinstance(value, Tensor) else np.asarray(value)


class SummaryWriter:
    """Writes numbers, pictures and texts of a training to a folder that ``tensorboard`` shows.

    Each is written under a tag, for a ``global_step``; tags with slashes stand together.

    Args:
        log_dir: the folder; if None ``runs/`` with the date, the machine's name and ``comment``.
        comment: is added to the name of the folder, if none is given.
        purge_step: what was written from this step on, by a run that broke off, is hidden.
        max_queue: how many entries wait to be written.
        flush_secs: for how many seconds.
        filename_suffix: is added to the names of files.

    Raises:
        ImportError: the package tensorboard is not installed.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        writer, self._proto = _tensorboard()
        if not log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = Path("runs") / f"{now}_{socket.gethostname()}{comment}"
        self.log_dir = str(log_dir)
        self.purge_step = purge_step
        self._writers: dict[str, Any] = {}
        self._open = lambda folder: writer(folder, max_queue, flush_secs, filename_suffix)
        self._writer("")
        if purge_step is not None:
            event = self._proto.event_pb2
            start = event.SessionLog(status=event.SessionLog.START)
            self._event(purge_step, None, "", file_version="brain.Event:2")
            self._event(purge_step, None, "", session_log=start)

    def get_logdir(self) -> str:
        """Return the folder."""
        return self.log_dir

    def _writer(self, below: str) -> Any:
        if below not in self._writers:
            self._writers[below] = self._open(str(Path(self.log_dir) / below))
        return self._writers[below]

    def _event(self, step: Any, walltime: float | None, below: str = "", **content: Any) -> None:
        event = self._proto.event_pb2.Event(
            wall_time=time.time() if walltime is None else walltime, **content
        )
        if step is not None:
            event.step = int(step)
        self._writer(below).add_event(event)

    def _add(
        self, step: Any, walltime: float | None, tag: str, below: str = "", **value: Any
    ) -> None:
        summary = self._proto.summary_pb2
        entry = summary.Summary.Value(tag=tag, **value)
        self._event(step, walltime, below, summary=summary.Summary(value=[entry]))

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add a number: a Python number, or a tensor or array of one element.

        The last two options choose among PyTorch's ways to store it, and have no effect.
        """
        array = _array(scalar_value)
        if array.size != 1:
            raise AssertionError(
                "Tensor should contain one element (0 dimensions). Was given size: "
                f"{array.size} and {array.ndim} dimensions."
            )
        self._add(global_step, walltime, tag, simple_value=float(array.item()))

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add several numbers to one picture, by their names."""
        for tag, value in tag_scalar_dict.items():
            below = f"{main_tag.replace('/', '_')}_{tag}"
            number = float(_array(value).item())
            self._add(global_step, walltime, main_tag, below, simple_value=number)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add the distribution of all elements of a tensor.

        Args:
            tag: its name.
            values: the tensor.
            global_step: of the training.
            bins: edges, or a rule of ``numpy.histogram``; "tensorflow" for edges that grow by 1.1.
            walltime: seconds since 1970, for now.
            max_bins: more bins than this are put together.

        Raises:
            ValueError: there are no values.
        """
        found = _array(values).astype(np.float64).ravel()
        if not found.size:
            raise ValueError("The input has no element.")
        if isinstance(bins, str) and bins == "tensorflow":
            steps = 1e-12 * 1.1 ** np.arange(774)
            bins = np.concatenate([-steps[::-1], [0.0], steps])
        counts, edges = np.histogram(found, bins=bins)
        if max_bins is not None and len(counts) > max_bins:
            group = -(-len(counts) // max_bins)
            starts = np.arange(0, len(counts), group)
            counts, edges = np.add.reduceat(counts, starts), edges[[*starts, len(counts)]]
        filled = np.flatnonzero(counts)
        first, last = (filled[0], filled[-1]) if filled.size else (0, 0)
        histogram = self._proto.summary_pb2.HistogramProto(
            min=found.min(),
            max=found.max(),
            num=found.size,
            sum=found.sum(),
            sum_squares=found @ found,
            # An empty bin before the first, for the edge that it begins with.
            bucket_limit=edges[first : last + 2].tolist(),
            bucket=[0, *counts[first : last + 1].tolist()],
        )
        self._add(global_step, walltime, tag, histo=histogram)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Add a picture: bytes from 0 to 255, or floating numbers from 0 to 1.

        Args:
            tag: its name.
            img_tensor: the picture; with four channels it has transparency.
            global_step: of the training.
            walltime: seconds since 1970, for now.
            dataformats: the letters of its dimensions, "HW", "HWC", "CHW" or another order.
        """
        self._picture(tag, _in_order(img_tensor, dataformats, "HWC"), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Add a batch of pictures, side by side in one. Arguments as for :meth:`add_image`."""
        batch = _in_order(img_tensor, dataformats, "NHWC")
        count, height, width, channels = batch.shape
        columns = min(count, 8)
        rows = -(-count // columns)
        whole = np.zeros((rows * columns, height, width, channels), batch.dtype)
        whole[:count] = batch
        grid = whole.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
        picture = grid.reshape(rows * height, columns * width, channels)
        self._picture(tag, picture, global_step, walltime)

    def _picture(self, tag: str, pixels: np.ndarray, step: Any, walltime: Any) -> None:
        if pixels.dtype != np.uint8:
            pixels = (pixels.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
        height, width, channels = pixels.shape
        file = io.BytesIO()
        require("PIL.Image").fromarray(pixels).save(file, format="PNG")
        image = self._proto.summary_pb2.Summary.Image(
            height=height,
            width=width,
            colorspace=channels,
            encoded_image_string=file.getvalue(),
        )
        self._add(step, walltime, tag, image=image)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Add a figure of Matplotlib's, or several of one size; they are closed afterwards."""
        pyplot, agg = require("matplotlib.pyplot"), require("matplotlib.backends.backend_agg")
        figures = figure if isinstance(figure, list) else [figure]
        pixels = []
        for each in figures:
            canvas = agg.FigureCanvasAgg(each)
            canvas.draw()
            pixels.append(np.asarray(canvas.buffer_rgba())[..., :3])
            if close:
                pyplot.close(each)
        self.add_images(tag, np.stack(pixels), global_step, walltime, dataformats="NHWC")

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add a text, in Markdown."""
        proto = self._proto
        shape = proto.tensor_shape_pb2.TensorShapeProto
        tensor = proto.tensor_pb2.TensorProto(
            dtype="DT_STRING",
            string_val=[text_string.encode()],
            tensor_shape=shape(dim=[shape.Dim(size=1)]),
        )
        plugin = proto.summary_pb2.SummaryMetadata.PluginData(plugin_name="text", content=b"\x00")
        metadata = proto.summary_pb2.SummaryMetadata(plugin_data=plugin)
        name = f"{tag}/text_summary"
        self._add(global_step, walltime, name, metadata=metadata, tensor=tensor)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Add what a run was started with, and what came out, as one row of a table of runs.

        Args:
            hparam_dict, metric_dict: by their names.
            hparam_domain_discrete: the values that an option may have.
            run_name: of the folder below; by default the time.
            global_step: of the training.

        Raises:
            TypeError: one of the two is no dictionary.
        """
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        from tensorboard.plugins.hparams import summary_v2 as hparams

        domains = hparam_domain_discrete or {}
        options = {key: _array(value).item() for key, value in hparam_dict.items()}
        kinds = [
            hparams.HParam(key, hparams.Discrete(domains[key]) if key in domains else None)
            for key in options
        ]
        metrics = [hparams.Metric(key) for key in metric_dict]
        folder = Path(self.log_dir) / (run_name or str(time.time()))
        with SummaryWriter(folder) as run:
            for summary in (
                hparams.hparams_config_pb(kinds, metrics),
                hparams.hparams_pb(options),
            ):
                run._event(global_step, None, summary=summary)
            for name, value in metric_dict.items():
                run.add_scalar(name, value, global_step)

    def add_graph(self, model: Any, input_to_model: Any = None, *args: Any, **kwargs: Any) -> None:
        """Raise NotImplementedError: TensorBoard's picture of a graph is PyTorch's own format."""
        raise NotImplementedError(
            "SummaryWriter.add_graph is left out: it would need PyTorch's traced graphs\n"
            "  viz.draw draws a model's graph: add_image or add_figure can show the picture here"
        )

    def flush(self) -> None:
        """Write what waits to be written."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Write all and close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _in_order(picture: Any, letters: str, wanted: str) -> np.ndarray:
    """Return an array with the dimensions of ``wanted``; grey gets three equal channels."""
    array, letters = _array(picture), letters.upper()
    known = len(set(letters)) == len(letters) and set(letters) <= set("NCHW")
    if array.ndim != len(letters) or not known:
        raise AssertionError(
            f"size of input tensor and input format are different.         tensor shape: "
            f"{array.shape}, input_format: {letters}"
        )
    for letter in wanted:
        if letter not in letters:
            array, letters = array[..., None], letters + letter
    array = array.transpose([letters.index(letter) for letter in wanted])
    return array.repeat(3, axis=-1) if array.shape[-1] == 1 else array
