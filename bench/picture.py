#!/usr/bin/env python3
"""Draws Curio's CPU time divided by that of its peers, as an SVG, from the results of a run.

bench/picture.py RUNTIME HTTP >docs/pictures/speed.svg
"""
import math
import sys
from html import escape

from report import Results

# The first peer of a panel has a bar and its ratio in figures.
PANELS = [
    (
        "The runtime",
        {"tokio": "tokio", "smol": "smol", "monoio-legacy": "monoio", "compio-poll": "compio"},
        {
            "spawn_join": "spawn and join a task",
            "yield": "yield to the next task",
            "pingpong": "round trip over two channels",
            "semaphore": "semaphore, a hundred tasks",
            "memory": "spawn a task that waits",
            "timers": "a million timers in a second",
            "timers_100k": "100 000 timers in a second",
            "timeout_ready": "timeout of a ready future",
            "timeout_cancel": "timeout set and cancelled",
            "tcp_pingpong": "TCP round trip",
            "tcp_1000": "TCP, a thousand connections",
            "tcp_bulk": "TCP, 4 GiB one way",
        },
    ),
    (
        "The HTTP client",
        {"hyper-util": "hyper", "reqwest": "reqwest", "ureq": "ureq", "isahc": "isahc"},
        {
            "seq": "GET, kept connection",
            "seq_https": "GET, kept connection, HTTPS",
            "conc": "GET, 64 at a time",
            "seq_h2": "GET over HTTP/2",
            "conc_h2": "GET over HTTP/2, 50 at a time",
            "fresh_http": "GET, new connection",
            "fresh_https": "GET, new connection, HTTPS",
            "bulk_http": "1 GiB",
            "bulk_https": "1 GiB, HTTPS",
            "scale": "10 000 requests in flight",
        },
    ),
]
WIDTH, LEFT, RIGHT, ROW, TOP = 880, 264, 776, 22, 62
LEAST, MOST, BESIDE = 1 / 4, 4, 14  # what lies beyond stands so far beside the scale
NOTE = "Left of 1, Curio takes less; right of it, more. The scale is logarithmic; what lies beyond it stands beside it."
SHAPES = [
    '<circle class="peer0" cx="{x}" cy="{y}" r="5"/>',
    '<rect class="peer1" x="{x}" y="{y}" width="7" height="7" transform="translate(-3.5 -3.5)"/>',
    '<path class="peer2" transform="translate({x} {y})" d="M0 -5.5L5.5 0L0 5.5L-5.5 0Z"/>',
    '<path class="peer3" transform="translate({x} {y})" d="M0 -5L5 4L-5 4Z"/>',
]
STYLE = """text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.paper { fill: #ffffff; stroke: #d0d7de; }
.head { font-weight: 600; font-size: 14px; }
.small { font-size: 11px; fill: #59636e; }
.grid { stroke: #d8dee4; }
.equal { stroke: #1f2328; stroke-width: 1.5; }
.less { fill: #c6ecd1; }
.more { fill: #fbdcc6; }
.peer0 { fill: #1f2328; }
.peer1 { fill: #0969da; }
.peer2 { fill: #bc4c00; }
.peer3 { fill: #8250df; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .paper { fill: #0d1117; stroke: #30363d; }
  .small { fill: #9198a1; }
  .grid { stroke: #262c36; }
  .equal { stroke: #e6edf3; }
  .less { fill: #174a29; }
  .more { fill: #633010; }
  .peer0 { fill: #e6edf3; }
  .peer1 { fill: #58a6ff; }
  .peer2 { fill: #f0883e; }
  .peer3 { fill: #bc8cff; }
}"""


def across(ratio):
    """Where a ratio is drawn: the scale is logarithmic, so twice as much is as far from 1 as half as much."""
    part = math.log(min(max(ratio, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + part * (RIGHT - LEFT), 1)


def text(x, y, shown, kind="", anchor="start"):
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(shown)}</text>'


def row(ratios, label, y):
    """One workload; the ratios are those of the peers, None where one has no result."""
    yield text(204, y + 4, label, anchor="end")
    if ratios[0]:
        begin, end = sorted((across(1), across(ratios[0])))
        kind = "less" if ratios[0] < 1 else "more"
        yield f'<rect class="{kind}" x="{begin}" y="{y - 7}" width="{end - begin:.1f}" height="14"/>'
        yield text(WIDTH - 16, y + 4, f"{ratios[0]:.2f}", anchor="end")
    left, right = LEFT, RIGHT
    for shape, ratio in reversed(list(zip(SHAPES, ratios))):  # the first peer on top of the others
        if not ratio:
            continue
        x = across(ratio)
        if ratio < LEAST:
            x = left = left - BESIDE
        elif ratio > MOST:
            x = right = right + BESIDE
        yield shape.format(x=x, y=y)


def panel(results, heading, peers, workloads, y):
    """Its lines, and the ratio to the first peer of each workload."""
    ratios = {w: [results.ratio(w, "cpu", "curio", peer) for peer in peers] for w in workloads}
    ratios = {w: found for w, found in ratios.items() if any(found)}
    lines = [text(16, y + 4, heading, "head")]
    for peer, name in enumerate(peers.values()):
        x = LEFT + 120 * peer
        lines += [SHAPES[peer].format(x=x, y=y), text(x + 10, y + 4, f"curio : {name}")]
    lines.append(text(WIDTH - 16, y + 4, f"curio : {next(iter(peers.values()))}", "small", "end"))
    begin, end = y + 14, y + 22 + ROW * len(ratios)
    for ratio in (0.25, 0.5, 1, 2, 4):
        kind = "equal" if ratio == 1 else "grid"
        lines.append(f'<path class="{kind}" d="M{across(ratio)} {begin}V{end}"/>')
        lines.append(text(across(ratio), end + 14, f"{ratio:g}", "small", "middle"))
    for at, (workload, found) in enumerate(ratios.items()):
        lines += row(found, workloads[workload], y + 30 + ROW * at)
    firsts = {workloads[workload]: found[0] for workload, found in ratios.items() if found[0]}
    return lines, firsts, end + 14


def draw(results):
    lines, said, y = [], [], TOP
    for heading, peers, workloads in PANELS:
        drawn, firsts, y = panel(results, heading, peers, workloads, y)
        lines += drawn
        figures = ", ".join(f"{label} {ratio:.2f}" for label, ratio in firsts.items())
        said.append(f"{heading}, curio : {next(iter(peers.values()))}: {figures}.")
        y += 30
    height = y - 14
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-labelledby="title summary">',
            '<title id="title">CPU time of Curio, divided by that of other crates</title>',
            f'<desc id="summary">Below 1, Curio takes less. {escape(" ".join(said))}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            text(16, 24, "CPU time of an operation: Curio's, divided by that of others", "head"),
            text(16, 42, NOTE, "small"),
            *lines,
            "</svg>",
        ]
    )


if __name__ == "__main__":
    print(draw(Results.of_files(sys.argv[1:])))
