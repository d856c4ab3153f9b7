// The page Facturer: the form of the establishment's trade, a quote, then the invoice or the request for a prise en charge.
import { act } from "./acts.js";
import { isoDate, shownDate, today } from "./card-fields.js";
import { beginDraft, draft, nextNumber, rememberSent } from "./care-draft.js";
import { addLine, constants, copyLine, fillLines, linesOf, nameFields, readLines, removeLine } from "./care-lines.js";
import { clearError, fieldProblem, open, reveal, say, showError, swap, whileBusy } from "./page.js";

const byId = (id) => document.getElementById(id);
const form = byId("billing");
const place = byId("care-lines");
const quoted = byId("quote");
const answered = byId("answer");
const words = byId("billing-words").dataset;
const FORM_OF = {
  PHAR: "pharmacy", LABO: "laboratory", RADL: "radiology", MED: "doctor", AUXM: "auxiliary", DENT: "dentist", OPTI: "optician", AUDI: "audiologist",
  HOSP: "hospital", EXTE: "doctor", TRAN: "ambulance", LPP: "devices",
};
const WITH_AGREEMENT = new Set(["optician", "dentist", "audiologist", "hospital"]);
let current = draft();
let trade = "";

const asking = () => form.elements.purpose.value === "ask";

// ── where the right comes from ───────────────────────────────────────────────────────────────────────────────────────

function showSource() {
  const { engagement, priseEnCharge } = current;
  byId("source-engagement").hidden = !engagement;
  byId("source-pec").hidden = !priseEnCharge;
  byId("source-none").hidden = Boolean(engagement || priseEnCharge);
  if (engagement) {
    for (const [name, value] of Object.entries({ ...engagement, date: shownDate(engagement.date) })) {
      const slot = byId("source-engagement").querySelector(`[data-slot=${name}]`);
      if (slot) slot.textContent = value || "–";
    }
  }
  byId("source-pec").querySelector("[data-slot=number]").textContent = priseEnCharge;
  showResumed();
  form.elements.care_date.value = shownDate(engagement?.date || current.careDate || today());
  // An engagement has its date; a prise en charge leaves the choice, within its validity.
  form.elements.care_date.closest("label").hidden = Boolean(engagement);
  // A quote is worked out on an engagement; what a prise en charge agreed is known.
  byId("calculate").hidden = Boolean(priseEnCharge && !engagement);
}

function showResumed() {
  const { corrects, amends, resumes, lines } = current;
  const number = corrects || amends || resumes;
  byId("correcting").hidden = !number;
  const sentence = amends ? words.amending : !lines.length ? words.resumingEmpty : corrects ? words.correcting : words.resuming;
  byId("correcting").querySelector("[data-slot=text]").textContent = number ? sentence.replace("{number}", number) : "";
}

/** A receipt's terms, as far as they help to read the page; the cashier alone verifies it. */
function termsOf(receipt) {
  try {
    const middle = receipt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const terms = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(middle), (character) => character.charCodeAt(0))));
    return { receipt, number: terms.jti, amc: terms.amc, domain: terms.domain, date: terms.date, formula: terms.contracts[0].formula };
  } catch {
    return null;
  }
}

function takeSource() {
  const typed = form.elements.source;
  const text = typed.value.trim();
  const engagement = text.includes(".") ? termsOf(text) : null;
  fieldProblem(typed, engagement || (text && !text.includes(".")) ? "" : typed.dataset.problem);
  if (engagement) current = { ...current, engagement };
  else if (text && !text.includes(".")) current = { ...current, priseEnCharge: text.toUpperCase() };
  else return false;
  typed.value = "";
  showSource();
  showForm(trade);
  return true;
}

// ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────

function care({ quiet = false } = {}) {
  if (!current.engagement && !current.priseEnCharge && !takeSource()) {
    if (!quiet) form.elements.source.focus();
    return null;
  }
  const lines = readLines(place, { quiet });
  if (!lines) return null;
  const territory = place.querySelector("[data-care=territory]")?.value ?? "";
  return {
    lines, receipt: current.engagement?.receipt ?? "", prise_en_charge: current.priseEnCharge, regime: form.elements.regime.value,
    ...(territory ? { territory } : {}),
  };
}

async function quote(button) {
  clearError();
  const body = care();
  if (!body) return;
  await whileBusy(button, async () => {
    try {
      swap(quoted, await act("claims/quote", { care: body }, { html: true }));
      quoted.classList.remove("stale");
      say(words.quoted);
    } catch (error) {
      showError(error);
    }
  });
}

function identity() {
  const { number, care_date: date } = form.elements;
  const day = isoDate(date.value);
  const valid = /^[A-Za-z0-9][A-Za-z0-9./_-]{0,39}$/.test(number.value.trim());
  fieldProblem(date, day ? "" : date.dataset.problem);
  fieldProblem(number, valid ? "" : number.dataset.problem);
  if (!valid) number.focus();
  else if (!day) date.focus();
  return valid && day ? { number: number.value.trim(), care_date: day } : null;
}

function body() {
  const sent = care();
  if (!sent) return null;
  if (asking()) return { care: sent, ...(current.amends ? { amends: current.amends } : {}) };
  const named = identity();
  return named && { ...named, care: sent, ...(current.corrects ? { corrects: current.corrects } : {}) };
}

function remember(number, sent) {
  const { lines, regime } = sent.care;
  rememberSent(number, { ask: asking(), engagement: current.engagement, priseEnCharge: current.priseEnCharge, careDate: sent.care_date ?? "", lines, regime });
}

async function send() {
  clearError();
  const sent = body();
  if (!sent) return;
  try {
    const path = asking() ? "claims/prise-en-charge/ask" : "claims/invoice/submit";
    swap(answered, await act(path, sent, { html: true }));
  } catch (error) {
    answered.replaceChildren();
    showError(error);
    return;
  }
  const { state, number } = answered.firstElementChild.dataset;
  remember(number, sent);
  // What was refused stays in the form, to be corrected there.
  const done = state !== "refused" && state !== "refusee";
  form.hidden = done;
  byId("side").hidden = done;
  if (done) beginDraft();
  reveal(answered);
}

// ── the keyboard ─────────────────────────────────────────────────────────────────────────────────────────────────────

function grow(like = null) {
  const line = addLine(place, like);
  line?.querySelector("[data-field]").focus();
  if (line) say(words.lineAdded);
}

function shrink(line) {
  removeLine(line).querySelector("[data-field]").focus();
  quoted.classList.toggle("stale", Boolean(quoted.querySelector(".quote")));
  say(words.lineRemoved);
}

function nextLine(line) {
  const lines = linesOf(place);
  const next = lines[lines.indexOf(line) + 1];
  if (next) next.querySelector("[data-field]").focus();
  else grow(constants(line));
}

function typed(event) {
  const line = event.target.closest?.("[data-line]");
  const key = event.key.toLowerCase();
  const shortcuts = { l: () => grow(line ? constants(line) : null), c: () => quote(byId("calculate")), v: () => form.requestSubmit() };
  let run = event.altKey && !event.ctrlKey ? shortcuts[key] : null;
  if (event.altKey && key === "delete" && line?.querySelector("[data-remove]")) run = () => shrink(line);
  if (!event.altKey && key === "enter" && line && event.target.matches("input, select")) run = () => nextLine(line);
  if (!run || form.hidden) return;
  event.preventDefault();
  run();
}

// ── start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function showPurpose() {
  for (const part of document.querySelectorAll("[data-purpose]")) part.hidden = part.dataset.purpose !== form.elements.purpose.value;
}

/** The form of what the engagement is for; without one, of the establishment's trade. */
function showForm(profession) {
  const shown = FORM_OF[current.engagement?.domain] ?? profession;
  if (!byId(`care-${shown}`) || shown === place.dataset.trade) return;
  place.dataset.trade = shown;
  place.replaceChildren(byId(`care-${shown}`).content.cloneNode(true));
  linesOf(place).forEach(nameFields);
  if (current.lines.length) fillLines(place, current.lines);
  else if (!linesOf(place).length) addLine(place, current.ask ? { nature: "dental-prosthesis" } : null) ?? addLine(place);
  byId("purpose").hidden = !WITH_AGREEMENT.has(shown);
  form.elements.purpose.value = current.ask && WITH_AGREEMENT.has(shown) ? "ask" : "invoice";
}

function fillIdentity() {
  form.elements.number.value = current.number || nextNumber();
  form.elements.regime.value = current.regime;
}

/** Show the form of this establishment's trade. */
export function ready({ profession }) {
  trade = profession;
  showForm(profession);
  fillIdentity();
  showSource();
  showPurpose();
  form.addEventListener("change", (event) => event.target.name === "purpose" && showPurpose());
  form.addEventListener("input", ({ target }) => {
    if (place.contains(target) || target.name === "regime") quoted.classList.toggle("stale", Boolean(quoted.querySelector(".quote")));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(form.querySelector("[type=submit]:not([hidden])"), send);
  });
  document.addEventListener("keydown", typed);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "calculate") quote(button);
    else if ("addLine" in button.dataset) grow(button.dataset.addLine ? { nature: button.dataset.addLine } : null);
    else if ("copyLens" in button.dataset) copyLine(...linesOf(place));
    else if ("remove" in button.dataset) shrink(button.closest("[data-line]"));
    else if ("forgetSource" in button.dataset) {
      current = { ...current, engagement: null, priseEnCharge: "" };
      showSource();
      form.elements.source.focus();
    } else if ("billPec" in button.dataset) {
      beginDraft({ priseEnCharge: button.dataset.billPec, lines: JSON.parse(button.dataset.lines) });
      location.reload();
    } else if ("anew" in button.dataset) {
      beginDraft();
      location.reload();
    }
  });
  open(...form.querySelectorAll("button[disabled]"));
}
