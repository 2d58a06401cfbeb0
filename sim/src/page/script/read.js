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

const isBroken = new Set(data.broken.map((failure) => failure.column));
/** Whether the core tells something else there, while this world still goes on. */
const tellsOther = (place) => place >= 0 && place <= data.ends && data.columns[place].core !== undefined;
const isBeyond = (place) => compares && place > data.ends;
const hasCrash = (place) => data.columns[place].lines.some(([kind]) => kind === "crash");

/** Where this world and a twin of it do other things. */
const twinPlaces = new Set(data.twins.flatMap((twin) => twin.sides.map((side) => side.column ?? -1)));

/** Where something is worth a stop: what breaks, where worlds first part, and what befalls a gateway. */
const notable = data.columns
  .map((_, place) => place)
  .filter(
    (place) =>
      isBroken.has(place) ||
      place === data.parts ||
      twinPlaces.has(place) ||
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

const ORDER = ["session", "run", "job", "events", "subscribers", "gateway", "lane", "others", "store"];

/** The cell that tells most of a column: the run that a check speaks of without its session, what differs, sessions first. */
function foremost(place) {
  const broken = data.broken.find(({ column, message }) => column === place && !/\bsession\b/.test(message));
  const rank = (cell) => {
    const { kind, name } = data.strands[cell.strand];
    const spokenOf = broken !== undefined && cell.strand === broken.strand;
    return ORDER.indexOf(kind) + (cell.differs ? 0 : 20) - (name.startsWith("session ") ? 1 : 0) - (spokenOf ? 40 : 0);
  };
  const all = cells(place);
  return all.reduce((best, cell) => (best === null || rank(cell) < rank(best) ? cell : best), null);
}
