// A list that the cashier keeps, newest first: filtered by a form, continued by « Voir plus ».
//   form fields   name: the filter's key   data-kind: cents, day; otherwise text
import { act } from "./acts.js";
import { cents } from "./amounts.js";
import { isoDate } from "./card-fields.js";
import { clearError, fieldProblem, open, reveal, showError, swap, whileBusy } from "./page.js";

const KINDS = { cents, day: (text) => isoDate(text) || null };

/** The filter as the cashier takes it, empty fields left out; null when a field is wrong, which is then marked. */
function filterOf(form) {
  const filter = {};
  let wrong = null;
  for (const field of form.elements) {
    if (!field.name) continue;
    const text = field.value.trim();
    const value = text && KINDS[field.dataset.kind] ? KINDS[field.dataset.kind](text) : text;
    if (field.dataset.problem) fieldProblem(field, value === null ? field.dataset.problem : "");
    if (value === null) wrong ??= field;
    else if (text) filter[field.name] = value;
  }
  wrong?.focus();
  return wrong ? null : filter;
}

/** Start the list: the form `filters`, the section `list`, filled by an errand. Returns how to load it anew. */
export function startList(errand) {
  const form = document.getElementById("filters");
  const section = document.getElementById("list");
  let filter = {};

  async function load() {
    clearError();
    section.setAttribute("aria-busy", "true");
    try {
      swap(section, await act(errand, filter, { html: true }));
    } catch (error) {
      section.replaceChildren();
      section.removeAttribute("aria-busy");
      showError(error);
    }
  }

  async function more(button) {
    const holder = document.createElement("div");
    swap(holder, await act(errand, { ...filter, before: Number(button.dataset.next) }, { html: true }));
    const items = [...holder.querySelectorAll("[data-items] > *")];
    section.querySelector("[data-items]").append(...items);
    const next = holder.querySelector("[data-next]");
    if (next) button.replaceWith(next);
    else button.remove();
    if (items[0]) reveal(items[0]);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = filterOf(form);
    if (wanted) {
      filter = wanted;
      whileBusy(form.querySelector("[type=submit]"), load);
    }
  });
  form.addEventListener("reset", () => {
    filter = {};
    for (const field of form.querySelectorAll("[data-problem]")) fieldProblem(field, "");
    load();
  });
  form.addEventListener("change", (event) => event.target.tagName === "SELECT" && form.requestSubmit());
  section.addEventListener("click", (event) => {
    const button = event.target.closest("[data-next]");
    if (button) whileBusy(button, () => more(button).catch((error) => showError(error)));
  });
  open(...form.querySelectorAll("button[disabled]"));
  return load;
}

/** Listen to the buttons of a list's items: data attribute → what is done with the button. */
export function onButtons(actions) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const name = button && Object.keys(actions).find((key) => key in button.dataset);
    if (name) whileBusy(button, () => Promise.resolve(actions[name](button)).catch((error) => showError(error)));
  });
}

/** Tell what was just done, with one thing more that can be done about it. */
export function notice(text, label, run) {
  const box = document.createElement("div");
  box.className = "notice";
  box.append(Object.assign(document.createElement("p"), { textContent: text }));
  if (label) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small outline", textContent: label });
    button.addEventListener("click", run);
    box.append(button);
  }
  const place = document.getElementById("told");
  place.replaceChildren(box);
  reveal(place);
}
