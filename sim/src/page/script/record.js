// The row behind a mark: after its commit, before it, and in the core.

function tellRecord() {
  const at = now.hover ?? { column: now.column, strand: now.strand };
  const home = by("record");
  if (at.strand === null) {
    home.replaceChildren(element("p", "aside", "No row changes in this tick."));
    return;
  }
  const cell = cells(at.column).find((cell) => cell.strand === at.strand);
  const parts = [recordHead(at)];
  parts.push(...(cell ? recordBody(at, cell) : standing(at, null)));
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
  const silent = cell.differs && (here === null ? data.machine?.[0] || "This machine" : cell.core ? null : "The core");
  if (silent) parts.push(element("p", "aside", `${silent} writes nothing of it in this tick.`));
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
  const kind = kinds[data.strands[at.strand].kind];
  const ofCore = cell !== null && cell.here === null;
  const record = kind && recordBefore(at.column, at.strand, kind, ofCore ? marksOfCore : marksHere);
  if (!record) return cell ? [] : [element("p", "aside", "Nothing is told of it in this tick.")];
  return [element("p", "aside", "Nothing was written of it in this tick. As it stands:"), plainTable(record)];
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
