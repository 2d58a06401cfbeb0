// The whole world on one line, and what is in view of it.

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
