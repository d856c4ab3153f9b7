// The pages Référencement: an application is typed and sent with its documents, piece by piece; and how far it is. Nobody signs it: whoever
// applies has no account yet. Nothing of it is kept in this browser.
import { RefusedError } from "./acts.js";
import { clearError, complete, fieldProblem, open, reveal, say, showError, swap, whileBusy } from "./page.js";

const PIECE = 128 * 1024;
const MOST = 2 * 1024 * 1024;
const DOCUMENTS = 5;
const SIGNATURES = [
  ["application/pdf", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
];
const byId = (id) => document.getElementById(id);

async function post(path, body, headers) {
  let response;
  try {
    response = await fetch(path, { method: "POST", body, headers, credentials: "same-origin", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" });
  } catch {
    throw Object.assign(new Error("offline"), { phrase: "offline" });
  }
  const isHtml = (response.headers.get("Content-Type") ?? "").startsWith("text/html");
  if (response.ok) return isHtml ? response.text() : response.json();
  const told = await response.json().catch(() => ({}));
  const error = new RefusedError(response.headers.get("Rempart-Code") ?? "internal", told);
  throw Object.assign(error, { faults: told.faults ?? [] });
}

const postJson = (path, value) => post(path, JSON.stringify(value), { "Content-Type": "application/json" });

// ── the documents ────────────────────────────────────────────────────────────────────────────────────────────────────

let chosen = [];

/** What its first bytes say that a file is, whatever it is called; "" for what is not taken. The platform judges again. */
async function kindOf(file) {
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  return SIGNATURES.find(([, bytes]) => bytes.every((byte, at) => start[at] === byte))?.[0] ?? "";
}

const named = (sentence, name) => sentence.replace("{name}", name);

function showDocuments(words) {
  const list = byId("documents");
  list.replaceChildren(...chosen.map((document_) => {
    const row = byId("document-row").content.cloneNode(true);
    row.querySelector("[data-slot=name]").textContent = document_.file.name;
    row.querySelector("[data-slot=size]").textContent = `${Math.ceil(document_.file.size / 1024)} Kio`;
    const about = row.querySelector("[data-about]");
    about.value = document_.about;
    about.setAttribute("aria-label", named(words.about, document_.file.name));
    about.addEventListener("change", () => {
      document_.about = about.value;
    });
    const remove = row.querySelector("[data-remove]");
    remove.setAttribute("aria-label", named(words.remove, document_.file.name));
    remove.addEventListener("click", () => {
      chosen = chosen.filter((other) => other !== document_);
      showDocuments(words);
      say(named(words.removed, document_.file.name));
      byId("f-documents").focus();
    });
    return row;
  }));
  list.hidden = !chosen.length;
}

async function choose(input, words) {
  const problems = [];
  for (const file of [...input.files]) {
    const kind = await kindOf(file);
    if (!file.size) problems.push(named(words.empty, file.name));
    else if (!kind) problems.push(named(words.notTaken, file.name));
    else if (file.size > MOST) problems.push(named(words.tooLarge, file.name));
    else if (chosen.length >= DOCUMENTS) problems.push(words.tooMany);
    else chosen.push({ file, kind, about: chosen.length ? "other" : "professional-card" });
  }
  input.value = "";
  byId("documents-problem").textContent = [...new Set(problems)].join(" ");
  showDocuments(words);
}

// ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// What is under way: pressed again after a broken connection, it goes on from there.
let underWay = null;

function typed(form) {
  const values = {};
  for (const field of form.elements) if (field.name && field.name !== "iban") values[field.name] = field.value;
  return values;
}

function showFaults(form, faults, words) {
  for (const field of form.elements) if (field.name && field.type !== "hidden") fieldProblem(field, "");
  let first = null;
  for (const { field, sentence } of faults) {
    const element = form.elements[field === "convention" ? "signed_by" : field];
    if (!element) continue;
    fieldProblem(element, sentence);
    // The hint stays; the problem is read after it.
    const note = byId(`${form.id}-${element.name}-problem`);
    const hint = byId(`h-${element.name}`);
    element.setAttribute("aria-describedby", hint ? `${hint.id} ${note.id}` : note.id);
    first ??= element;
  }
  showError({ sentence: words.toCorrect.replace("{number}", faults.length) });
  first?.focus();
}

async function begin(form) {
  const opening = { typed: typed(form), iban: form.elements.iban.value, documents: chosen.map(({ file, kind, about }) => ({ about, kind, size: file.size })) };
  const meant = JSON.stringify([opening, chosen.map(({ file }) => [file.name, file.lastModified])]);
  if (underWay?.meant !== meant) underWay = { meant, code: (await postJson("/referencement/dossier", opening)).code, sent: new Set() };
  return underWay;
}

async function sendPieces({ code, sent }, words) {
  const progress = byId("progress");
  const total = chosen.reduce((sum, { file }) => sum + file.size, 0);
  let done = 0;
  byId("sending").hidden = !total;
  for (const [index, { file }] of chosen.entries()) {
    for (let start = 0; start < file.size; start += PIECE) {
      const piece = file.slice(start, start + PIECE);
      const address = `/referencement/piece?document=${index + 1}&piece=${start / PIECE}`;
      if (!sent.has(address)) await post(address, await piece.arrayBuffer(), { "Content-Type": "application/octet-stream", "Rempart-Dossier": code });
      sent.add(address);
      done += piece.size;
      progress.value = done / total;
      progress.textContent = words.sentSoFar.replace("{percent}", Math.round((100 * done) / total));
    }
  }
}

async function send(form, words) {
  clearError();
  try {
    const dossier = await begin(form);
    await sendPieces(dossier, words);
    await postJson("/referencement/envoi", { code: dossier.code });
    showSent(dossier.code, words);
    form.reset();
  } catch (error) {
    byId("sending").hidden = true;
    if (error.faults?.length) {
      showFaults(form, error.faults, words);
      return;
    }
    if (error.code === "dossier-over" || error.code === "dossier-file") underWay = null;
    showError(error);
  }
}

function showSent(code, words) {
  const told = byId("application-sent");
  told.querySelector("[data-slot=code]").textContent = code;
  byId("application").hidden = true;
  told.hidden = false;
  underWay = null;
  chosen = [];
  say(words.received);
  reveal(told);
  window.scrollTo(0, 0);
}

// ── how far it is ────────────────────────────────────────────────────────────────────────────────────────────────────

async function follow(form) {
  clearError();
  const section = byId("follow-up");
  section.replaceChildren();
  try {
    swap(section, await postJson("/referencement/etat", { code: form.elements.code.value }));
    reveal(section);
  } catch (error) {
    showError(error);
  }
}

export function startApplication() {
  const form = byId("application-form");
  const followed = byId("follow-up-form");
  const submit = (which, run) => {
    which.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = which.querySelector("[type=submit]");
      whileBusy(button, run);
    });
    open(which.querySelector("[type=submit]"));
  };
  if (followed) submit(followed, () => (complete(followed) ? follow(followed) : Promise.resolve()));
  if (!form) return;
  const words = byId("application-words").dataset;
  byId("f-documents").addEventListener("change", ({ target }) => choose(target, words));
  submit(form, () => send(form, words));
}
