// What is in view, and nothing else, as elements.

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
  drawStretches(place, strand.stretches, `s${place}`, top, "", shown);
  if (strand.core) drawStretches(place, strand.core, `c${place}`, top + BAR + 1, " core", shown);
  if (data.rows[strand.row].shared) {
    const made = field.want(`n${place}`, () => element("div", "whose-name", isolated(strand.name)));
    const left = Math.max(strand.first * column + 6, Math.min(view.scrollLeft + 6, strand.final * column + 6));
    made.style.left = pixels(left);
    made.style.top = pixels(line.y + 3);
  }
}

function drawStretches(strand, stretches, key, top, more, shown) {
  let place = lowerBound(stretches, shown.first, ([, until]) => until);
  for (; place < stretches.length && stretches[place][0] <= shown.last; place += 1) {
    const [from, until, look, label] = stretches[place];
    const made = field.want(`${key}:${place}`, () => element("div", "", element("span", "", label)));
    const isOver = from === until;
    const goesOn = until > data.ends && !isOver && !more && data.ends < last;
    made.dataset.strand = strand;
    made.className = `bar ${lookClass(look)}${more}${isOver ? " over" : ""}${goesOn ? " open" : ""}`;
    const left = from * column + 14;
    const right = isOver ? (from + 1) * column - 2 : until * column + (until > last ? -2 : 14);
    made.style.left = pixels(left);
    made.style.width = pixels(right - left);
    made.style.top = pixels(top);
    if (!more && !/^(idle|free|over)$/.test(look)) keepInView(made.firstChild, from, until, right - left);
  }
}

/** The word of a bar that begins out of view stands behind the first place of a mark that is in view. */
function keepInView(word, from, until, width) {
  const whole = Math.ceil(view.scrollLeft / column);
  const shift = from < whole && whole < until ? (whole - from) * column : 0;
  word.style.marginLeft = pixels(shift);
  word.style.maxWidth = pixels(width - shift);
}

function drawMarks(shown, rows) {
  for (let place = shown.first; place <= shown.last; place += 1) {
    for (const cell of cells(place)) {
      if (!rows.has(data.strands[cell.strand].row)) continue;
      drawMark(place, cell);
    }
  }
  drawStanding(shown, rows);
}

/** A ring where the row that is shown has a bar and no mark: a place for the focus. */
function drawStanding(shown, rows) {
  const { column: place, strand } = now;
  if (strand === null || place < shown.first || place > shown.last || !rows.has(data.strands[strand].row)) return;
  if (cells(place).some((cell) => cell.strand === strand)) return;
  const made = field.want(`m${place}:${strand}`, () => button("mark standing", "", "", () => go(place, strand, true)));
  const { kind, name } = data.strands[strand];
  made.setAttribute("aria-label", `${kind === name ? kind : `${kind} ${name}`} at ${data.columns[place].at}: as it stands`);
  made.classList.add("chosen");
  made.style.left = pixels(markX(place));
  made.style.top = pixels(barTop(strand) - 2);
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
  if (mark.look === "late") return "late";
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
