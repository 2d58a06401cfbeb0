// What happens in a tick, in the words of the terminal.

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

const worldEnd = data.broken.length
  ? "This world was left at the tick that broke."
  : "This world has come to its end.";

function twoStories(here, core) {
  const made = element("div", "two");
  const ended = isBeyond(now.column);
  const ours = element("div", "here", element("h3", "", data.machine?.[0] || "this machine"));
  ours.append(ended ? element("p", "agrees", worldEnd) : told(here, core));
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
  const said = mark.said?.[0] ?? "";
  const word = mark.label || (said.length <= 28 ? said : mark.madeOf.includes("e") ? "→" : "heard");
  made.append(element("small", "", ` ${word}`));
  if (!cell.here) made.classList.add("ghost");
  else if (cell.differs) made.classList.add("differs");
  made.classList.toggle("chosen", cell.strand === now.strand);
  made.dataset.strand = cell.strand;
  return made;
}
