// Mouse, touch and keys; search and filters; and the first drawing.

let waitsForFrame = false;

// Several changes before the next frame are drawn once.
function redraw() {
  if (waitsForFrame) return;
  waitsForFrame = true;
  requestAnimationFrame(() => {
    waitsForFrame = false;
    draw();
  });
}

function unpin() {
  pinned = null;
  details.classList.remove("pinned");
}

// ---- pointers: one drags, two pinch

const pointers = new Map();
let moved = 0;

chart.addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, event);
  moved = 0;
});

window.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const others = [...pointers.values()].filter((pointer) => pointer.pointerId !== event.pointerId);
  pointers.set(event.pointerId, event);
  const left = chart.getBoundingClientRect().left;
  if (others.length > 0) {
    const distance = (pointer) => Math.max(20, Math.abs(pointer.clientX - others[0].clientX));
    zoom(distance(before) / distance(event), (event.clientX + others[0].clientX) / 2 - left);
  } else {
    pan(before.clientX - event.clientX);
    chart.scrollTop += before.clientY - event.clientY;
  }
  moved += Math.abs(before.clientX - event.clientX) + Math.abs(before.clientY - event.clientY);
  redraw();
});

for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, (event) => pointers.delete(event.pointerId));
}

chart.addEventListener("wheel", (event) => {
  const left = chart.getBoundingClientRect().left;
  // Over the names the wheel goes from task to task.
  if (event.clientX - left < NAMES && !event.ctrlKey) return;
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX || event.deltaY);
  else zoom(Math.exp(event.deltaY / 300), event.clientX - left);
  redraw();
}, { passive: false });

chart.addEventListener("scroll", redraw);

picture.addEventListener("pointerover", (event) => {
  if (!pinned && pointers.size === 0) describe(event.target);
});

picture.addEventListener("click", (event) => {
  if (moved > 4) return;
  unpin();
  if (describe(event.target)) {
    const { lane, index } = event.target.dataset;
    if (index !== undefined) current = { lane: Number(lane), index: Number(index) };
    pinned = current || {};
    details.classList.add("pinned");
  }
  redraw();
});

// ---- keys

// The state of another task at the same time.
function step(from, lanes, by) {
  const row = lanes.findIndex((lane) => laneOf.get(lane.id) === from.lane) + by;
  if (row < 0 || row >= lanes.length) return from;
  const time = run.lanes[from.lane].spans[from.index][FROM];
  const index = Math.min(firstFrom(lanes[row].spans, TO, time), lanes[row].spans.length - 1);
  return index < 0 ? from : { lane: laneOf.get(lanes[row].id), index };
}

function go(to) {
  current = to;
  const lane = run.lanes[to.lane], span = lane.spans[to.index];
  if (!span) return;
  unpin();
  describeSpan(lane, span);
  reveal(span);
  const lanes = lanesShown();
  const y = topsOf(lanes)[lanes.indexOf(lane)];
  if (y < chart.scrollTop + AXIS) chart.scrollTop = y - AXIS;
  if (y + lane.height > chart.scrollTop + chart.clientHeight) chart.scrollTop = y + lane.height - chart.clientHeight;
}

const KEYS = {
  "+": () => zoom(0.7, (NAMES + view.width) / 2),
  "=": () => zoom(0.7, (NAMES + view.width) / 2),
  "-": () => zoom(1 / 0.7, (NAMES + view.width) / 2),
  "0": () => show(whole.from, whole.to),
  ArrowLeft: (from) => go({ lane: from.lane, index: Math.max(0, from.index - 1) }),
  ArrowRight: (from) => go({ lane: from.lane, index: Math.min(run.lanes[from.lane].spans.length - 1, from.index + 1) }),
  ArrowUp: (from, lanes) => go(step(from, lanes, -1)),
  ArrowDown: (from, lanes) => go(step(from, lanes, 1)),
  Enter: (from) => {
    go(from);
    pinned = from;
    details.classList.add("pinned");
  },
  Escape: () => {
    unpin();
    current = null;
  },
};

chart.addEventListener("keydown", (event) => {
  const lanes = lanesShown();
  if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey || lanes.length === 0) return;
  event.preventDefault();
  if (event.shiftKey && event.key.startsWith("Arrow")) {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") pan((event.key === "ArrowLeft" ? -1 : 1) * 100);
    else chart.scrollTop += (event.key === "ArrowUp" ? -1 : 1) * 40;
  } else if (!current && event.key.startsWith("Arrow")) {
    go({ lane: laneOf.get(lanes[0].id), index: Math.min(firstFrom(lanes[0].spans, TO, view.from), lanes[0].spans.length - 1) });
  } else {
    KEYS[event.key](current || { lane: laneOf.get(lanes[0].id), index: 0 }, lanes);
  }
  redraw();
});

// ---- tools

document.getElementById("closer").addEventListener("click", () => (KEYS["+"](), redraw()));
document.getElementById("wider").addEventListener("click", () => (KEYS["-"](), redraw()));
document.getElementById("whole").addEventListener("click", () => (KEYS["0"](), redraw()));
document.getElementById("search").addEventListener("input", (event) => {
  view.search = event.target.value;
  fillTable();
  redraw();
});

function checkbox(parent, html, change) {
  const label = document.createElement("label");
  label.innerHTML = `<input type="checkbox" checked>${html}`;
  label.firstChild.addEventListener("change", (event) => {
    change(event.target.checked);
    redraw();
  });
  parent.append(label);
}

function fillTools() {
  const used = new Set();
  for (const lane of run.lanes) for (const span of lane.spans) used.add(span[LOOK]);
  const legend = document.getElementById("legend");
  run.looks.forEach(([name, meaning], look) => {
    if (!used.has(look)) return;
    const swatch = `<svg class="swatch" aria-hidden="true"><rect class="span" fill="url(#${name})" width="24" height="13"/></svg>`;
    checkbox(legend, `${swatch}${escaped(meaning)}`, (shown) => (shown ? view.hidden.delete(look) : view.hidden.add(look)));
  });
  const line = (kind) => `<svg class="swatch" aria-hidden="true"><path class="${kind}" d="M1 7H23"/></svg>`;
  const marks = document.getElementById("marks");
  checkbox(marks, `${line("path")}what main waited for`, (shown) => (view.path = shown));
  checkbox(marks, `${line("arrow wake")}wakes, ${line("arrow join")}joins, ${line("arrow spawn")}spawns, ${line("arrow cancel")}cancels`,
    (shown) => (view.arrows = shown));
}

function fillHead() {
  document.getElementById("title").textContent = `${run.title}: ${run.lanes.length} tasks in ${duration(run.end - run.start)}`;
  const summary = document.getElementById("summary");
  for (const line of run.summary.slice(0, 6)) paragraph(summary, line);
  if (run.forgotten > 0) {
    document.getElementById("notes").textContent =
      `The run had more events than are kept: the first ${run.forgotten} are not in this picture.`;
  }
}

fillHead();
fillTools();
fillTable();
draw();
new ResizeObserver(redraw).observe(chart);
window.addEventListener("beforeprint", () => draw(true));
window.addEventListener("afterprint", () => draw());
