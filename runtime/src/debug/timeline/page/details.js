// What is known about one thing of the picture, and about each task.

const details = document.getElementById("details");

function paragraph(parent, ...parts) {
  const p = document.createElement("p");
  for (const part of parts) {
    if (typeof part === "string") {
      p.append(part);
    } else {
      const element = document.createElement(part[0]);
      element.textContent = part[1];
      p.append(element);
    }
  }
  parent.append(p);
}

function since(time) {
  return duration(time - run.start);
}

function describeSpan(lane, span) {
  details.replaceChildren();
  const length = duration(span[TO] - span[FROM]);
  paragraph(details, ["strong", taskName(lane.id)], " \u00b7 ", ["strong", words(span[WHAT])], ` for ${length}, from ${since(span[FROM])} to ${since(span[TO])}`);
  if (span[AT] >= 0) paragraph(details, span[LOOK] === RUNNING ? "went on at " : "at ", ["code", words(span[AT])]);
  if (span[CAUSE] >= 0) {
    const by = span[BY] ? `${taskName(span[BY])}` : words(span[CAUSE]);
    paragraph(details, `woken by ${by}${span[BY] && words(span[CAUSE]) !== "a task" ? ` (${words(span[CAUSE])})` : ""}`);
  }
  if (span[LOOK] === RUNNING) {
    const blocks = span[TOOK] > LONG_POLL ? ": it blocked the loop, and no other task could run" : "";
    paragraph(details, `the poll took ${duration(span[TOOK])} of real time${blocks}`);
  }
}

function describeRegion(lane, region) {
  details.replaceChildren();
  paragraph(details, ["strong", taskName(lane.id)], " \u00b7 ", ["strong", words(region[LABEL])], ` for ${duration(region[TO] - region[FROM])}, from ${since(region[FROM])} to ${since(region[TO])}`);
  paragraph(details, "at ", ["code", words(region[LINE])]);
}

function describeArrow(arrow) {
  details.replaceChildren();
  const verb = { spawn: "spawned", wake: "woke", join: "ended, and so woke", cancel: "asked to stop" }[arrow[KIND]];
  paragraph(details, ["strong", taskName(arrow[SOURCE])], ` ${verb} `, ["strong", taskName(arrow[TARGET])], ` at ${since(arrow[TIME])}`);
}

function describeMany(lane, index, count) {
  details.replaceChildren();
  const [first, last] = [lane.spans[index], lane.spans[index + count - 1]];
  paragraph(details, ["strong", taskName(lane.id)], ` \u00b7 ${count} states from ${since(first[FROM])} to ${since(last[TO])}; zoom in to see them`);
}

// The thing under an element of the picture. True if there is one.
function describe(element) {
  const { lane, index, region, arrow, count } = element.dataset;
  if (arrow !== undefined) describeArrow(run.arrows[arrow]);
  else if (region !== undefined) describeRegion(run.lanes[lane], run.lanes[lane].regions[region]);
  else if (count > 1) describeMany(run.lanes[lane], Number(index), Number(count));
  else if (index !== undefined) describeSpan(run.lanes[lane], run.lanes[lane].spans[index]);
  else return false;
  return true;
}

function fillTable() {
  const most = 500;
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const name of ["task", "name", "polls", "running", "ready", "longest poll", "its line", "time in each wait", "end"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const lane of lanesShown().slice(0, most)) {
    const sum = totals(lane);
    const row = body.insertRow();
    const waits = [...sum.waits].sort((a, b) => b[1] - a[1]).map(([what, time]) => `${what} ${duration(time)}`).join(", ");
    const longest = sum.longest ? duration(sum.longest[TOOK]) : "";
    const line = sum.longest && sum.longest[AT] >= 0 ? words(sum.longest[AT]) : words(lane.at);
    for (const value of [lane.id, lane.name, sum.polls, duration(sum.running), duration(sum.ready), longest, line, waits, lane.end]) {
      row.insertCell().textContent = value;
    }
    if (sum.longest && sum.longest[TOOK] > LONG_POLL) row.cells[5].className = "blocks";
  }
  const holder = document.getElementById("table");
  holder.replaceChildren(table);
  if (lanesShown().length > most) paragraph(holder, `and ${lanesShown().length - most} more; search for one above`);
}
