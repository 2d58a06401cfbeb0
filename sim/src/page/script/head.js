// What the page is about, and what broke.

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
