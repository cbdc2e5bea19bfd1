// The picture itself. It is drawn anew after every change; what is too narrow to be seen is merged, so that a picture has at
// most a few thousand elements, however long the run was.

const BAR = 14, REGION = 12;
// How many levels of regions a lane has room for.
const LEVELS = 3;
const MOST_ELEMENTS = 3000, MOST_ARROWS = 800;
const picture = document.getElementById("picture");
const chart = document.getElementById("chart");
// What the pointer or the keys are at: { lane, index } of a state.
let current = null, pinned = null;

const MARKS = {
  ready: '<path d="M-1 7L7 -1M5 13L13 5"/>',
  sleeping: '<circle cx="3" cy="3" r="1"/>',
  socket: '<path d="M3 0V6"/>',
  joining: '<path d="M0 3H6"/>',
  resource: '<path d="M0 3H6M3 0V6"/>',
  thread: '<path d="M0 4L1.5 1L4.5 5L6 2"/>',
  other: '<circle cx="3" cy="3" r="2"/>',
};

function patterns() {
  const pattern = ([name]) =>
    `<pattern id="${name}" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="fill-${name}" width="6"` +
    ` height="6"/><g class="mark">${MARKS[name] || ""}</g></pattern>`;
  return `<defs>${run.looks.map(pattern).join("")}<marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="5"` +
    ` markerHeight="5" orient="auto"><path class="tip" d="M0 0L6 3L0 6Z"/></marker></defs>`;
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

for (const lane of run.lanes) {
  const levels = lane.regions.reduce((most, region) => Math.max(most, region[DEPTH] + 1), 0);
  lane.height = 16 + BAR + Math.min(levels, LEVELS) * REGION;
}

// Where each row begins; the last entry is where the last one ends.
function topsOf(lanes) {
  const tops = [AXIS];
  for (const lane of lanes) tops.push(tops[tops.length - 1] + lane.height);
  return tops;
}

// Rows that are visible, or all of them for a printer.
function rowsShown(tops, printing) {
  const rows = tops.length - 1;
  if (printing) return [0, Math.min(rows, 300)];
  const rowAt = (y) => {
    const row = tops.findIndex((top) => top > y);
    return row < 0 ? rows : row;
  };
  return [Math.max(0, rowAt(chart.scrollTop) - 2), Math.min(rows, rowAt(chart.scrollTop + chart.clientHeight) + 1)];
}

function draw(printing = false) {
  view.width = Math.max(chart.clientWidth, 480);
  const lanes = lanesShown();
  const tops = topsOf(lanes);
  const height = tops[lanes.length] + 6;
  picture.setAttribute("height", height);
  const [first, last] = rowsShown(tops, printing);
  const visible = lanes.slice(first, last);
  // Merge more and more until few enough elements are left.
  let narrowest = 1, bars = [];
  do {
    bars = visible.map((lane) => merged(lane, narrowest));
    narrowest *= 2;
  } while (bars.reduce((sum, lane) => sum + lane.length, 0) > MOST_ELEMENTS && narrowest < 256);
  const rowOf = new Map(lanes.map((lane, row) => [lane.id, row]));
  const parts = [patterns(), grid(height)];
  visible.forEach((lane, index) => parts.push(drawnLane(lane, tops[first + index], bars[index])));
  if (view.path) parts.push(drawnPath(rowOf, tops));
  if (view.arrows) parts.push(drawnArrows(rowOf, tops, first, last));
  parts.push(axis());
  picture.setAttribute("viewBox", `0 0 ${view.width} ${height}`);
  picture.innerHTML = parts.join("");
}

// The states of a lane that lie in view, with those narrower than `narrowest` pixels in one, which looks like the state that
// took most of its time.
function merged(lane, narrowest) {
  const spans = lane.spans, bars = [];
  let index = firstFrom(spans, TO, view.from);
  const perPixel = (view.to - view.from) / (view.width - NAMES - PADDING);
  for (; index < spans.length && spans[index][FROM] <= view.to; index++) {
    const span = spans[index];
    const before = bars[bars.length - 1];
    const narrow = span[TO] - span[FROM] < narrowest * perPixel;
    if (narrow && before && before.narrow && span[TO] - before.from < narrowest * 2 * perPixel) {
      before.to = span[TO];
      before.count += 1;
      before.times[span[LOOK]] = (before.times[span[LOOK]] || 0) + span[TO] - span[FROM];
      if (before.times[span[LOOK]] > before.times[before.look]) before.look = span[LOOK];
      if (span[TOOK] > LONG_POLL) before.blocks = true;
      continue;
    }
    const blocks = span[LOOK] === RUNNING && span[TOOK] > LONG_POLL;
    const times = { [span[LOOK]]: span[TO] - span[FROM] };
    bars.push({ from: span[FROM], to: span[TO], index, look: span[LOOK], count: 1, times, narrow, blocks });
  }
  return bars;
}

function drawnLane(lane, y, bars) {
  const laneIndex = laneOf.get(lane.id);
  const indent = 8 + 12 * Math.min(lane.depth, 6);
  const room = Math.floor((NAMES - indent) / 7.4);
  const name = `${lane.id} ${lane.name}`;
  const shown = name.length > room ? `${name.slice(0, room - 1)}\u2026` : name;
  const parts = [`<g class="lane" data-task="${lane.id}" role="group" aria-label="${escaped(taskName(lane.id))}">`];
  parts.push(`<path class="rule" d="M0 ${y + lane.height - 0.5}H${view.width}"/>`);
  for (const bar of bars) {
    if (view.hidden.has(bar.look)) continue;
    const from = Math.max(x(bar.from), NAMES), to = Math.min(x(bar.to), view.width - PADDING + 1);
    const fill = `fill="url(#${run.looks[bar.look][0]})" class="span${bar.count > 1 ? " dense" : ""}`;
    const at = (place) => place && place.lane === laneIndex && place.index === bar.index;
    const marks = `${bar.blocks ? " blocks" : ""}${at(pinned) ? " pinned" : ""}${at(current) ? " current" : ""}"`;
    parts.push(`<rect ${fill}${marks} x="${from.toFixed(1)}" y="${y + 5}" width="${Math.max(to - from, 1).toFixed(1)}"` +
      ` height="${BAR}" data-lane="${laneIndex}" data-index="${bar.index}" data-count="${bar.count}"` +
      ` aria-label="${escaped(spanWords(lane, bar))}"/>`);
  }
  parts.push(...drawnRegions(lane, y + 5 + BAR + 1), `<rect class="column" x="0" y="${y}" width="${NAMES - 4}" height="${lane.height - 1}"/>`);
  parts.push(`<text class="name" x="${indent}" y="${y + 16}">${escaped(shown)}<title>${escaped(name)}</title></text></g>`);
  return parts.join("");
}

function spanWords(lane, bar) {
  const span = lane.spans[bar.index];
  if (bar.count > 1) return `${bar.count} states in ${duration(bar.to - bar.from)}`;
  return `${words(span[WHAT])} for ${duration(span[TO] - span[FROM])}`;
}

function drawnRegions(lane, y) {
  const parts = [];
  // Where the last one of each level ends: what is narrower than a pixel is drawn only if there is room for it.
  const drawn = Array(LEVELS).fill(-1);
  for (let index = 0; index < lane.regions.length && parts.length < 600; index++) {
    const region = lane.regions[index], level = region[DEPTH];
    if (level >= LEVELS || region[TO] < view.from || region[FROM] > view.to) continue;
    const from = Math.max(x(region[FROM]), NAMES), to = Math.min(x(region[TO]), view.width - PADDING + 1);
    if (to - from < 1 && from < drawn[level] + 1) continue;
    drawn[level] = to;
    const label = words(region[LABEL]), top = y + level * REGION;
    parts.push(`<rect class="region" x="${from.toFixed(1)}" y="${top}" width="${Math.max(to - from, 0.8).toFixed(1)}"` +
      ` height="${REGION - 1}" data-lane="${laneOf.get(lane.id)}" data-region="${index}"` +
      ` aria-label="${escaped(label)}: ${duration(region[TO] - region[FROM])}"/>`);
    const room = Math.floor((to - from - 6) / 5.6);
    if (room > 3) {
      const shown = label.length > room ? `${label.slice(0, room - 1)}\u2026` : label;
      parts.push(`<text class="label" x="${(from + 3).toFixed(1)}" y="${top + REGION - 3}">${escaped(shown)}</text>`);
    }
  }
  return parts;
}

function drawnPath(rowOf, tops) {
  const parts = [];
  for (const [task, from, to, what] of run.path) {
    const row = rowOf.get(task);
    if (row === undefined || to < view.from || from > view.to) continue;
    const y = tops[row] + 2.5;
    parts.push(`<path class="path" d="M${Math.max(x(from), NAMES).toFixed(1)} ${y}H${Math.min(x(to), view.width - PADDING).toFixed(1)}"` +
      ` aria-label="critical path: ${escaped(words(what))}"/>`);
  }
  return parts.slice(0, 2000).join("");
}

function drawnArrows(rowOf, tops, first, last) {
  const parts = [];
  for (let index = firstFrom(run.arrows, TIME, view.from); index < run.arrows.length; index++) {
    const arrow = run.arrows[index];
    if (arrow[TIME] > view.to || parts.length >= MOST_ARROWS) break;
    const [from, to] = [rowOf.get(arrow[SOURCE]), rowOf.get(arrow[TARGET])];
    if (from === undefined || to === undefined || Math.max(from, to) < first || Math.min(from, to) > last) continue;
    const down = from < to;
    const y = (row, end) => tops[row] + 5 + (end ? BAR : 0);
    const label = `${taskName(arrow[SOURCE])}: ${arrow[KIND]} of ${taskName(arrow[TARGET])}`;
    parts.push(`<path class="arrow ${arrow[KIND]}" marker-end="url(#tip)" data-arrow="${index}" aria-label="${escaped(label)}"` +
      ` d="M${x(arrow[TIME]).toFixed(1)} ${y(from, down)}V${y(to, !down)}"/>`);
  }
  return parts.join("");
}

function ticks() {
  const step = roundStep((view.to - view.from) / Math.max(2, (view.width - NAMES) / 110));
  const times = [];
  for (let time = Math.ceil((view.from - whole.from) / step) * step; whole.from + time <= view.to; time += step) times.push(time);
  return times;
}

function grid(height) {
  return ticks().map((time) => `<path class="grid" d="M${x(whole.from + time).toFixed(1)} ${AXIS}V${height}"/>`).join("");
}

// Stays at the top of the visible part.
function axis() {
  const y = chart.scrollTop;
  const parts = [`<rect class="top" x="0" y="${y}" width="${view.width}" height="${AXIS - 4}"/>`];
  for (const time of ticks()) {
    parts.push(`<text class="tick" x="${(x(whole.from + time) + 3).toFixed(1)}" y="${y + 15}">${duration(time)}</text>`);
  }
  return parts.join("");
}
