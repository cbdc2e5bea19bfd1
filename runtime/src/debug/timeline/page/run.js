"use strict";
// The run, as the kernel recorded it. All times are nanoseconds since the beginning of the recording.

const run = JSON.parse(document.getElementById("run").textContent);

// Where the fields of a state of a task are: see `write_span` in page.rs.
const FROM = 0, TO = 1, LOOK = 2, WHAT = 3, AT = 4, BY = 5, CAUSE = 6, TOOK = 7;
// Those of a region, and of an arrow.
const DEPTH = 2, LABEL = 3, LINE = 4;
const TIME = 0, SOURCE = 1, TARGET = 2, KIND = 3;
// The first two looks.
const RUNNING = 0, READY = 1;
// A poll that keeps all other tasks waiting for noticeably long.
const LONG_POLL = 10e6;

const laneOf = new Map(run.lanes.map((lane, index) => [lane.id, index]));

function words(index) {
  return index < 0 ? "" : run.texts[index];
}

function taskName(id) {
  const index = laneOf.get(id);
  return index === undefined ? `task ${id}` : `task ${id} \u201c${run.lanes[index].name}\u201d`;
}

// Three digits and a unit.
function duration(nanos) {
  const [value, unit] = nanos >= 1e9 ? [nanos / 1e9, "s"] : nanos >= 1e6 ? [nanos / 1e6, "ms"] : [nanos / 1e3, "\u00b5s"];
  if (value === 0) return "0 s";
  return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} ${unit}`;
}

// What the table says about a task.
function totals(lane) {
  const sum = { polls: 0, running: 0, ready: 0, waits: new Map(), longest: null };
  for (const span of lane.spans) {
    const length = span[TO] - span[FROM];
    if (span[LOOK] === RUNNING) {
      sum.polls += 1;
      // On a virtual clock a poll takes no time; what it really took was measured, too.
      sum.running += span[TOOK] || length;
      if (!sum.longest || span[TOOK] > sum.longest[TOOK]) sum.longest = span;
    } else if (span[LOOK] === READY) {
      sum.ready += length;
    } else {
      const what = words(span[WHAT]);
      sum.waits.set(what, (sum.waits.get(what) || 0) + length);
    }
  }
  return sum;
}

// The place of the first item whose field is not below a value; the items are in order of that field.
function firstFrom(items, field, value) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle][field] < value) low = middle + 1; else high = middle;
  }
  return low;
}
