// The page Vérifier les droits. It remembers nothing: what was typed is gone once answered, once left, and on Escape.
import { CHECKS, shownDate, today } from "./card-fields.js";
import { looksScanned, readCardText } from "./card-text.js";
import { checkRight } from "./eligibility.js";
import { keepEngagement } from "./care-draft.js";
import { clearError, fieldProblem, open, reveal, say, showError, whileBusy } from "./page.js";

const form = document.getElementById("check");
const place = document.getElementById("answer");
const empty = place.firstElementChild;
const words = document.getElementById("answer-words").dataset;
const text = document.getElementById("card-text");
const PERSONAL = ["amc", "adherent", "nir", "birth"];
const notice = document.getElementById("scanned-card");
let asking = 0;
// Of the card that was scanned; in no field, so that no browser offers to remember it.
let secret = "";

const slot = (root, name) => root.querySelector(`[data-slot=${name}]`);

function chooseLane() {
  const lane = secret ? "secret" : form.elements.lane.value;
  for (const part of form.querySelectorAll("[data-lane]")) part.hidden = !part.dataset.lane.split(" ").includes(lane);
  notice.hidden = !secret;
}

/** Back to what is typed by hand. */
function dropScan() {
  secret = "";
  chooseLane();
}

function forget() {
  dropScan();
  for (const name of PERSONAL) form.elements[name].value = "";
  form.elements.rank.value = "1";
  text.value = "";
  document.getElementById("card-text-problem").textContent = "";
  for (const field of form.querySelectorAll("[data-check]")) fieldProblem(field, "");
}

function startAgain() {
  asking += 1;
  forget();
  clearError();
  form.elements.serviced.value = shownDate(today());
  place.replaceChildren(empty);
  form.elements.amc.focus();
  say(words.cleared);
}

function readCard() {
  const card = { lane: secret ? "secret" : form.elements.lane.value, domain: form.elements.domain.value };
  if (secret) card.secret = secret;
  let first = null;
  for (const field of form.querySelectorAll("[data-check]")) {
    if (field.closest("[hidden]")) continue;
    const value = CHECKS[field.dataset.check](field.value);
    fieldProblem(field, value ? "" : field.dataset.problem);
    if (!value) first ??= field;
    card[field.name] = value;
  }
  first?.focus();
  return first ? null : card;
}

function period({ from, to }) {
  if (from && to) return `${words.from} ${shownDate(from)} ${words.to} ${shownDate(to)}`;
  return from ? `${words.since} ${shownDate(from)}` : "";
}

function fill(root, name, value, holder) {
  if (value) slot(root, name).textContent = value;
  else (holder ?? slot(root, name).parentElement).remove();
}

const reasonWords = (reason) => words[`reason${reason.split("-").map((part) => part[0].toUpperCase() + part.slice(1)).join("")}`] ?? reason;

function contractCard(contract) {
  const card = document.getElementById("answer-contract").content.cloneNode(true);
  slot(card, "product").textContent = [contract.product, contract.responsible && words.responsible].filter(Boolean).join(" – ");
  slot(card, "state").textContent = contract.open ? words.stateOpen : words.stateClosed;
  slot(card, "state").classList.add(contract.open ? "open" : "closed");
  fill(card, "formula", contract.formula);
  fill(card, "period", period(contract));
  fill(card, "reason", contract.open || !contract.reason ? "" : reasonWords(contract.reason));
  return card;
}

function outcome({ found, open, contracts }) {
  if (!found) return "absent";
  if (!open) return "closed";
  return contracts.some((contract) => contract.open && !contract.priseEnCharge) ? "open" : "pec";
}

/** The way on to Facturer. What goes along is the receipt, which names nobody. */
function offerNext(button, kind, answer, card) {
  if (!answer.engagement) {
    button.remove();
    return;
  }
  if (kind === "pec") button.textContent = words.askPec;
  button.addEventListener("click", () => {
    const { formula = "" } = answer.contracts.find((contract) => contract.open) ?? {};
    keepEngagement({ receipt: answer.receipt, number: answer.engagement, amc: card.amc, domain: card.domain, date: card.serviced, formula }, kind === "pec", location.hash === "#reprise");
    location.assign("/facturer");
  });
}

function show(answer, card) {
  const shown = document.getElementById("answer-open").content.cloneNode(true);
  const kind = outcome(answer);
  shown.querySelector(".answer").classList.replace("open", kind);
  shown.querySelector(".mark path").setAttribute("d", kind === "open" ? "m7 12.5 3.5 3.5L17 9" : kind === "pec" ? "M12 6v7.5M12 17v.5" : "m8 8 8 8M16 8l-8 8");
  slot(shown, "title").textContent = words[kind];
  fill(shown, "engagement", answer.engagement, slot(shown, "engagement-block"));
  slot(shown, "contracts").append(...answer.contracts.map(contractCard));
  slot(shown, "next").textContent = words[`next${kind[0].toUpperCase()}${kind.slice(1)}`];
  const asked = words.asked.replace("{amc}", card.amc).replace("{domain}", card.domain).replace("{date}", shownDate(card.serviced));
  const cost = answer.cost === null ? "" : answer.cost ? words.cost.replace("{cost}", answer.cost) : words.costNone;
  slot(shown, "asked").textContent = [asked, cost].filter(Boolean).join(" ");
  fill(shown, "receipt", answer.receipt, slot(shown, "receipt-block"));
  shown.querySelector("[data-again]").addEventListener("click", startAgain);
  offerNext(shown.querySelector("[data-bill]"), kind, answer, card);
  place.replaceChildren(shown);
  reveal(place);
}

async function check(event) {
  event.preventDefault();
  clearError();
  // A scanner without a last key: the person presses the button.
  const scan = PERSONAL.map((name) => form.elements[name]).find((field) => looksScanned(field.value));
  if (scan) takeScanned(scan);
  if (scan && !secret) return;
  const card = readCard();
  if (!card) return;
  await whileBusy(form.querySelector("[type=submit]"), async () => {
    asking += 1;
    const mine = asking;
    place.replaceChildren(empty);
    try {
      const answer = await checkRight(card);
      if (mine !== asking) return;
      forget();
      show(answer, card);
    } catch (error) {
      showError(error);
    }
  });
}

function fillFrom(written) {
  const problem = document.getElementById("card-text-problem");
  const read = readCardText(written);
  problem.textContent = "";
  text.value = "";
  if (read.problem) {
    text.closest("details").open = true;
    problem.textContent = { form: words.textForm, scan: words.textScan }[read.problem] ?? `${words.textField} ${read.field}`;
    return;
  }
  const { lane, secret: shown = "", ...fields } = read.fields;
  for (const field of form.querySelectorAll("[data-check]")) fieldProblem(field, "");
  form.elements.lane.value = "card";
  for (const name of PERSONAL) form.elements[name].value = "";
  for (const [name, value] of Object.entries(fields)) form.elements[name].value = name === "birth" ? shownDate(value) : value;
  secret = lane === "secret" ? shown : "";
  chooseLane();
  say(words.textRead);
  form.querySelector("[type=submit]").focus();
}

const readText = () => fillFrom(text.value);

/** A scanner types wherever the cursor is: a card's text that ends up in a field of the form is read, and taken out of it. */
function takeScanned(field) {
  const written = field.value;
  field.value = "";
  fillFrom(written);
}

/** Its last key is Enter, or Tab. */
function scannedIntoField(event) {
  const field = event.target;
  if (!["Enter", "Tab"].includes(event.key) || field === text || !field.dataset.check || !looksScanned(field.value)) return;
  event.preventDefault();
  takeScanned(field);
}

/** What belongs to a scanned card is not corrected by hand: whoever types starts anew from the fields. */
function typedOver(event) {
  if (secret && PERSONAL.concat("rank").includes(event.target.name)) dropScan();
}

function scanned(event) {
  // A scanner types, then presses Enter; Shift+Enter is a new line for people.
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    readText();
  }
}

const DOMAIN_OF = {
  pharmacy: "PHAR", laboratory: "LABO", radiology: "RADL", doctor: "MED", auxiliary: "AUXM", dentist: "DENT", optician: "OPTI",
  audiologist: "AUDI", hospital: "HOSP", ambulance: "TRAN",
};

/** The establishment's profession chooses the domain offered first. */
export function ready({ profession }) {
  if (DOMAIN_OF[profession]) form.elements.domain.value = DOMAIN_OF[profession];
}

/** Start the page. */
export function start() {
  form.elements.serviced.value = shownDate(today());
  chooseLane();
  form.addEventListener("change", (event) => event.target.name === "lane" && dropScan());
  form.addEventListener("keydown", scannedIntoField);
  form.addEventListener("input", typedOver);
  form.addEventListener("submit", check);
  text.addEventListener("keydown", scanned);
  text.addEventListener("paste", () => setTimeout(readText));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) startAgain();
  });
  // Leaving the page, even for the browser's own memory of pages, leaves nothing behind.
  addEventListener("pagehide", () => {
    forget();
    place.replaceChildren(empty);
  });
  open(form.querySelector("[type=submit]"));
  form.elements.amc.focus();
}
