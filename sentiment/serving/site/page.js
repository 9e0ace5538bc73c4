"use strict";
// Whatever comes from a user or a model goes into the page as textContent, never as HTML.

const at = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function say(text, kind) {
  at("status").textContent = text;
  at("status").className = `verdict ${kind || ""}`;
}

const LEAST = 0.00005; // a weight that is more than a zero, as it is shown
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

function showModel(model) {
  if (!model) return;
  at("model").textContent = model.version ? `${model.name}, version ${model.version}` : "a model that is not registered";
  const rows = [
    ["trained on", model.trained_on],
    ["data", model.data || "not named"],
    ...(model.validation ? [["accuracy", accuracy(model.validation)]] : []),
    ["positive from", Number(model.threshold.toPrecision(4))],
    ["network", model.architecture ? `${model.architecture}, ${model.backend}` : model.backend],
    ["n-grams", model.ngrams.toLocaleString("en")],
  ];
  at("card").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function accuracy({ right, reviews }) {
  const percent = ((100 * right) / reviews).toFixed(1);
  return `${percent} % of ${reviews.toLocaleString("en")} validation reviews`;
}

function marked(text, words) {
  // Places are counted in characters as Python counts them, not in units of UTF-16.
  const characters = Array.from(text);
  const placed = words.filter((word) => word.begin !== undefined && word.weight).sort((a, b) => a.begin - b.begin);
  const most = Math.max(...placed.map((word) => Math.abs(word.weight)));
  const nodes = [];
  let end = 0;
  for (const word of placed) {
    if (word.begin < end) continue;
    nodes.push(characters.slice(end, word.begin).join(""));
    const strength = Math.max(1, Math.ceil((4 * Math.abs(word.weight)) / most));
    const mark = element("mark", characters.slice(word.begin, word.end).join(""), `${word.weight > 0 ? "up" : "down"} w${strength}`);
    mark.title = signed(word.weight);
    nodes.push(mark);
    end = word.end;
  }
  nodes.push(characters.slice(end).join(""));
  return nodes;
}

function rows(items, name) {
  return items.map((item) => {
    const row = document.createElement("tr");
    row.append(element("td", item[name]), element("td", signed(item.weight)));
    return row;
  });
}

function show(text, row) {
  const threshold = row.model ? row.model.threshold : 0.5;
  at("bar").className = `bar ${row.score >= threshold ? "positive" : ""}`;
  at("fill").style.width = `${100 * row.score}%`;
  at("limit").style.left = `calc(${100 * threshold}% - 1px)`;
  const words = row.words.filter((word) => Math.abs(word.weight) >= LEAST);
  const note = row.note || (row.words.length && !words.length ? "No word by itself changes the score by 0.0001." : "");
  at("note").textContent = note;
  at("note").hidden = !note;
  at("shown").replaceChildren(...marked(text, words));
  at("words").replaceChildren(...rows(words, "word"));
  const parts = [...row.parts].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, 6);
  at("parts").replaceChildren(...rows(parts, "begins"));
  at("long").hidden = !parts.length;
  at("result").hidden = false;
  showModel(row.model);
  const carried = words.filter((word) => /[\p{L}\p{N}]/u.test(word.word)).slice(0, 3);
  const by = (verb, sign) => {
    const words = carried.filter((word) => Math.sign(word.weight) === sign).map((word) => word.word).join(" · ");
    return words ? `, ${verb} by ${words}` : "";
  };
  const limit = threshold === 0.5 ? "" : ` (positive from ${Number(threshold.toPrecision(4))} on)`;
  say(`${row.label}: ${row.score.toFixed(3)}${limit}${by("raised", 1)}${by("lowered", -1)}`, row.score >= threshold ? "positive" : "negative");
}

let latest = 0;

async function score() {
  const text = at("text").value;
  if (!text.trim()) {
    say("There is no review yet.", "wrong");
    at("text").focus();
    return;
  }
  const mine = ++latest;
  at("score").disabled = true;
  try {
    const row = await ask("score", { text });
    if (mine === latest) show(text, row);
  } catch (error) {
    if (mine !== latest) return;
    at("result").hidden = true;
    say(error.message || "The page's server does not answer.", "wrong");
  } finally {
    if (mine === latest) at("score").disabled = false;
  }
}

async function wait() {
  try {
    showModel((await ask("about")).model);
    if (at("model").textContent === "…") at("model").textContent = "";
  } catch (error) {
    at("model").textContent = error.message || "the page's server does not answer";
    setTimeout(wait, 2000);
  }
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  score();
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) score();
});
at("clear").addEventListener("click", () => {
  latest++;
  at("score").disabled = false;
  at("text").value = "";
  at("result").hidden = true;
  say("Type a review, or take an example.");
  at("text").focus();
});
at("examples").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  at("text").value = button.dataset.text;
  score();
});
wait();
