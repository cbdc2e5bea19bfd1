#!/usr/bin/env python3
"""Counts the instructions of an operation in the runtime's workloads, with callgrind. See bench/README.md.

    bench/instructions.py                    counts, and writes bench/instructions.txt
    bench/instructions.py --check            counts, and fails if any has grown by more than 2 %
    bench/instructions.py [--check] yield    only these workloads; nothing is written
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE / "instructions.txt"
MOST_GROWTH = 0.02

# How many operations a workload has if its counts are divided by so much. As in runtime/src/lib.rs.
OPERATIONS = {
    "spawn_join": lambda div: 1_000_000 // div // 1000 * 1000,
    "yield": lambda div: 100 * (10_000 // div),
    "pingpong": lambda div: 500_000 // div,
    "semaphore": lambda div: 100 * (5_000 // div),
    "timeout_ready": lambda div: 2_000_000 // div,
    "timeout_cancel": lambda div: 2_000_000 // div,
}
# Of the two sizes the difference is taken: so what a process does once is left out.
SMALL, LARGE = 100, 50


def build():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "/tmp/bench-target")).resolve() / "instructions"
    manifest = str(HERE / "runtime" / "Cargo.toml")
    command = ["cargo", "build", "--quiet", "--release", "--no-default-features", "--bin", "curio"]
    subprocess.run(
        [*command, "--manifest-path", manifest], check=True, env={**os.environ, "CARGO_TARGET_DIR": str(target)}
    )
    return target / "release" / "curio"


def count(binary, workload, div):
    """The instructions of one run."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(binary), workload],
            env={**os.environ, "BENCH_DIV": str(div)},
            capture_output=True,
            text=True,
        )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"{workload} failed:\n{run.stderr}")
    return int(collected[1])


def per_operation(binary, workload):
    operations = OPERATIONS[workload](LARGE) - OPERATIONS[workload](SMALL)
    return round((count(binary, workload, LARGE) - count(binary, workload, SMALL)) / operations)


def has_grown(then, now):
    return now > then * (1 + MOST_GROWTH)


def kept():
    lines = [line.split() for line in KEPT.read_text().splitlines() if not line.startswith("#")]
    return {workload: int(counted) for workload, counted in lines}


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    chosen = [argument for argument in arguments if argument != "--check"]
    unknown = [workload for workload in chosen if workload not in OPERATIONS]
    if unknown:
        sys.exit(f"no such workload: {' '.join(unknown)}; there are {' '.join(OPERATIONS)}")
    before = kept() if KEPT.exists() else {}
    if check and not before:
        sys.exit(f"there is no {KEPT} to compare with")
    binary = build()
    counted, grown = {}, []
    for workload in chosen or OPERATIONS:
        now = per_operation(binary, workload)
        then = before.get(workload)
        if then and has_grown(then, now):
            # The clock may have said at a bad moment that I/O is due.
            now = min(now, per_operation(binary, workload))
        counted[workload] = now
        change = f"{now / then - 1:+.1%}" if then else "new"
        print(f"{workload:15} {now:6} {change:>8}", flush=True)
        if then and has_grown(then, now):
            grown.append(f"{workload}: {then} -> {now}")
    if check:
        if grown:
            sys.exit(f"more than {MOST_GROWTH:.0%} more instructions an operation: {', '.join(grown)}")
    elif not chosen:
        lines = [f"{workload:15} {now:6}" for workload, now in counted.items()]
        head = "# Instructions an operation of the runtime's workloads: written by bench/instructions.py"
        KEPT.write_text("\n".join([head, *lines]) + "\n")


if __name__ == "__main__":
    main()
