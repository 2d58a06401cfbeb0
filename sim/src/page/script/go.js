// From tick to tick, by keys, buttons and links.

/** Makes a column the current one, and one of its strands the one that is shown. */
function go(place, strand, keepsView) {
  const to = clamp(place, 0, last);
  const kept = strand ?? now.strand;
  const all = cells(to);
  const chosen = all.find((cell) => cell.strand === kept);
  const best = isBroken.has(to) && strand === undefined ? foremost(to) : (chosen ?? foremost(to));
  // Who has a bar there and no mark is shown where somebody points at it.
  const shown = strand !== undefined && isThere(strand, to) ? strand : (best?.strand ?? null);
  Object.assign(now, { column: to, strand: shown, hover: null, record: 0, allChips: false });
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
  if (place !== null && now.hover?.column === place && now.hover.strand === strand) return;
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

/** The row above or below in the current column, with a mark there or a bar. */
function moveInColumn(by) {
  const all = strandsAt(now.column).filter((strand) => barTop(strand) >= 0);
  const place = all.indexOf(now.strand);
  const next = all[clamp(place + by, 0, all.length - 1)];
  if (next === undefined) return;
  go(now.column, next);
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
  const columnOf = (event) => Math.floor((event.clientX - by("field").getBoundingClientRect().left) / column);
  const barOf = (event) => event.target.closest(".bar[data-strand]");
  by("field").addEventListener("click", (event) => {
    if (event.target.closest(".mark")) return;
    const bar = barOf(event);
    go(columnOf(event), bar ? Number(bar.dataset.strand) : undefined, true);
  });
  by("field").addEventListener("mousemove", (event) => {
    if (event.target.closest(".mark")) return;
    const bar = barOf(event);
    const strand = bar ? Number(bar.dataset.strand) : null;
    if (bar) peek(clamp(columnOf(event), 0, last), strand);
    else if (now.hover) peek(null);
  });
  by("field").addEventListener("mouseleave", () => now.hover && peek(null));
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => {
    const place = fromHash();
    if (place !== null && place !== now.column) go(place);
  });
  view.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  window.addEventListener("resize", resize);
  resize();
  go(fromHash() ?? data.broken[0]?.column ?? data.parts ?? notable.find((place) => twinPlaces.has(place)) ?? 0);
}

begin();
