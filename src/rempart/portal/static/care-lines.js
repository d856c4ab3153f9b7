// The lines of care of a form: read as the cashier takes them, filled from them, added and removed.
//   data-line    one line; its value holds what is not typed, e.g. {"nature": "audio", "ear": "left"}
//   data-field   a field's name in the line        data-kind   cents, base, count, flag, list; otherwise text
import { cents, typedAmount } from "./amounts.js";
import { fieldProblem } from "./page.js";

const COUNTS = /^\d{1,3}$/;
let numbered = 0;

const fieldsOf = (line) => [...line.querySelectorAll("[data-field]")].filter((field) => !field.closest("[hidden]"));
/** What of a line is not typed. */
export const constants = (line) => JSON.parse(line.dataset.line || "{}");

/** All lines in a form. */
export const linesOf = (form) => [...form.querySelectorAll("[data-line]")];

const untouched = (line) => fieldsOf(line).every((field) => !["cents", "base"].includes(field.dataset.kind) || field.value === field.defaultValue);

const READERS = {
  cents: (field) => cents(field.value),
  // A base left empty is the price itself.
  base: (field, line) => (field.value.trim() ? cents(field.value) : line.price ?? null),
  count: (field) => (COUNTS.test(field.value.trim()) && Number(field.value) > 0 ? Number(field.value) : null),
  flag: (field) => field.checked,
  list: (field, line) => [...(line[field.dataset.field] ?? []), ...(field.checked ? [field.value] : [])],
  optam: (field) => ({ "": undefined, yes: true, no: false })[field.value],
};

function readLine(element) {
  const line = constants(element);
  let wrong = null;
  for (const field of fieldsOf(element)) {
    const value = (READERS[field.dataset.kind] ?? (() => field.value))(field, line);
    if (field.dataset.problem) fieldProblem(field, value === null ? field.dataset.problem : "");
    if (value === null) wrong ??= field;
    else if (value !== undefined) line[field.dataset.field] = value;
  }
  return { line, wrong };
}

/** The lines as the cashier takes them, or null when a field is wrong, which is then marked. Lines left empty do not count. */
export function readLines(form, { quiet = false } = {}) {
  const touched = linesOf(form).filter((line) => !untouched(line));
  const read = (touched.length ? touched : linesOf(form).slice(0, 1)).map(readLine);
  const wrong = read.find((one) => one.wrong)?.wrong;
  if (wrong && !quiet) wrong.focus();
  return wrong ? null : read.map((one) => one.line);
}

function fillField(field, value) {
  const { kind } = field.dataset;
  if (kind === "flag") field.checked = Boolean(value);
  else if (kind === "list") field.checked = (value ?? []).includes(field.value);
  else if (kind === "cents" || kind === "base") field.value = value === undefined ? "" : typedAmount(value);
  else if (kind === "optam") field.value = value === undefined || value === null ? "" : value ? "yes" : "no";
  else if (value !== undefined && value !== "") field.value = String(value);
}

/** Copy what was typed from one line into another of the same kind. */
export function copyLine(from, to) {
  for (const field of fieldsOf(to)) field.value = from.querySelector(`[data-field=${field.dataset.field}]`).value;
}

const suits = (line, values) => Object.entries(constants(line)).every(([name, value]) => values[name] === value);

/** Fill a form with lines that were sent before: each goes to a free line that suits it, or to a new one. */
export function fillLines(form, lines) {
  const free = linesOf(form);
  for (const values of lines) {
    const at = free.findIndex((line) => suits(line, values));
    const line = at >= 0 ? free.splice(at, 1)[0] : addLine(form, values);
    if (line) for (const field of fieldsOf(line)) fillField(field, values[field.dataset.field]);
  }
}

/** Give every field of a line a name of its own, so that each problem has its place. */
export function nameFields(line) {
  numbered += 1;
  for (const field of line.querySelectorAll("[data-field]")) field.name = `${field.dataset.field}-${numbered}`;
}

/** Add an empty line, of the kind that suits `values`; returns it, or null where a form's lines are fixed. */
export function addLine(form, values = null) {
  for (const template of form.querySelectorAll("template[data-more-lines]")) {
    const line = template.content.firstElementChild.cloneNode(true);
    if (values && !suits(line, values)) continue;
    nameFields(line);
    template.before(line);
    return line;
  }
  return null;
}

/** Remove a line that may go; the last one is emptied. Returns the line to go on with. */
export function removeLine(line) {
  const others = [...line.parentElement.querySelectorAll(":scope > [data-line]")].filter((other) => other !== line);
  if (!others.length) {
    for (const field of fieldsOf(line)) if (field.type === "checkbox") field.checked = false; else if (field.tagName !== "SELECT") field.value = field.defaultValue;
    return line;
  }
  const next = line.nextElementSibling?.matches("[data-line]") ? line.nextElementSibling : others.at(-1);
  line.remove();
  return next;
}
