#!/usr/bin/env python3
"""Counts the instructions and allocations of an operation, with callgrind. See bench/README.md.

    bench/instructions.py                    counts, and writes bench/instructions.txt
    bench/instructions.py --check            counts, and fails if any has grown by more than 2 %
    bench/instructions.py [--check] yield    only these workloads; nothing is written
    bench/instructions.py --build            counts nothing; the next count finds its programs built
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE / "instructions.txt"
MOST_GROWTH = 0.02

# How many operations a workload of the runtime has if its counts are divided by so much. As in runtime/src/lib.rs.
# Of two sizes the difference is taken: so what a process does once is left out.
RUNTIME = {
    "spawn_join": lambda div: 1_000_000 // div // 1000 * 1000,
    "yield": lambda div: 100 * (10_000 // div),
    "pingpong": lambda div: 500_000 // div,
    "semaphore": lambda div: 100 * (5_000 // div),
    "timeout_ready": lambda div: 2_000_000 // div,
    "timeout_cancel": lambda div: 2_000_000 // div,
}
SMALL, LARGE = 100, 50

# The client's workloads are programs of so many requests, one after the other.
CLIENT = ["get", "get_json", "session"]
FEW, MANY = 100, 300

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "/tmp/bench-target")).resolve() / "instructions"
PROGRAMS = {"runtime": "curio", "http": "requests"}


def program(suite):
    return TARGET / "release" / PROGRAMS[suite]


def build(suite):
    manifest = str(HERE / suite / "Cargo.toml")
    command = ["cargo", "build", "--quiet", "--release", "--no-default-features", "--bin", PROGRAMS[suite]]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}  # one for both, which have most crates in common
    subprocess.run([*command, "--manifest-path", manifest], check=True, env=environment)


def count(command, **environment):
    """The instructions of one run, and its allocations if it says them."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *map(str, command)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"{command} failed:\n{run.stderr}")
    allocations = re.search(r"(\d+) allocations", run.stdout)
    return [int(collected[1])] + ([int(allocations[1])] if allocations else [])


def difference(less, more, operations):
    return [round((b - a) / operations) for a, b in zip(less, more)]


def count_runtime(workload):
    less, more = (count([program("runtime"), workload], BENCH_DIV=str(div)) for div in (SMALL, LARGE))
    return difference(less, more, RUNTIME[workload](LARGE) - RUNTIME[workload](SMALL))


def count_client(workload):
    with Server() as base:
        less, more = (count([program("http"), workload, base, requests]) for requests in (FEW, MANY))
    return difference(less, more, MANY - FEW)


class Server:
    """Answers every request with the same document of 200 bytes, in one segment: so the client always waits once."""

    def __enter__(self):
        document = {"id": 42, "name": "a small document", "tags": ["x", "y", "z"], "ratio": 0.125, "ok": True, "pad": ""}
        document["pad"] = "p" * (200 - len(json.dumps(document)))
        body = json.dumps(document)
        fields = {
            "Server": "nginx/1.22.1",
            "Date": "Sun, 29 Nov 2026 11:00:00 GMT",
            "Content-Type": "application/json",
            "Content-Length": len(body),
            "Last-Modified": "Sun, 29 Nov 2026 10:00:00 GMT",
            "Connection": "keep-alive",
            "ETag": '"6743a1b0-c8"',
            "Accept-Ranges": "bytes",
        }
        lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in fields.items())]
        self.response = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        received = b""
        with connection:
            while piece := connection.recv(65536):
                received += piece
                while b"\r\n\r\n" in received:
                    _, received = received.split(b"\r\n\r\n", 1)
                    connection.sendall(self.response)

    def __exit__(self, *error):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def measure(workload, then):
    """The counts of one operation; counted twice if they seem to have grown."""
    count_one = count_runtime if workload in RUNTIME else count_client
    now = count_one(workload)
    if then and has_grown(then, now):
        # The clock may have said at a bad moment that I/O is due.
        now = [min(pair) for pair in zip(now, count_one(workload))]
    return now


def has_grown(then, now):
    return any(b > a * (1 + MOST_GROWTH) for a, b in zip(then, now))


def kept():
    lines = [line.split() for line in KEPT.read_text().splitlines() if not line.startswith("#")]
    return {workload: [int(count) for count in counted] for workload, *counted in lines}


def columns(workload, counted):
    return f"{workload:15} " + " ".join(f"{count:6}" for count in counted)


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    chosen = [argument for argument in arguments if argument not in ("--check", "--build")]
    workloads = [*RUNTIME, *CLIENT]
    unknown = [workload for workload in chosen if workload not in workloads]
    if unknown:
        sys.exit(f"no such workload: {' '.join(unknown)}; there are {' '.join(workloads)}")
    before = kept() if KEPT.exists() else {}
    if check and not before:
        sys.exit(f"there is no {KEPT} to compare with")
    wanted = chosen or workloads
    for suite, its_workloads in (("runtime", RUNTIME), ("http", CLIENT)):
        if set(wanted) & set(its_workloads):
            build(suite)
    if "--build" in arguments:
        return
    counted, grown = {}, []
    # One a processor: valgrind runs a program on one only, and counts do not depend on what runs beside it.
    pool = ThreadPoolExecutor(os.cpu_count())
    for workload, now in zip(wanted, pool.map(lambda each: measure(each, before.get(each)), wanted)):
        then = before.get(workload)
        counted[workload] = now
        change = " ".join(f"{b / a - 1:+.1%}" for a, b in zip(then, now)) if then else "new"
        print(f"{columns(workload, now):31} {change}", flush=True)
        if then and has_grown(then, now):
            grown.append(f"{workload}: {then} -> {now}")
    if check:
        if grown:
            sys.exit(f"more than {MOST_GROWTH:.0%} more an operation: {', '.join(grown)}")
    elif not chosen:
        lines = [columns(workload, now) for workload, now in counted.items()]
        head = "# Instructions an operation, of the client also allocations: written by bench/instructions.py"
        KEPT.write_text("\n".join([head, *lines]) + "\n")


if __name__ == "__main__":
    main()
