// The page Cartes hors ligne. It asks the server for one public file, beforehand; a card is judged here. What stays of it is the use that one states.
import { cents, typedAmount } from "./amounts.js";
import { shownDate, today } from "./card-fields.js";
import { keepEngagement } from "./care-draft.js";
import { CardRefused, openOn, signedLists, verifyCard } from "./offline-card.js";
import { fetched, kept } from "./offline-kept.js";
import { dropUse, keptUses, stateUse, tellUses } from "./offline-uses.js";
import { clearError, fieldProblem, reveal, say, showError, whileBusy } from "./page.js";

const byId = (id) => document.getElementById(id);
const slot = (root, name) => root.querySelector(`[data-slot=${name}]`);
const LANGUAGE = document.documentElement.lang;
const MOST_SKEW = 300;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const now = () => Math.floor(Date.now() / 1000);
const moment = (seconds) =>
  new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "long", timeStyle: "short", timeZone: "Europe/Paris" }).format(new Date(seconds * 1000));

let published;
let words;

function age(seconds) {
  const [unit, size] = seconds < HOUR ? ["minute", MINUTE] : seconds < DAY ? ["hour", HOUR] : ["day", DAY];
  return new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" }).format(-Math.floor(Math.max(seconds, 0) / size), unit);
}

async function showAge(skew) {
  const place = byId("kept");
  place.classList.toggle("alert", !published);
  if (!published) {
    place.textContent = words.nothingKept;
    return;
  }
  const lists = await signedLists(published);
  const until = Math.min(...lists.map(({ exp }) => exp));
  place.textContent = [
    words.kept.replace("{age}", age(now() - published.made)).replace("{moment}", moment(published.made)),
    lists.length === 0 ? words.noCards : (now() < until ? words.until : words.over).replace("{moment}", moment(until)),
  ].join(" ");
  place.classList.toggle("alert", lists.length > 0 && now() >= until);
  byId("clock").hidden = Math.abs(skew) <= MOST_SKEW;
}

async function refresh() {
  let skew = 0;
  try {
    ({ published, skew } = await fetched());
    byId("unreachable").hidden = true;
  } catch {
    // The very case that this page is for: what is kept serves.
    byId("unreachable").hidden = false;
  }
  await showAge(skew);
}

const domainName = (domain) => byId("domain-names").querySelector(`[data-domain="${domain}"]`)?.textContent ?? domain;
const reasonText = (reason) => byId("offline-reasons").querySelector(`[data-reason="${reason}"]`)?.textContent ?? reason;

function row(domain, contract) {
  const line = byId("offline-row").content.cloneNode(true);
  slot(line, "domain").textContent = domainName(domain);
  slot(line, "product").textContent = contract.product;
  slot(line, "formula").textContent = contract.formula;
  const notes = [contract.responsible && words.responsible, contract.pec && words.pec,
    contract.until && words.rightUntil.replace("{date}", shownDate(contract.until))];
  slot(line, "notes").textContent = notes.filter(Boolean).join(", ");
  return line;
}

function showCard(card) {
  const { claims } = card;
  const day = today();
  const rows = Object.keys(claims.rights).flatMap((domain) => openOn(claims, domain, day).map((contract) => row(domain, contract)));
  const answer = byId("offline-good").content.cloneNode(true);
  slot(answer, "amc").textContent = claims.amc;
  slot(answer, "number").textContent = claims.jti;
  slot(answer, "until").textContent = moment(claims.exp);
  slot(answer, "rows").append(...rows);
  const form = answer.querySelector("form");
  // Where a prise en charge comes first, a use would earn nothing.
  const usable = Object.keys(claims.rights).filter((domain) => {
    const contracts = openOn(claims, domain, day);
    return contracts.length > 0 && !contracts.some(({ pec }) => pec);
  });
  form.elements.domain.append(...usable.map((domain) => new Option(domainName(domain), domain)));
  form.hidden = usable.length === 0;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(form.querySelector("button"), () => keep(card, form).catch((error) => showError(error)));
  });
  byId("answer").replaceChildren(answer);
}

function showRefusal(reason) {
  const answer = byId("offline-bad").content.cloneNode(true);
  slot(answer, "reason").textContent = reasonText(reason);
  byId("answer").replaceChildren(answer);
}

async function keep(card, form) {
  clearError();
  const { domain, amount } = form.elements;
  const asked = cents(amount.value);
  fieldProblem(amount, asked > 0 ? "" : words.amount);
  if (!(asked > 0)) return;
  await stateUse(card, domain.value, asked, now());
  byId("answer").replaceChildren();
  await showUses();
  reveal(byId("uses"));
}

function useRow(use) {
  const line = byId("offline-use").content.cloneNode(true);
  const { told } = use;
  slot(line, "at").textContent = moment(use.at);
  slot(line, "domain").textContent = domainName(use.domain);
  slot(line, "card").textContent = use.card;
  slot(line, "asked").textContent = `${typedAmount(use.cents)} €`;
  const outcome = told?.engagement ? words.honoured.replace("{number}", told.engagement).replace("{amount}", typedAmount(told.cents)) : words.waits;
  slot(line, "outcome").textContent = told?.refused ? reasonText(told.refused) : outcome;
  const [bill, drop] = line.querySelectorAll("button");
  bill.hidden = !told?.engagement;
  drop.hidden = !told;
  bill.addEventListener("click", () => {
    const date = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Paris" }).format(new Date(use.at * 1000));
    keepEngagement({ receipt: told.receipt, number: told.engagement, amc: use.amc, domain: use.domain, date, formula: "" }, false, false);
    location.assign("/facturer");
  });
  drop.addEventListener("click", () => whileBusy(drop, async () => {
    await dropUse(use.id);
    await showUses();
    reveal(byId("uses"));
  }));
  return line;
}

async function showUses() {
  const uses = await keptUses();
  byId("uses").hidden = uses.length === 0;
  byId("uses-tell").disabled = uses.every(({ told }) => told);
  slot(byId("uses"), "rows").replaceChildren(...uses.map(useRow));
}

async function judge(text) {
  try {
    if (!published) throw new CardRefused("no-list");
    showCard(await verifyCard(text, published, now()));
  } catch (error) {
    if (!(error instanceof CardRefused)) throw error;
    showRefusal(error.reason);
  }
  reveal(byId("answer"));
}

async function textOf(file) {
  if (!file.type.startsWith("image/")) return file.slice(0, 16384).text();
  if (!("BarcodeDetector" in window)) throw Object.assign(new Error("no-detector"), { sentence: words.noImages });
  const [code] = await new window.BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(file));
  return code?.rawValue ?? "";
}

function forget() {
  byId("offline-text").value = "";
  byId("offline-file").value = "";
}

export async function startOffline() {
  words = byId("offline-words").dataset;
  const form = byId("offline-form");
  const check = form.querySelector("[type=submit]");
  const run = (work) => whileBusy(check, () => work().catch((error) => showError(error)).finally(forget));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => judge(byId("offline-text").value));
  });
  byId("offline-text").addEventListener("keydown", (event) => {
    // A scanner ends with Enter; nobody writes a second line of a card.
    if (event.key === "Enter") {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Escape") forget();
  });
  byId("offline-file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) run(async () => judge(await textOf(file)));
  });
  const again = byId("offline-refresh");
  again.addEventListener("click", () => whileBusy(again, async () => {
    await refresh();
    say(byId("kept").textContent);
  }));
  const tell = byId("uses-tell");
  tell.addEventListener("click", () => whileBusy(tell, async () => {
    clearError();
    await tellUses().catch((error) => showError(error));
    await showUses();
    reveal(byId("uses"));
  }));
  addEventListener("pagehide", () => {
    forget();
    byId("answer").replaceChildren();
  });
  published = await kept();
  await Promise.all([refresh(), showUses()]);
  check.disabled = false;
}
