"""How long the main jobs take, in CPU time: `python tests/benchmark.py`.

Medians of one run, in milliseconds of CPU time. The cold runs start a new interpreter each and include its own start,
which is shown apart.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

LIMITS = {"mobilenet_v2": "5 ms"} | dict.fromkeys(("efficientnet_b7", "nasnet_a_large", "resnet1202_cifar"), "60 ms")
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


def every_network() -> list[float]:
    """CPU milliseconds of loading and costing each published name once; the first of a family also reads its file."""
    from costmodel.costs import cost_table
    from costmodel.specs.catalogue import load
    from costmodel.specs.listing import published_names

    times = []
    for name in published_names():
        start = time.process_time()
        cost_table(load(name))
        times.append(1e3 * (time.process_time() - start))
    return times


def million_points(hardware: tuple[str, ...]) -> float:
    """CPU seconds of a sweep over 1,008 widths and 993 resolutions of MobileNetV2; the median of three."""
    import numpy

    from costmodel.sweeps import sweep

    times = []
    for _ in range(3):
        start = time.process_time()
        points = sweep(
            "mobilenet_v2", hardware=hardware, width=numpy.linspace(0.1, 2.0, 1008), resolution=range(32, 1025)
        )
        times.append(time.process_time() - start)
        assert len(points) > 1_000_000
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


def memory_jobs() -> list[tuple[str, str, Callable[[], object]]]:
    """Jobs on memory and energy: name, limit, call."""
    from costmodel.compression import compress
    from costmodel.costs import cost_table
    from costmodel.deployment import fits
    from costmodel.energies import energy
    from costmodel.memory import peak_memory, plan_arena
    from costmodel.passes.execution_order import least_memory_order
    from costmodel.patches import search_patches
    from costmodel.specs.catalogue import load

    names = ("mobilenet_v2", "nasnet_a_large", "densenet264", "amoebanet_b_18_512", "resnet1202_cifar")
    graphs = {name: load(name) for name in names}
    jobs: list[tuple[str, str, Callable[[], object]]] = []
    for name, graph in graphs.items():
        jobs += [
            (f"{name}: peak memory", "", partial(peak_memory, graph)),
            (f"{name}: arena", "500 ms", partial(plan_arena, graph)),
            (f"{name}: best order", "1 s", partial(least_memory_order, graph)),
        ]
    mobilenet = graphs["mobilenet_v2"]
    costs = cost_table(mobilenet)
    return [
        *jobs,
        ("mobilenet_v2: search over patches", "200 ms", partial(search_patches, mobilenet)),
        ("mobilenet_v2: energy after its costs", "5 ms", partial(energy, costs)),
        ("mobilenet_v2: compress", "", partial(compress, costs, 8, 0.5, "deep_compression")),
        ("mobilenet_v2: fits stm32f746, with search", "", partial(fits, "mobilenet_v2", "stm32f746")),
    ]


def latency_jobs() -> list[tuple[str, str, Callable[[], object]]]:
    """Jobs on calibrated profiles: name, limit, call."""
    from costmodel.costs import CostTable, cost_table
    from costmodel.explanation import explain
    from costmodel.hardware import calibrated_profiles, load_hardware
    from costmodel.latency import latencies
    from costmodel.roofline import predict
    from costmodel.specs.catalogue import load

    def anew(costs: CostTable) -> CostTable:
        """The same costs of a network that no prediction has seen."""
        return cost_table(load(costs.graph.name))

    profile = load_hardware("i9_10940x:torch_compile")
    profiles = calibrated_profiles()
    jobs: list[tuple[str, str, Callable[[], object]]] = []
    for name in ("mobilenet_v2", "resnet50"):
        costs = cost_table(load(name))
        seen_first = iter([anew(costs) for _ in range(40)])
        jobs += [
            (f"{name}: all terms, first prediction", "", lambda it=seen_first: predict(next(it), profile)),  # type: ignore[misc]
            (f"{name}: all terms, one profile", "1 ms", partial(predict, costs, profile)),
            (
                f"{name}: all terms, {len(profiles)} profiles", "20 ms",
                partial(latencies, costs.graph, costs.shapes, profiles),
            ),
            (f"{name}: explain", "", partial(explain, costs, profile)),
        ]  # fmt: skip
    return jobs


def main() -> None:
    """Print one line per job."""
    sys.path.insert(0, str(ROOT))
    from costmodel.costs import cost_table
    from costmodel.files import read_bundled
    from costmodel.roofline import predict
    from costmodel.specs.catalogue import load, program_of
    from costmodel.specs.expansion import expand

    print(f"{'job':46} {'limit':>10} {'median':>10}")
    seconds, megabytes = cold(["-c", "pass"])
    print(f"{'a bare interpreter, cold':46} {'':>10} {1e3 * seconds:>7.0f} ms {megabytes:.0f} MB")
    seconds, megabytes = cold(["-m", "costmodel", "show", "mobilenet_v2", "--hardware", "pixel_6"])
    job = "show mobilenet_v2 --hardware pixel_6, cold"
    print(
        f"{job:46} {'300 ms':>10} {1e3 * seconds:>7.0f} ms {megabytes:.0f} MB (limit 45 MB)"
    )  # first: a new process begins with its parent's memory
    for arguments, limit in (
        (["reproduce"], "5 s"),
        (["claims"], "2 s"),
        (["trace-claim", "vgg16", "--macs", "15.3G"], "2 s"),
        (["memory", "mobilenet_v2"], "1 s"),
        (["energy", "mobilenet_v2"], "1 s"),
        (["fits", "mobilenet_v2", "--hardware", "stm32f746"], "5 s"),
        (["explain", "mobilenet_v2", "--hardware", "i9_10940x:torch_compile"], "1 s"),
        (["validate"], "60 s"),
    ):
        seconds, megabytes = cold(["-m", "costmodel", *arguments], repeats=1 if arguments == ["validate"] else 3)
        print(f"{' '.join(arguments) + ', cold':46} {limit:>10} {seconds:>7.2f} s {megabytes:.0f} MB")
    times = every_network()
    print(f"{f'load and cost each of {len(times)} names once, together':46} {'10 s':>10} {sum(times) / 1e3:>7.2f} s")
    print(f"{'load and cost a name':46} {'10 ms':>10} {statistics.median(times):>7.2f} ms")
    for name in (
        "mobilenet_v1", "mobilenet_v2", "resnet50", "inception_v3", "vit_base_patch16_224", "resnet152",
        "efficientnet_b7", "nasnet_a_large", "resnet1202_cifar",
    ):  # fmt: skip
        graph = load(name)
        costs = cost_table(graph)
        limit = LIMITS.get(name, "")
        for job, function in (
            ("load", lambda name=name: load(name)),
            ("cost", lambda graph=graph: cost_table(graph)),
            ("predict", lambda costs=costs: predict(costs, "pixel_6")),
        ):
            took = median_ms(function, 31 if len(graph.layers) < 1000 else 7)
            print(f"{name + ': ' + job:46} {limit if job != 'predict' else '':>10} {took:>7.2f} ms")
    for job, limit, call in memory_jobs():
        print(f"{job:46} {limit:>10} {median_ms(call, 5):>7.2f} ms")
    for job, limit, call in latency_jobs():
        print(f"{job:46} {limit:>10} {median_ms(call, 31):>7.2f} ms")
    for hardware in ((), ("pixel_6",), ("i9_10940x:torch_compile",)):
        kind = ", calibrated" if hardware and ":" in hardware[0] else ""
        job = "sweep of 1,000,000 points of mobilenet_v2" + (", one device" if hardware else "") + kind
        print(f"{job:46} {'' if kind else '5 s':>10} {million_points(hardware):>7.2f} s")
    document = read_bundled("specs", "mobilenet_v2")
    read = median_ms(lambda: expand(program_of(document), {}))
    print(f"{'mobilenet_v2: read, check and expand a new file':46} {'5 ms':>10} {read:>7.2f} ms")


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package comes with its byte code
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    main()
