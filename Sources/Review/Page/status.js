"use strict";
// Where the review stands, as tables. Everything is put in as text, never as markup.
function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function table(head, rows) {
  const made = element("table");
  if (head) {
    const top = element("tr");
    for (const cell of head) top.append(element("th", cell));
    made.append(top);
  }
  for (const row of rows) {
    const line = element("tr");
    for (const cell of row) line.append(element("td", cell));
    made.append(line);
  }
  return made;
}

const percent = (share) => (100 * share).toFixed(share > 0 && share < 0.1 ? 2 : 1) + "\u00a0%";

// E. B. Wilson's score interval, 95 %.
function wilson({ hits, trials }) {
  const z = 1.959963984540054, p = hits / trials, centre = p + (z * z) / (2 * trials);
  const spread = z * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials)), scale = 1 / (1 + (z * z) / trials);
  return { low: Math.max(0, (centre - spread) * scale), high: Math.min(1, (centre + spread) * scale) };
}

function share(proportion) {
  if (!proportion || proportion.trials === 0) return "–";
  const { low, high } = wilson(proportion);
  return say("of", proportion) + " (" + say("interval", { low: percent(low), high: percent(high) }) + ")";
}

const interval = (found) => percent(found.estimate) + " (" + say("interval", { low: percent(found.low), high: percent(found.high) }) + ")";
const number = (value) => (value === undefined || value === null ? "–" : value.toFixed(3));

function showStatus(status, into) {
  const rest = status.rest, words = status.words[language];
  into.append(element("p", words.verdict, status.isGoodEnough ? "verdict good" : "verdict"));
  if (rest.rest > 0 && rest.share) {
    const rows = [[say("restRow"), interval(rest.share)]];
    if (status.corrected) rows.push([say("correctedRow"), interval(status.corrected)]);
    into.append(table(null, rows));
  }
  for (const remark of words.remarks) into.append(element("p", remark, "remark"));
  into.append(element("p", say("hours", { hours: status.personHours.toFixed(2), decided: status.decided, left: status.left })));
  into.append(
    table(
      [say("person"), say("decisions"), say("seconds"), say("caught"), say("passed"), say("consistent")],
      status.people.map((p) => [p.name, String(p.decisions), p.medianSeconds === undefined ? "–" : p.medianSeconds.toFixed(1), share(p.caught), share(p.passed), share(p.consistent)])
    )
  );
  into.append(
    table([say("shownFor"), say("changed")], Object.entries(status.changedByReason).sort().map(([reason, found]) => [languages[language].reasons[reason] || reason, share(found)]))
  );
  const two = status.twoPeople;
  if (two.changed.images > 0) {
    into.append(element("h3", say("two")));
    into.append(
      table(
        ["", say("raw"), "AC1", "α", say("regions"), "Dice", ""],
        [[String(two.changed.images), percent(two.changed.raw), number(two.changed.ac1), number(two.changed.alpha), number(two.intersectionOverUnion.mean) + " / " + number(two.intersectionOverUnion.tenth), number(two.dice.mean), say("disputed", { n: status.disputed })]]
      )
    );
    into.append(element("p", say("caution")));
  }
  into.append(
    table(
      [say("stretch"), say("seconds"), say("changed"), say("caught"), say("passed")],
      status.overTime.map((s) => [String(s.decisions), s.medianSeconds.toFixed(1), share(s.changed), share(s.caught), share(s.passed)])
    )
  );  into.append(element("p", say("log", { lines: status.lines, head: status.head }), "remark"));
}
