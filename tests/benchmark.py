"""How long the main jobs take, in CPU time: `python tests/benchmark.py`.

Medians of one run, in milliseconds of CPU time. The cold runs start a new interpreter each and include its own start,
which is shown apart.
"""

from __future__ import annotations

import gc
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def median_ms(function: Callable[[], object], repeats: int = 31) -> float:
    """Median CPU time of a call, garbage collection aside."""
    times = []
    gc.collect()
    gc.disable()
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(1e3 * (time.process_time() - start))
    gc.enable()
    return statistics.median(times)


def cold(arguments: list[str], repeats: int = 11) -> tuple[float, float]:
    """Median CPU seconds and largest resident megabytes of a new process."""
    seconds, megabytes = [], []
    for _ in range(repeats):
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.chdir("/")
            os.execv(sys.executable, [sys.executable, *arguments])
        _, _, usage = os.wait4(child, 0)
        seconds.append(usage.ru_utime + usage.ru_stime)
        megabytes.append(usage.ru_maxrss / 1024)
    return statistics.median(seconds), max(megabytes)


def main() -> None:
    """Print one line per job."""
    sys.path.insert(0, str(ROOT))
    from costmodel.costs import cost_table
    from costmodel.files import read_bundled
    from costmodel.roofline import predict
    from costmodel.specs.catalogue import load, program_of
    from costmodel.specs.expansion import expand

    print(f"{'job':46} {'limit':>10} {'median':>10}")
    for name in ("mobilenet_v1", "mobilenet_v2", "resnet50", "inception_v3", "vit_base_patch16_224", "resnet152"):
        graph = load(name)
        costs = cost_table(graph)
        limit = "5 ms" if name == "mobilenet_v2" else ""
        for job, function in (
            ("load", lambda name=name: load(name)),
            ("cost", lambda graph=graph: cost_table(graph)),
            ("predict", lambda costs=costs: predict(costs, "pixel_6")),
        ):
            print(f"{name + ': ' + job:46} {limit if job != 'predict' else '':>10} {median_ms(function):>7.2f} ms")
    document = read_bundled("specs", "mobilenet_v2")
    read = median_ms(lambda: expand(program_of(document), {}))
    print(f"{'mobilenet_v2: read, check and expand a new file':46} {'5 ms':>10} {read:>7.2f} ms")
    resource.getrusage(resource.RUSAGE_SELF)
    seconds, megabytes = cold(["-c", "pass"])
    print(f"{'a bare interpreter, cold':46} {'':>10} {1e3 * seconds:>7.0f} ms {megabytes:.0f} MB")
    seconds, megabytes = cold(["-m", "costmodel", "show", "mobilenet_v2", "--hardware", "pixel_6"])
    job = "show mobilenet_v2 --hardware pixel_6, cold"
    print(f"{job:46} {'300 ms':>10} {1e3 * seconds:>7.0f} ms {megabytes:.0f} MB (limit 45 MB)")


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package comes with its byte code
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    main()
