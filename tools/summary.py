"""Tabulate a model: layers, shapes, parameters, multiply-adds, memory and time.

python -m tools.summary file.py:Class --input 1,1,28,28 [--json]
"""

from __future__ import annotations

import argparse
import json
import sys

from tinygrad_adam import viz
from tools.model_file import UsageError, load_model, make_input


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="file.py:Class")
    parser.add_argument("--input", required=True, metavar="SHAPE", help="shape of its input")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    try:
        table = viz.summary(load_model(options.model), make_input(options.input))
    except (UsageError, RuntimeError, TypeError, ValueError) as error:
        sys.exit(f"summary.py: {error}")
    print(json.dumps(table.to_dict(), indent=1) if options.json else table)


if __name__ == "__main__":
    main()
