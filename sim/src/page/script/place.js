// Where things are drawn: rows from top to bottom, columns from left to right.

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

/** Whether a strand has a bar or a mark in a column. */
const isThere = (strand, place) => {
  const { stretches, core } = data.strands[strand];
  const covers = ([from, until, look]) => from <= place && place <= until && look !== "over";
  return stretches.some(covers) || (core ?? []).some(covers) || cells(place).some((cell) => cell.strand === strand);
};

/** The strands that have a bar or a mark in a column, from top to bottom. */
const strandsAt = (place) => {
  const there = data.strands.map((_, strand) => strand).filter((strand) => isThere(strand, place));
  return there.sort((one, two) => data.strands[one].row - data.strands[two].row || one - two);
};

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
