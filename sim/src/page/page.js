"use strict";
// Draws the data of this page. Only what is in view has elements; all text is set as text.

const data = JSON.parse(document.getElementById("data").textContent);
const fields = new Map(data.kinds);
const last = data.columns.length - 1;
const compares = data.columns.some((column) => column.core || column.coreMarks) || data.parts !== undefined;

const ROW = 30;
const SHARED_ROW = 36;
const SECTION = 22;
const BAR = 16;
/** How many elements beyond the edge are kept, so that short ways need no drawing. */
const MARGIN = 2;
/** How many chips and how much of a line are shown before somebody asks for the rest. */
const MOST_CHIPS = 24;
const MOST_TEXT = 1500;

const by = (id) => document.getElementById(id);
const view = by("view");

/** What is looked at: a column, and the strand whose record is shown. */
const now = { column: 0, strand: null, hover: null, record: 0 };
const shut = new Set();

// ---------------------------------------------------------------- small things

function element(tag, name, ...content) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...content);
  return made;
}

function button(name, content, title, act) {
  const made = element("button", name, content);
  made.type = "button";
  if (title) made.title = title;
  made.addEventListener("click", act);
  return made;
}

const lookClass = (look) => look.split(" ").map((word) => `is-${word}`).join(" ");
const isolated = (text) => element("bdi", "", text);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const grouped = (number) => number.toLocaleString("en");
const pixels = (value) => `${value}px`;
const metric = (name) => parseFloat(getComputedStyle(document.documentElement).getPropertyValue(name));

/** The first place in a sorted list whose value is not below `wanted`. */
function lowerBound(list, wanted, value = (item) => item) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(list[middle]) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// ---------------------------------------------------------------- what the data says

const isBroken = new Set(data.broken.map((failure) => failure.column));
/** Whether the core tells something else there, while this world still goes on. */
const tellsOther = (place) => place >= 0 && place <= data.ends && data.columns[place].core !== undefined;
const isBeyond = (place) => compares && place > data.ends;
const hasCrash = (place) => data.columns[place].lines.some(([kind]) => kind === "crash");

/** Where something is worth a stop: what breaks, where the worlds first part, and what befalls a gateway. */
const notable = data.columns
  .map((_, place) => place)
  .filter(
    (place) =>
      isBroken.has(place) ||
      place === data.parts ||
      (tellsOther(place) && !tellsOther(place - 1)) ||
      hasCrash(place),
  );

/** The columns in which each strand has a mark: in this world, and in the core's. */
function collectMarks(ofColumn) {
  const places = data.strands.map(() => []);
  data.columns.forEach((column, place) => {
    for (const mark of ofColumn(column)) places[mark.strand].push(place);
  });
  return places;
}

const marksHere = (column) => column.marks;
const marksOfCore = (column) => column.coreMarks ?? column.marks;
const placesHere = collectMarks(marksHere);
const placesOfCore = compares ? collectMarks(marksOfCore) : placesHere;

const markAt = (place, strand, marksOf) =>
  marksOf(data.columns[place]).find((mark) => mark.strand === strand) ?? null;

/** The latest record of a kind that a strand had before a column. */
function recordBefore(place, strand, kind, marksOf) {
  const places = marksOf === marksHere ? placesHere[strand] : placesOfCore[strand];
  for (let at = lowerBound(places, place) - 1; at >= 0; at -= 1) {
    const records = markAt(places[at], strand, marksOf).records ?? [];
    const found = records.findLast((record) => record.kind === kind);
    if (found) return found;
  }
  return null;
}

/** Everything that has a mark in a column, from top to bottom, with what this world and the core have there. */
function cellsOf(place) {
  const column = data.columns[place];
  const cells = new Map(column.marks.map((mark) => [mark.strand, { strand: mark.strand, here: mark }]));
  if (column.coreMarks) {
    for (const mark of column.coreMarks) {
      const cell = cells.get(mark.strand) ?? { strand: mark.strand, here: null };
      cell.core = mark;
      cells.set(mark.strand, cell);
    }
  }
  for (const cell of cells.values()) {
    cell.differs =
      column.coreMarks !== undefined && JSON.stringify(cell.here ?? null) !== JSON.stringify(cell.core ?? null);
  }
  const row = (cell) => data.strands[cell.strand].row;
  return [...cells.values()].sort((one, two) => row(one) - row(two) || one.strand - two.strand);
}

const cellCache = new Map();
function cells(place) {
  if (!cellCache.has(place)) {
    if (cellCache.size > 400) cellCache.clear();
    cellCache.set(place, cellsOf(place));
  }
  return cellCache.get(place);
}

const ORDER = ["session", "run", "job", "events", "store", "lane", "subscribers", "gateway"];

/** The cell that tells most of a column: what differs, sessions first. */
function foremost(place) {
  const rank = (cell) => {
    const { kind, name } = data.strands[cell.strand];
    return ORDER.indexOf(kind) + (cell.differs ? 0 : 20) - (name.startsWith("session ") ? 1 : 0);
  };
  const all = cells(place);
  return all.reduce((best, cell) => (best === null || rank(cell) < rank(best) ? cell : best), null);
}

// ---------------------------------------------------------------- where things are drawn

let column = 92;
let namesWidth = 164;
let topHeight = 46;
/** The rows from top to bottom, each with its place; sections have their heading first. */
let lines = [];
let tops = [];
let height = 0;

function measure() {
  namesWidth = metric("--names");
  // A short world is drawn as wide as there is room.
  const room = Math.floor((view.clientWidth - namesWidth) / (last + 1));
  column = clamp(room, metric("--column"), 160);
  topHeight = metric("--top");
}

function layRows() {
  lines = [];
  tops = new Array(data.rows.length).fill(-1);
  let y = 0;
  let section = null;
  data.rows.forEach((row, place) => {
    if (row.section !== section) {
      section = row.section;
      lines.push({ section, y, height: SECTION });
      y += SECTION;
    }
    if (shut.has(section)) return;
    const size = row.shared ? SHARED_ROW : ROW;
    lines.push({ row: place, y, height: size });
    tops[place] = y;
    y += size;
  });
  height = y + 6;
}

const rowOf = (strand) => data.rows[data.strands[strand].row];
/** The top of a strand's bar; negative while its section is shut. */
const barTop = (strand) => {
  const top = tops[data.strands[strand].row];
  return top < 0 ? -1 : top + (rowOf(strand).shared ? 16 : compares ? 5 : 7);
};
const markX = (place) => place * column + 4;

/** The strands of each row, by where they begin. */
const strandsOfRow = data.rows.map(() => []);
data.strands.forEach((strand, place) => {
  const all = [...strand.stretches, ...(strand.core ?? [])];
  const marks = [...placesHere[place], ...placesOfCore[place]];
  strand.first = Math.min(...all.map((stretch) => stretch[0]), marks.length ? Math.min(placesHere[place][0] ?? Infinity, placesOfCore[place][0] ?? Infinity) : Infinity);
  strand.final = Math.max(...all.map((stretch) => stretch[1]), placesHere[place].at(-1) ?? 0, placesOfCore[place].at(-1) ?? 0);
  strandsOfRow[strand.row].push(place);
});
for (const strands of strandsOfRow) strands.sort((one, two) => data.strands[one].first - data.strands[two].first);

// ---------------------------------------------------------------- elements that are in view

/** Keeps one element for each key that is asked for between two sweeps. */
class Pool {
  constructor(home) {
    this.home = home;
    this.known = new Map();
    this.wanted = new Set();
  }

  want(key, make) {
    this.wanted.add(key);
    let made = this.known.get(key);
    if (!made) {
      made = make();
      this.known.set(key, made);
      this.home.append(made);
    }
    return made;
  }

  sweep() {
    for (const [key, made] of this.known) {
      if (this.wanted.has(key)) continue;
      made.remove();
      this.known.delete(key);
    }
    this.wanted.clear();
  }

  clear() {
    this.home.replaceChildren();
    this.known.clear();
  }
}

const times = new Pool(by("times"));
const names = new Pool(by("names"));
const field = new Pool(by("field"));

function visible() {
  const first = Math.floor(view.scrollLeft / column) - MARGIN;
  const count = Math.ceil((view.clientWidth - namesWidth) / column) + 2 * MARGIN;
  const y = view.scrollTop;
  const top = clamp(lowerBound(lines, y, (line) => line.y + line.height) - MARGIN, 0, lines.length);
  const bottom = clamp(lowerBound(lines, y + view.clientHeight, (line) => line.y) + MARGIN, 0, lines.length);
  return { first: clamp(first, 0, last), last: clamp(first + count, 0, last), top, bottom };
}

function draw() {
  const shown = visible();
  drawTimes(shown);
  drawBands(shown);
  const rows = lines.slice(shown.top, shown.bottom);
  for (const line of rows) {
    if (line.section) drawSection(line);
    else drawRow(line, shown);
  }
  drawMarks(shown, new Set(rows.map((line) => line.row)));
  [times, names, field].forEach((pool) => pool.sweep());
  drawWindow();
}

function drawTimes(shown) {
  for (let place = shown.first; place <= shown.last; place += 1) {
    const made = times.want(`t${place}`, () => timeLabel(place));
    made.className = timeClass(place);
    made.setAttribute("aria-current", place === now.column ? "step" : "false");
  }
}

function timeClass(place) {
  const before = place > 0 ? secondsOf(data.columns[place - 1].at) : null;
  const parts = ["time"];
  if (before === secondsOf(data.columns[place].at)) parts.push("same");
  if (place === now.column) parts.push("now");
  if (isBroken.has(place)) parts.push("bad");
  if (isBeyond(place)) parts.push("beyond");
  return parts.join(" ");
}

const secondsOf = (at) => at.replace(/s$/, "").split(".")[0];

/** How long since the tick before, whole seconds, and the rest of the second, exactly. */
function timeLabel(place) {
  const { at, gap } = data.columns[place];
  const [seconds, rest] = at.replace(/s$/, "").split(".");
  const made = button("time", "", at, () => go(place));
  made.tabIndex = -1;
  made.style.left = pixels(place * column);
  made.append(element("span", "gap", gap ? `+${gap}` : ""), element("b", "", rest ? seconds : `${seconds}s`));
  if (rest) made.append(element("span", "rest", `.${rest}s`));
  made.setAttribute("aria-label", `tick ${place + 1} at ${at}${isBroken.has(place) ? ", a check breaks" : ""}`);
  return made;
}

function drawBands(shown) {
  if (!isBroken.has(now.column)) band("now", now.column, shown);
  for (const place of isBroken) band("bad", place, shown);
  if (data.parts !== undefined) band("parts", data.parts, shown);
  if (compares && data.ends < last && data.ends < shown.last) {
    const made = field.want("beyond", () => element("div", "band beyond"));
    made.style.left = pixels((data.ends + 1) * column);
    made.style.width = pixels((last - data.ends) * column);
  }
}

function band(look, place, shown) {
  if (place < shown.first || place > shown.last) return;
  const made = field.want(`b${look}${look === "now" ? "" : place}`, () => element("div", `band ${look}`));
  made.style.left = pixels(place * column);
}

function drawSection(line) {
  const count = data.rows.filter((row) => row.section === line.section).length;
  const made = names.want(`h${line.section}`, () =>
    button("section", line.section, "Fold or unfold", () => fold(line.section)),
  );
  made.classList.toggle("shut", shut.has(line.section));
  made.setAttribute("aria-expanded", String(!shut.has(line.section)));
  made.style.top = pixels(line.y);
  made.style.height = pixels(line.height);
  if (data.rows.some((row) => row.section === line.section && row.shared) && made.childNodes.length === 1) {
    const kind = data.strands.filter((strand) => data.rows[strand.row].section === line.section).length;
    made.append(` ${grouped(kind)}`);
    made.title = `${kind} in ${count} rows; fold or unfold`;
  }
  const rule = field.want(`rule${line.section}`, () => element("div", "rule"));
  rule.style.top = pixels(line.y);
}

function fold(section) {
  if (shut.has(section)) shut.delete(section);
  else shut.add(section);
  layRows();
  resize();
}

function drawRow(line, shown) {
  const row = data.rows[line.row];
  if (!row.shared) {
    const made = names.want(`r${line.row}`, () => rowName(row, line.row));
    made.style.top = pixels(line.y);
    made.style.height = pixels(line.height);
  }
  const track = field.want(`k${line.row}`, () => element("div", "track"));
  track.style.top = pixels(line.y);
  for (const place of strandsInView(line.row, shown)) drawStrand(place, line, shown);
}

function rowName(row, place) {
  const made = element("div", "row-name", isolated(row.name));
  made.title = row.name;
  const [strand] = strandsOfRow[place];
  if (strand !== undefined && data.strands[strand].differs) {
    made.classList.add("differs");
    made.title = `${row.name}: the core's is not the same`;
  }
  return made;
}

/** Those that share a row do not meet, so the last that begins in view is found by halving. */
function strandsInView(row, shown) {
  const all = strandsOfRow[row];
  const end = lowerBound(all, shown.last + 1, (place) => data.strands[place].first);
  const begin = all.length === 1 ? 0 : Math.max(0, lowerBound(all, shown.first - 1, (place) => data.strands[place].final) - 1);
  return all.slice(begin, end);
}

function drawStrand(place, line, shown) {
  const strand = data.strands[place];
  const top = barTop(place);
  drawStretches(strand.stretches, `s${place}`, top, BAR, "", shown);
  if (strand.core) drawStretches(strand.core, `c${place}`, top + BAR + 1, 4, " core", shown);
  if (data.rows[strand.row].shared) {
    const made = field.want(`n${place}`, () => element("div", "whose-name", isolated(strand.name)));
    const left = Math.max(strand.first * column + 6, Math.min(view.scrollLeft + 6, strand.final * column + 6));
    made.style.left = pixels(left);
    made.style.top = pixels(line.y + 3);
  }
}

function drawStretches(stretches, key, top, tall, more, shown) {
  let place = lowerBound(stretches, shown.first, ([, until]) => until);
  for (; place < stretches.length && stretches[place][0] <= shown.last; place += 1) {
    const [from, until, look, label] = stretches[place];
    const made = field.want(`${key}:${place}`, () => element("div", "", element("span", "", label)));
    const isOver = from === until;
    const goesOn = until > data.ends && !isOver && !more && data.ends < last;
    made.className = `bar ${lookClass(look)}${more}${isOver ? " over" : ""}${goesOn ? " open" : ""}`;
    const left = from * column + 14;
    const right = isOver ? (from + 1) * column - 2 : until * column + (until > last ? -2 : 14);
    made.style.left = pixels(left);
    made.style.width = pixels(right - left);
    made.style.top = pixels(top);
  }
}

function drawMarks(shown, rows) {
  for (let place = shown.first; place <= shown.last; place += 1) {
    for (const cell of cells(place)) {
      if (!rows.has(data.strands[cell.strand].row)) continue;
      drawMark(place, cell);
    }
  }
}

function drawMark(place, cell) {
  const key = `m${place}:${cell.strand}`;
  const made = field.want(key, () => markButton(place, cell));
  const chosen = place === now.column && cell.strand === now.strand;
  made.classList.toggle("chosen", chosen);
  made.tabIndex = chosen ? 0 : -1;
  made.style.left = pixels(markX(place));
  made.style.top = pixels(barTop(cell.strand) - 2);
  const text = noteOf(cell);
  if (text) {
    const note = field.want(`${key}n`, () => element("span", `note${cell.here ? "" : " ghost"}`, text));
    note.style.left = pixels(markX(place) + 27);
    note.style.top = pixels(barTop(cell.strand) - 2);
  }
}

/** Rows without bars say in a word what each mark is. */
function noteOf(cell) {
  const { kind } = data.strands[cell.strand];
  const mark = cell.here ?? cell.core;
  const count = mark.records?.length ?? 0;
  if (kind === "store") return count === 1 ? `#${mark.records[0].values[0]}` : count ? `${count} commits` : mark.label;
  if (kind !== "events" && kind !== "subscribers") return "";
  return count > 1 ? `${count} events` : mark.label.split("/").at(-1);
}

function markButton(place, cell) {
  const mark = cell.here ?? cell.core;
  const made = button(markClass(place, cell, mark), "", "", () => go(place, cell.strand, true));
  made.setAttribute("aria-label", markLabel(place, cell));
  made.dataset.column = place;
  made.dataset.strand = cell.strand;
  made.addEventListener("mouseenter", () => peek(place, cell.strand));
  made.addEventListener("mouseleave", () => peek(null));
  made.addEventListener("focus", () => choose(place, cell.strand));
  return made;
}

function markClass(place, cell, mark) {
  const parts = ["mark", ...mark.madeOf];
  if (!cell.here) parts.push("ghost");
  else if (cell.differs && place <= data.ends) parts.push(isBroken.has(place) ? "bad" : "differs");
  if (mark.look === "lost" || mark.look === "open" || mark.note === "never stored") parts.push("lost");
  return parts.join(" ");
}

function markLabel(place, cell) {
  const { kind, name } = data.strands[cell.strand];
  const told = (mark) => [mark.label, ...(mark.said ?? []), mark.note].filter(Boolean).join("; ");
  const here = cell.here ? told(cell.here) : "nothing here";
  const core = cell.differs ? `; the core: ${cell.core ? told(cell.core) : "nothing"}` : "";
  const what = kind === name ? kind : `${kind} ${name}`;
  return `${what} at ${data.columns[place].at}: ${here}${core}`;
}

// ---------------------------------------------------------------- the overview

function drawOverview() {
  const home = by("overview");
  const share = (place) => `${(place / (last + 1)) * 100}%`;
  const spots = new Map();
  const stops = new Set(notable);
  for (const place of data.columns.keys()) {
    if (!stops.has(place) && !tellsOther(place)) continue;
    const look = isBroken.has(place) ? "bad" : hasCrash(place) ? "crash" : "differs";
    const bucket = Math.floor((place / (last + 1)) * 300);
    if (!spots.has(bucket) || look === "bad") spots.set(bucket, { place, look });
  }
  const beyond = element("i", "beyond");
  beyond.style.left = share(data.ends + 1);
  beyond.style.right = "0";
  home.append(element("i", "window"));
  if (isBeyond(last)) home.append(beyond);
  for (const { place, look } of spots.values()) {
    const spot = element("i", look);
    spot.style.left = share(place);
    spot.style.width = share(1);
    home.append(spot);
  }
}

/** The thumb stands over its tick. */
function placeScrub() {
  const half = 0.5 / (last + 1);
  const inset = `calc(8px + (100% - 16px) * ${half} - 6px)`;
  Object.assign(by("scrub").style, { left: inset, width: `calc((100% - 16px) * ${1 - 2 * half} + 12px)` });
}

function drawWindow() {
  const width = Math.max(1, (last + 1) * column);
  const made = by("overview").firstChild;
  made.style.left = `${(view.scrollLeft / width) * 100}%`;
  made.style.width = `${Math.min(1, (view.clientWidth - namesWidth) / width) * 100}%`;
}

// ---------------------------------------------------------------- the story of a tick

function tellStory() {
  const column = data.columns[now.column];
  const home = by("story");
  const parts = [storyHead(column)];
  const core = column.core;
  if (core) parts.push(twoStories(column.lines, core));
  else parts.push(element("div", "one", told(column.lines, [])));
  if (compares && !core) parts.push(element("p", "agrees", agreement(column)));
  parts.push(chips());
  home.replaceChildren(...parts);
}

function agreement(column) {
  return column.coreMarks ? "The core tells the same here, but its rows are not the same." : "The core does the same here.";
}

function storyHead(column) {
  const head = element("h2", "", column.at);
  const quiet = column.quiet ? `, ${column.quiet} ${column.quiet === 1 ? "tick" : "ticks"} in between told nothing` : "";
  if (column.gap) head.append(element("small", "", `${column.gap} after the one before${quiet}`));
  if (now.column === data.parts) head.append(element("small", "", "here the two worlds first part"));
  return head;
}

function twoStories(here, core) {
  const made = element("div", "two");
  const ended = isBeyond(now.column);
  const ours = element("div", "here", element("h3", "", data.machine?.[0] || "this machine"));
  ours.append(ended ? element("p", "agrees", "This world was stopped at the tick that broke.") : told(here, core));
  const theirs = element("div", "core", element("h3", "", "the core"), told(core, here));
  made.append(ours, theirs);
  return made;
}

/** Lines as `explain` prints them; those that the other world does not have stand out. */
function told(list, others) {
  const known = new Set(others.map(([kind, text]) => kind + text));
  const made = element("ol", "told");
  for (const [kind, text] of list) {
    const item = element("li", kind, lineText(text));
    if (others.length && kind !== "broken" && !known.has(kind + text)) item.classList.add("other");
    made.append(item);
  }
  if (list.length === 0) made.append(element("li", "missing", element("span", "", "nothing")));
  return made;
}

function lineText(text) {
  const made = element("span", "part", text.length > MOST_TEXT ? text.slice(0, MOST_TEXT) : text);
  if (text.length > MOST_TEXT) {
    made.append("… ", button("", `all ${text.length} letters`, "", () => (made.textContent = text)));
  }
  return made;
}

function chips() {
  const made = element("div", "rows");
  const all = cells(now.column);
  const shown = all.length > MOST_CHIPS && !now.allChips ? all.slice(0, MOST_CHIPS) : all.slice(0, 2000);
  for (const cell of shown) made.append(chip(cell));
  if (shown.length < all.length) {
    made.append(button("chip", `${all.length - shown.length} more`, "", () => { now.allChips = true; tellStory(); }));
  }
  return made;
}

function chip(cell) {
  const { kind, name } = data.strands[cell.strand];
  const mark = cell.here ?? cell.core;
  const named = isolated(name);
  const made = button("chip", named, markLabel(now.column, cell), () => go(now.column, cell.strand));
  if (kind !== name && kind !== "session") made.prepend(element("small", "", `${kind} `));
  const word = mark.label || (mark.madeOf.includes("e") ? "→" : "heard");
  made.append(element("small", "", ` ${word}`));
  if (!cell.here) made.classList.add("ghost");
  else if (cell.differs) made.classList.add("differs");
  made.classList.toggle("chosen", cell.strand === now.strand);
  made.dataset.strand = cell.strand;
  return made;
}

// ---------------------------------------------------------------- the record behind a mark

function tellRecord() {
  const at = now.hover ?? { column: now.column, strand: now.strand };
  const home = by("record");
  if (at.strand === null) {
    home.replaceChildren(element("p", "aside", "No row changes in this tick."));
    return;
  }
  const cell = cells(at.column).find((cell) => cell.strand === at.strand);
  const parts = [recordHead(at)];
  if (cell) parts.push(...recordBody(at, cell));
  home.replaceChildren(...parts);
}

function recordHead(at) {
  const { kind, name } = data.strands[at.strand];
  const head = element("h2", "", isolated(name));
  head.append(element("small", "", `${kind === name ? "" : `${kind}, `}at ${data.columns[at.column].at}`));
  return head;
}

function recordBody(at, cell) {
  const parts = [];
  const here = cell.here;
  const said = (here ?? cell.core).said ?? [];
  if (here?.note) parts.push(element("p", "aside", `The commit was said in this tick: ${here.note}.`));
  for (const text of said) parts.push(element("p", "said", text));
  const pairs = pairRecords(cell);
  if (pairs.length === 0) return [...parts, ...standing(at, cell)];
  const place = clamp(at.column === now.column && at.strand === now.strand ? now.record : 0, 0, pairs.length - 1);
  if (pairs.length > 1) parts.push(pager(place, pairs.length));
  parts.push(recordTable(at, cell, pairs[place]));
  return parts;
}

/** The records of a cell, those of the core beside them. */
function pairRecords(cell) {
  const here = cell.here?.records ?? [];
  const core = cell.differs ? (cell.core?.records ?? []) : here;
  const pairs = here.map((record, place) => {
    const same = (other) => other.kind === record.kind && other.of === record.of;
    return { here: record, core: core[place] && same(core[place]) ? core[place] : (core.find(same) ?? null) };
  });
  const isPaired = (record) => pairs.some((pair) => pair.core === record);
  for (const record of core) if (!isPaired(record)) pairs.push({ here: null, core: record });
  return pairs;
}

/** A row that nothing was written of, as it stands. */
function standing(at, cell) {
  const kinds = { run: "run record", session: "session row", job: "job row" };
  const kind = kinds[data.strands[cell.strand].kind];
  const record = kind && recordBefore(at.column, cell.strand, kind, cell.here ? marksHere : marksOfCore);
  if (!record) return [];
  return [element("p", "aside", "Nothing was written of it. As it stands:"), plainTable(record)];
}

function pager(place, count) {
  const move = (by) => () => { now.record = clamp(place + by, 0, count - 1); tellRecord(); };
  return element("div", "pager", button("", "‹", "Record before", move(-1)), `${place + 1} of ${count}`, button("", "›", "Next record", move(1)));
}

function recordTable(at, cell, pair) {
  const record = pair.here ?? pair.core;
  const two = cell.differs;
  const table = element("table", "fields");
  const caption = element("tr", "", element("th", "", record.kind));
  caption.append(element("th", "", two ? data.machine?.[0] || "this machine" : "after the commit"));
  if (two) caption.append(element("th", "", "the core"));
  table.append(element("thead", "", caption));
  const body = element("tbody");
  const before = recordBefore(at.column, cell.strand, record.kind, marksHere);
  const isRow = /row|record|lane/.test(record.kind);
  const ours = pair.here ?? (isRow ? before : null);
  const theirs = pair.core ?? (isRow ? recordBefore(at.column, cell.strand, record.kind, marksOfCore) : null);
  fields.get(record.kind).forEach((name, place) => {
    const row = element("tr", "", element("th", "", name));
    row.append(valueCell(ours, isRow && pair.here ? before : null, place));
    if (two) {
      const other = valueCell(theirs, null, place);
      if ((ours?.values[place] ?? "") !== (theirs?.values[place] ?? "")) other.classList.add("other");
      row.append(other);
    }
    body.append(row);
  });
  table.append(body);
  return table;
}

/** What a field is now, behind what it was. */
function valueCell(record, before, place) {
  const made = element("td");
  const value = record?.values[place] ?? "";
  const was = before?.values[place] ?? "";
  if (before && was !== value) {
    if (was) made.append(element("span", "was", was), " ");
    made.append(element("span", "new", value || "absent"));
  } else if (value) {
    made.append(isolated(value));
  } else {
    made.append(element("span", "absent", "–"));
  }
  return made;
}

function plainTable(record) {
  const body = element("tbody");
  fields.get(record.kind).forEach((name, place) => {
    body.append(element("tr", "", element("th", "", name), valueCell(record, null, place)));
  });
  return element("table", "fields", body);
}

// ---------------------------------------------------------------- going about

/** Makes a column the current one, and one of its strands the one that is shown. */
function go(place, strand, keepsView) {
  const to = clamp(place, 0, last);
  const kept = strand ?? now.strand;
  const all = cells(to);
  const chosen = all.find((cell) => cell.strand === kept);
  const best = isBroken.has(to) && strand === undefined ? foremost(to) : (chosen ?? foremost(to));
  Object.assign(now, { column: to, strand: best?.strand ?? null, hover: null, record: 0, allChips: false });
  if (!keepsView) reveal();
  draw();
  tellPlace();
  tellStory();
  tellRecord();
}

/** A mark that gets the focus is what is looked at. */
function choose(place, strand) {
  if (now.column === place && now.strand === strand) return;
  go(place, strand, true);
}

function peek(place, strand) {
  now.hover = place === null ? null : { column: place, strand };
  tellRecord();
}

/** Scrolls until the current column, and its chosen row, are in view. */
function reveal() {
  const left = now.column * column;
  const width = view.clientWidth - namesWidth;
  if (left < view.scrollLeft + column || left + 2 * column > view.scrollLeft + width) {
    view.scrollLeft = left - Math.max(column, (width - column) / 2);
  }
  const top = now.strand === null ? -1 : barTop(now.strand);
  if (top < 0) return;
  const tall = view.clientHeight - topHeight;
  if (top < view.scrollTop || top + ROW > view.scrollTop + tall) view.scrollTop = top - tall / 2;
}

function tellPlace() {
  const where = by("where");
  where.replaceChildren(data.columns[now.column].at, " ", element("small", "", `${grouped(now.column + 1)} of ${grouped(last + 1)}`));
  by("scrub").value = now.column + 1;
  by("scrub").setAttribute("aria-valuetext", `tick ${now.column + 1} of ${last + 1}, at ${data.columns[now.column].at}`);
  by("to-first").disabled = by("to-before").disabled = now.column === 0;
  by("to-last").disabled = by("to-next").disabled = now.column === last;
  by("to-notable").disabled = notable.length === 0;
  keepPlace();
}

/** The address names the tick. Where a page is shown inside another it may not have one, and does without. */
function keepPlace() {
  try {
    history.replaceState(null, "", `#tick=${now.column + 1}`);
  } catch {
    // Nothing is lost but a link to this tick.
  }
}

const nextNotable = () => notable.find((place) => place > now.column) ?? notable[0];
const notableBefore = () => notable.findLast((place) => place < now.column) ?? notable.at(-1);

function goNotable(place) {
  if (place !== undefined) go(place);
}

/** The row above or below in the current column. */
function moveInColumn(by) {
  const all = cells(now.column).filter((cell) => barTop(cell.strand) >= 0);
  const place = all.findIndex((cell) => cell.strand === now.strand);
  const next = all[clamp(place + by, 0, all.length - 1)];
  if (!next) return;
  go(now.column, next.strand);
  focusChosen();
}

function focusChosen() {
  field.known.get(`m${now.column}:${now.strand}`)?.focus({ preventScroll: true });
}

const KEYS = {
  ArrowLeft: () => go(now.column - 1),
  ArrowRight: () => go(now.column + 1),
  Home: () => go(0),
  End: () => go(last),
  n: () => goNotable(nextNotable()),
  p: () => goNotable(notableBefore()),
  t: switchTheme,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === by("scrub")) return;
  const inDrawing = view.contains(event.target);
  const upDown = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (upDown && inDrawing) {
    moveInColumn(upDown);
  } else if (KEYS[event.key]) {
    KEYS[event.key]();
    if (inDrawing && event.target.classList.contains("mark")) focusChosen();
  } else {
    return;
  }
  event.preventDefault();
}

function switchTheme() {
  const root = document.documentElement;
  const set = root.style.colorScheme;
  const dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.style.colorScheme = dark ? "light" : "dark";
}

function fromHash() {
  const found = /^#tick=(\d+)$/.exec(location.hash);
  return found ? clamp(Number(found[1]) - 1, 0, last) : null;
}

// ---------------------------------------------------------------- the head of the page

function tellHead() {
  document.title = `${data.scenario} · sametick explain`;
  by("name").append(isolated(data.scenario));
  by("sentence").textContent = data.sentence;
  by("verdict").textContent = `${data.holds ? "holds" : "broken"} after ${grouped(data.ticks)} ticks`;
  by("verdict").classList.add(data.holds ? "holds" : "broke");
  const facts = [];
  if (data.seed !== undefined) facts.push(`seed ${data.seed}`);
  facts.push(...(data.faults ?? []).map((fault) => `fault ${fault}`));
  facts.push(`begins ${data.begins}`);
  if (data.timeZones) facts.push(`time zones ${data.timeZones}`);
  by("facts").append(...facts.map((fact) => element("li", "", fact)));
  if (data.machine) {
    const [name, sentence] = data.machine;
    by("machine").append(element("b", "", name ? `broken on purpose: ${name}` : "the other shape"), `: ${sentence}`);
    by("machine").hidden = false;
  }
  const failures = [...data.broken.map(failureBox), ...data.twins.map(twinBox)];
  by("broken").hidden = failures.length === 0;
  by("broken").append(...failures);
}

function failureBox(failure) {
  const head = element("h2", "", `✗ ${failure.check}`, link(failure.column));
  return element(
    "article",
    "failure",
    head,
    element("p", "holds-that", `it holds that ${failure.sentence}`),
    element("p", "found", `but: ${failure.message}`),
  );
}

function twinBox(twin) {
  const sides = element("div", "sides");
  for (const side of twin.sides) {
    sides.append(element("span", "", side.who));
    sides.append(side.column === undefined ? element("span", "", side.at) : link(side.column));
    sides.append(element("span", "", side.text));
  }
  const held = element("p", "holds-that", `it holds that ${twin.sentence}`);
  return element("article", "failure", element("h2", "", `✗ ${twin.check}`), held, element("p", "found", `but: ${twin.message}`), sides);
}

const link = (place) => button("go", data.columns[place].at, "Go to this tick", () => go(place));

function tellLegend() {
  const looks = ["queued", "starting", "running", "ok", "timeout", "failed", "killed", "interrupted"];
  const words = { ok: "done", timeout: "timed out", killed: "cancelled" };
  const used = new Set(data.strands.flatMap((strand) => [...strand.stretches, ...(strand.core ?? [])].flatMap((stretch) => stretch[2].split(" "))));
  const items = looks.filter((look) => used.has(look)).map((look) => element("li", "", element("i", `swatch is-${look}`), words[look] ?? look));
  if (used.has("draining")) items.push(element("li", "", element("i", "swatch is-queued is-draining"), "turn not known to have stopped"));
  const glyph = (name, text) => element("li", "", markSample(name), text);
  items.push(glyph("c", "a commit wrote the row"), glyph("h", "heard"), glyph("e", "an effect left"));
  if (data.columns.some((column) => column.marks.some((mark) => mark.note))) items.push(glyph("c lost", "not durable in its tick"));
  if (compares) items.push(element("li", "", element("i", "swatch core-line"), "the core, where it differs"), glyph("ghost c", "only the core"));
  by("legend").append(...items);
}

const markSample = (name) => element("span", `mark ${name}`);

// ---------------------------------------------------------------- the beginning

function resize() {
  measure();
  by("world").style.setProperty("--column", pixels(column));
  by("world").style.gridTemplateColumns = `${namesWidth}px ${(last + 1) * column}px`;
  by("world").style.gridTemplateRows = `${topHeight}px ${height}px`;
  [times, names, field].forEach((pool) => pool.clear());
  draw();
}

function begin() {
  tellHead();
  tellLegend();
  layRows();
  drawOverview();
  placeScrub();
  by("scrub").max = last + 1;
  by("to-first").addEventListener("click", KEYS.Home);
  by("to-before").addEventListener("click", KEYS.ArrowLeft);
  by("to-next").addEventListener("click", KEYS.ArrowRight);
  by("to-last").addEventListener("click", KEYS.End);
  by("to-notable").addEventListener("click", KEYS.n);
  by("theme").addEventListener("click", switchTheme);
  by("scrub").addEventListener("input", (event) => go(Number(event.target.value) - 1));
  by("field").addEventListener("click", (event) => {
    if (event.target.closest(".mark")) return;
    go(Math.floor((event.clientX - by("field").getBoundingClientRect().left) / column), undefined, true);
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => {
    const place = fromHash();
    if (place !== null && place !== now.column) go(place);
  });
  view.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  window.addEventListener("resize", resize);
  resize();
  go(fromHash() ?? data.broken[0]?.column ?? data.parts ?? 0);
}

begin();
