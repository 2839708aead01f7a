"""Train the study notes' CNN on handwritten digits, and look at what it learned.

    python examples/train_cnn.py
    python examples/train_cnn.py --dataset mnist --data-dir path/to/the/four/files

Question: how does a network with 421,642 numbers in it come to read handwriting?
Idea: show it 64 images at a time, measure how wrong it is, and let backward() and Adam move each
number a little way against its gradient. Images that it never trains on tell whether it learned to
read or learned by heart.
Look at: curves.png (the test loss should fall with the training loss), confusion.png (which digits
it mixes up), mistakes.png (would you have known?), filters.png (what conv1 looks for), graph.svg
(every operation on the way to the loss, and every gradient on
the way back).
Exercise: train with --optimizer sgd at the rates 1, 0.1 and 0.01. Which one ends like Adam, and
what do the curves of the other two look like?
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import tinygrad_adam as torch
from tinygrad_adam import data, nn, optim, viz
from tinygrad_adam.utils.data import DataLoader

OPTIMIZERS = {
    # The class, and a learning rate at which it trains this network well.
    "adam": (optim.Adam, 1e-3),
    "sgd": (optim.SGD, 0.1),
    "momentum": (optim.Momentum, 0.1),
    "rmsprop": (optim.RMSprop, 1e-3),
    "adagrad": (optim.Adagrad, 1e-2),
}
EPOCHS = {"digits": 20, "mnist": 3}
NUMBERS = ("metrics.json", "model.safetensors")
PICTURES = ("curves.png", "confusion.png", "mistakes.png", "filters.png", "graph.svg", "graph.dot")


class CNN(nn.Module):
    """The notes' network: images (N, 1, 28, 28) to scores (N, 10), one for each digit."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of a batch of images."""
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = x.view(-1, 64 * 7 * 7)
        return self.fc2(self.relu3(self.fc1(x)))


def train_one_epoch(model, loader, criterion, optimizer, device, bar) -> float:
    """Show the model every training image once; return its mean loss over them.

    Each batch is moved by up to a pixel in each direction, another way each time: the digits mean
    the same, and the network finds it harder to learn single images by heart.
    """
    model.train()
    total = count = 0
    for images, labels in loader:
        shift = torch.randint(-1, 2, (2,)).tolist()
        images, labels = images.roll(shift, dims=(2, 3)).to(device), labels.to(device)
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
        bar.set_postfix(loss=f"{total / count:.4f}", refresh=False)
        bar.update(len(labels))
    return total / count


@torch.no_grad()
def evaluate(model, dataset, criterion, device) -> tuple[float, np.ndarray]:
    """Return the mean loss over a dataset, and the digit that the model sees in each image."""
    model.eval()
    total, predictions = 0.0, []
    for images, labels in DataLoader(dataset, batch_size=250):
        scores = model(images.to(device))
        total += criterion(scores, labels.to(device)).item() * len(labels)
        predictions.append(scores.argmax(dim=1).cpu().numpy())
    return total / len(dataset), np.concatenate(predictions)


@contextlib.contextmanager
def ctrl_c_waits():
    """Let a Ctrl-C take effect after the block, which is done in a moment."""
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def save_epoch(out: Path, metrics: dict, model: nn.Module) -> None:
    """Write what one more epoch gave. Each file is replaced in one go, never half written."""
    if len(metrics["epochs"]) == 1:
        for name in PICTURES:  # of an earlier run: they would not belong to these numbers
            (out / name).unlink(missing_ok=True)
    torch.save(model.state_dict(), out / "model.safetensors")
    unfinished = out / ".metrics.json.tmp"
    unfinished.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, out / "metrics.json")


def save_pictures(out: Path, metrics: dict, model: nn.Module, test, predictions, loss) -> None:
    """Draw the course of the training, the mistakes, the filters and the graph of one loss."""
    images, labels = test.tensors
    matrix = np.zeros((10, 10), dtype=int)
    np.add.at(matrix, (labels.numpy(), predictions), 1)
    viz.curves(metrics["epochs"]).savefig(out / "curves.png")
    viz.confusion(matrix).savefig(out / "confusion.png")
    viz.mistakes(images, labels, predictions).savefig(out / "mistakes.png")
    viz.filters(model.conv1.weight).savefig(out / "filters.png")
    # Without Graphviz's dot program this writes graph.dot instead, and says so.
    viz.draw({"loss": loss}, backward="compute").save(out / "graph.svg")


def above_zero(kind: type):
    """Return a converter for argparse that takes finite numbers above zero only."""

    def convert(text: str):
        number = kind(text)
        if not 0 < number < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above zero")
        return number

    convert.__name__ = kind.__name__  # argparse says "invalid int value" with this
    return convert


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str):
        """Say what is wrong, and leave."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    rates = ", ".join(f"{name} {lr}" for name, (_, lr) in OPTIMIZERS.items())
    epochs = ", ".join(f"{name} {count}" for name, count in EPOCHS.items())
    parser = Parser(description="Train the study notes' CNN on handwritten digits.")
    add = parser.add_argument
    add("--dataset", choices=EPOCHS, default="digits", help="what to learn (default: digits)")
    add("--data-dir", metavar="DIR", help="folder of the four MNIST files")
    add("--download", action="store_true", help="fetch the MNIST files that are not there")
    add("--epochs", type=above_zero(int), metavar="N", help=f"passes over the data ({epochs})")
    add("--batch-size", type=above_zero(int), default=64, metavar="N", help="(default: 64)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="update rule (default: adam)")
    add("--lr", type=above_zero(float), help=f"learning rate ({rates})")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(default: auto)")
    add("--seed", type=int, default=0, help="same seed, same numbers (default: 0)")
    add("--out", metavar="DIR", help="folder for the results (default: runs/DATASET)")
    add("--quiet", action="store_true", help="print the last two lines only")
    options = parser.parse_args()
    if options.dataset != "mnist" and (options.data_dir or options.download):
        parser.error("--data-dir and --download go with --dataset mnist")
    needed = {"graphviz", "matplotlib", "safetensors", "sklearn", "tqdm"}
    missing = [name for name in sorted(needed) if importlib.util.find_spec(name) is None]
    if missing:
        parser.error(f'{", ".join(missing)} not installed: pip install -e ".[examples]"')
    options.out = Path(options.out or f"runs/{options.dataset}")
    options.epochs = options.epochs or EPOCHS[options.dataset]
    options.lr = options.lr or OPTIMIZERS[options.optimizer][1]
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    return options


def main(options: argparse.Namespace, metrics: dict) -> None:
    """Train, and write the results; ``metrics`` has what is finished, also after Ctrl-C."""
    from tqdm import tqdm

    say = (lambda text: None) if options.quiet else print
    torch.manual_seed(options.seed)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=options.out).close()  # can files be written there?
        model = CNN().to(options.device)
        if options.dataset == "mnist":
            train, test = data.mnist(options.data_dir, options.download, normalize=True)
        else:
            train, test = data.digits(normalize=True)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        text = " ".join(str(error).split())  # on one line, and in the words of the command line
        sys.exit(f"train_cnn.py: error: {text.replace('download=True', '--download')}")
    loader = DataLoader(train, batch_size=options.batch_size, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = OPTIMIZERS[options.optimizer][0](model.parameters(), lr=options.lr)
    # From --lr in the first epoch down to almost nothing in the last: large steps get near, small
    # ones stay there.
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs)
    metrics["parameters"] = sum(p.numel() for p in model.parameters())
    say(f"{options.dataset}: {len(train):,} images to train on, {len(test):,} to test with")
    say(f"CNN: {metrics['parameters']:,} parameters, {options.optimizer}, on {options.device}")

    for epoch in range(1, options.epochs + 1):
        start = time.perf_counter()
        title = f"epoch {epoch:{len(str(options.epochs))}}/{options.epochs}"
        hidden = True if options.quiet else None  # None: shown on a terminal only
        with tqdm(total=len(train), desc=title, unit=" images", leave=False, disable=hidden) as bar:
            train_loss = train_one_epoch(model, loader, criterion, optimizer, options.device, bar)
        schedule.step()
        test_loss, predictions = evaluate(model, test, criterion, options.device)
        if not math.isfinite(train_loss + test_loss):
            sys.exit(f"{title}: the loss is {train_loss}; try a learning rate below {options.lr}")
        right = int((predictions == test.tensors[1].numpy()).sum())
        metrics["test_accuracy"] = right / len(test)
        seconds = time.perf_counter() - start
        result = {
            "epoch": epoch,
            "train_loss": train_loss,
            "test_loss": test_loss,
            "test_accuracy": metrics["test_accuracy"],
            "seconds": seconds,
        }
        with ctrl_c_waits():  # what is said to be finished is what the files have
            metrics["epochs"].append(result)
            save_epoch(options.out, metrics, model)
        say(
            f"{title}  train loss {train_loss:.4f}  test loss {test_loss:.4f}  "
            f"test accuracy {metrics['test_accuracy']:7.2%}  {seconds:.1f} s"
        )

    images, labels = test[:1]
    loss = criterion(model(images.to(options.device)), labels.to(options.device))
    save_pictures(options.out, metrics, model, test, predictions, loss)
    present = [name for name in (*NUMBERS, *PICTURES) if (options.out / name).exists()]
    print(f"test accuracy {right / len(test):.2%}: {right:,} of {len(test):,} images")
    print(f"results in {options.out}{os.sep}: {', '.join(present)}")


if __name__ == "__main__":
    chosen = read_options()
    finished: dict = {
        "dataset": chosen.dataset,
        "device": chosen.device,
        "seed": chosen.seed,
        "parameters": 0,
        "test_accuracy": None,
        "epochs": [],
    }
    try:
        main(chosen, finished)
    except KeyboardInterrupt:
        count = len(finished["epochs"])
        kept = (
            f"finished epochs, kept in {chosen.out}: {count}" if count else "no epoch is finished"
        )
        print(f"\ninterrupted; {kept}", file=sys.stderr)
        sys.exit(130)
