"""The registry against its model, for as long as one likes.

python -m tests.soak.state_machine [--examples 300] [--steps 50] [--store disk|scale|memory]
"""

import argparse
import sys
import time

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.test_state_machine import machine_on


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--store", action="append", choices=["memory", "disk", "scale"])
    options = parser.parse_args()
    for store in options.store or ["disk", "scale"]:
        size = settings(
            max_examples=options.examples, stateful_step_count=options.steps, deadline=None
        )
        begin = time.perf_counter()
        run_state_machine_as_test(machine_on(store), settings=size)
        took_s = time.perf_counter() - begin
        print(f"{store}: {options.examples} runs of up to {options.steps} calls, {took_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
