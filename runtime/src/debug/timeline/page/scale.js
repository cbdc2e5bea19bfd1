// What part of the run is shown, and how large.

const view = {
  from: run.start,
  to: Math.max(run.end, run.start + 1),
  width: 1000,
  // The first lane that is visible, and how many are.
  search: "",
  hidden: new Set(),
  arrows: true,
  path: true,
};
const whole = { from: view.from, to: view.to };

const NAMES = 190, PADDING = 14, AXIS = 26;

function x(time) {
  return NAMES + ((time - view.from) / (view.to - view.from)) * (view.width - NAMES - PADDING);
}

function timeAt(px) {
  return view.from + ((px - NAMES) / (view.width - NAMES - PADDING)) * (view.to - view.from);
}

// Moves the borders; nothing outside of the run is shown, and no less than 100 ns.
function show(from, to) {
  const length = Math.min(Math.max(to - from, 100), whole.to - whole.from);
  view.from = Math.min(Math.max(from, whole.from), whole.to - length);
  view.to = view.from + length;
}

// Keeps the time under the pointer where it is.
function zoom(factor, px) {
  const at = timeAt(px);
  show(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

function pan(px) {
  const by = (px / (view.width - NAMES - PADDING)) * (view.to - view.from);
  show(view.from + by, view.to + by);
}

// Brings a state into view.
function reveal(span) {
  const margin = (view.to - view.from) / 10;
  if (span[TO] < view.from) show(span[FROM] - margin, span[FROM] - margin + view.to - view.from);
  if (span[FROM] > view.to) show(span[FROM] - margin, span[FROM] - margin + view.to - view.from);
}

// The next larger of 1, 2 and 5 times a power of ten.
function roundStep(step) {
  const power = 10 ** Math.floor(Math.log10(Math.max(step, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= step);
}

function lanesShown() {
  const wanted = view.search.trim().toLowerCase();
  if (!wanted) return run.lanes;
  return run.lanes.filter((lane) => String(lane.id) === wanted || lane.name.toLowerCase().includes(wanted));
}
