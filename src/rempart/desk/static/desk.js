// The desk's script. Everything an operator does is a signed POST, asked for in three ways:
//   data-load   a section filled by that act, again every data-every seconds; data-query fills its body from the address
//   data-act    an act done at once, its reply put into data-into, or the page's sections loaded again; data-file: its reply is a file
//   data-deed   an act that is counted first (a dry run), shown in a dialog, and done when it is confirmed; data-file: what is done is a file;
//               data-once: its form is empty afterwards
import { act, introduce, leave } from "./acts.js";
import { save, startDossier } from "./dossier.js";
import { clearError, complete, fieldProblem, open, phrases, read, reveal, say, showError, swap, whileBusy } from "./page.js";
import { makePasskey, usePasskey } from "./passkey.js";

const HOME = "/salle";
const byId = (id) => document.getElementById(id);
const page = document.body.dataset.page;
let may = new Set();

// ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Only what this role may do is offered; the vault is the judge. */
function offer(root) {
  for (const element of root.querySelectorAll("[data-needs]")) element.hidden = !may.has(element.dataset.needs);
}

/** A JSON body, with the number that the address carries where data-query says so. */
function bodyOf(section) {
  const body = JSON.parse(section.dataset.body ?? "{}");
  const [name, field] = (section.dataset.query ?? "").split(":");
  if (field) body[field] = Number(new URLSearchParams(location.search).get(name));
  return body;
}

const shown = new WeakMap();

async function load(section) {
  const html = await act(section.dataset.load, bodyOf(section), { html: true });
  // What has not changed is left alone: whoever reads it, or has the focus in it, is not disturbed.
  if (shown.get(section) === html) return;
  shown.set(section, html);
  const opened = [...section.querySelectorAll("details[open][id]")].map(({ id }) => id);
  swap(section, html);
  for (const id of opened) byId(id)?.setAttribute("open", "");
  offer(section);
}

async function loadAll() {
  const sections = [...document.querySelectorAll("[data-load]")].filter((section) => !section.closest("[hidden]"));
  await Promise.all(sections.map((section) => load(section).catch((error) => showError(error))));
}

function keepLoading(section) {
  setInterval(() => {
    if (!document.hidden && !section.closest("[hidden]") && !document.querySelector("dialog[open]")) load(section).catch((error) => showError(error));
  }, Number(section.dataset.every) * 1000);
}

// ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A form's fields with their kinds: numbers, booleans and lists of words say so. */
function typed(form) {
  const { body } = read(form);
  for (const field of form.elements) {
    if ("number" in field.dataset) body[field.name] = Number(field.value);
    if ("boolean" in field.dataset) body[field.name] = field.value === "true";
    if ("words" in field.dataset) body[field.name] = field.value.split(/[\s,;]+/).filter(Boolean);
    if ("each" in field.dataset) {
      const others = Array.isArray(body[field.name]) ? body[field.name] : [];
      body[field.name] = field.checked ? [...others, field.value] : others;
    } else if (field.type === "checkbox") body[field.name] = field.checked;
    if ("list" in field.dataset) body[field.name] = field.value.split(/[,;\n]/).map((one) => one.trim()).filter(Boolean);
  }
  return body;
}

/** What a form is about, for the dialog's title: the scope's name, then whom. */
function named(form) {
  const { scope, key, login, amc, name, finess } = form.elements;
  return [scope?.selectedOptions[0].text, key?.value, login?.value, amc?.value, name?.value, finess?.value].filter(Boolean).join(" ");
}

/** Show an effect (a fragment, or an element) and ask; `done` does it, given a reason, and resolves. Escape is no. */
function askDeed({ title, effect, asks = "" }, done) {
  const dialog = byId("deed");
  const [yes, alert, slot] = ["[data-answer=yes]", "[data-slot=alert]", "[data-slot=effect]"].map((name) => dialog.querySelector(name));
  const reason = byId("deed-reason");
  byId("deed-title").textContent = title;
  if (typeof effect === "string") swap(slot, effect);
  else slot.replaceChildren(effect);
  swap(alert, "");
  reason.value = "";
  reason.closest("label").hidden = asks !== "reason";
  yes.textContent = dialog.querySelector("[data-second=true]") ? phrases.second : phrases.confirm;
  return new Promise((resolve) => {
    dialog.onclick = (event) => {
      const answer = event.target.closest("[data-answer]")?.dataset.answer;
      if (answer === "no") dialog.close();
      if (answer !== "yes") return;
      fieldProblem(reason, asks === "reason" && !reason.value.trim() ? phrases.required : "");
      if (reason.hasAttribute("aria-invalid")) {
        reason.focus();
        return;
      }
      whileBusy(yes, () => done(reason.value.trim()).then((reply) => {
        resolve(reply);
        dialog.close();
      }, (error) => showError(error, alert)));
    };
    dialog.onclose = () => resolve(undefined);
    dialog.showModal();
  });
}

async function deed(source) {
  const path = source.dataset.deed;
  const isForm = source.tagName === "FORM";
  const body = isForm ? typed(source) : JSON.parse(source.dataset.body);
  const asks = source.dataset.ask;
  clearError();
  // A dry run does nothing: its reason is read by nobody.
  const effect = await act(path, { ...(asks ? { [asks]: "?" } : {}), ...body, dry_run: true }, { html: true });
  const title = [source.dataset.title, isForm ? named(source) : ""].filter(Boolean).join(" : ");
  const file = source.dataset.file;
  const reply = await askDeed({ title, effect, asks }, (reason) =>
    act(path, { ...body, ...(asks ? { [asks]: reason } : {}), dry_run: false }, { as: file ? "file" : "html" }));
  if (reply === undefined) return;
  if (file) save(reply, file);
  // What many read is not said twice by a second press.
  if ("once" in source.dataset) source.reset();
  await followed(reply);
}

/** Show what came of it: a fragment, or that it is done; then everything anew. */
async function followed(reply) {
  const result = byId("result");
  if (typeof reply === "string") swap(result, reply);
  else result.replaceChildren(Object.assign(document.createElement("p"), { className: "notice", textContent: phrases.done }));
  say(result.textContent.trim());
  await loadAll();
  reveal(result);
  document.dispatchEvent(new CustomEvent("rempart-done"));
}

async function perform(button) {
  clearError();
  const done = () => act(button.dataset.act, JSON.parse(button.dataset.body), { html: true });
  const card = button.closest("li")?.cloneNode(true);
  card?.querySelector("footer")?.remove();
  const effect = document.createElement("div");
  effect.append(...(card?.childNodes ?? []));
  const reply = await (button.dataset.title ? askDeed({ title: button.dataset.title, effect }, done) : done());
  if (reply === undefined) return undefined;
  if (!button.dataset.into) return followed(reply);
  const into = byId(button.dataset.into);
  shown.delete(into);
  swap(into, reply);
  offer(into);
  return reveal(into);
}

/** Do what a form asks for, at once. What came of it goes into data-into; with data-stay, whoever writes stays at that element. */
async function submit(form) {
  clearError();
  const reply = await act(form.dataset.act, { ...bodyOf(form), ...typed(form) }, { html: true });
  if (form.dataset.into) {
    swap(byId(form.dataset.into), reply);
    return reveal(byId(form.dataset.into));
  }
  if (!form.dataset.stay) return followed(reply);
  await loadAll();
  say(phrases.done);
  return byId(form.dataset.stay)?.querySelector("summary")?.focus();
}

async function fetchFile({ dataset }) {
  clearError();
  save(await act(dataset.act, JSON.parse(dataset.body), { as: "file" }), dataset.file);
  say(phrases.done);
}

async function look(button) {
  const form = button.form;
  const { scope, key } = typed(form);
  const slot = form.querySelector("[data-slot=look]");
  swap(slot, await act(button.dataset.look, { scope, key }, { html: true }));
  offer(slot);
}

async function addPasskey() {
  const challenge = await act("passkey/begin");
  await act("passkey/add", { nonce: challenge.nonce, credential: await makePasskey(challenge), label: "" });
  await loadAll();
  say(phrases.done);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const looks = form.querySelector("[data-look]");
  const work = form.dataset.deed ? deed : form.dataset.act ? submit : null;
  if (!work && !looks) return;
  // Nothing that was typed goes into an address.
  event.preventDefault();
  if (!work) {
    looks.click();
    return;
  }
  if (complete(form)) whileBusy(form.querySelector("[type=submit]"), () => work(form).catch((error) => showError(error)));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const run = (work) => whileBusy(button, () => Promise.resolve(work()).catch((error) => showError(error)));
  if (button.dataset.deed) run(() => deed(button));
  else if (button.dataset.act) run(() => (button.dataset.file ? fetchFile(button) : perform(button)));
  else if (button.dataset.look) run(() => look(button));
  else if (button.id === "add-passkey") run(addPasskey);
  else if (button.id === "sign-out") run(() => act("sign-out").finally(() => leave("sign-out")));
});

// ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────────

function enter() {
  location.replace(HOME);
  return new Promise(() => {});
}

function startSignIn() {
  const button = byId("passkey-sign-in");
  button.addEventListener("click", () => {
    clearError();
    whileBusy(button, async () => {
      try {
        const challenge = await introduce("sign-in/begin");
        const credential = await usePasskey(challenge);
        await introduce("sign-in/passkey", { nonce: challenge.nonce, credential }, { labelled: true });
        await enter();
      } catch (error) {
        showError(error);
      }
    });
  });
  open(button);
  button.focus({ preventScroll: true });
}

function startActivation() {
  const form = byId("activation-form");
  // The code comes in the fragment, which no server sees, and leaves the address at once.
  const given = decodeURIComponent(location.hash.slice(1));
  if (given) {
    form.elements.activation_code.value = given;
    history.replaceState(null, "", location.pathname);
  }
  addEventListener("hashchange", () => location.hash && location.reload());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearError();
    if (!complete(form)) return;
    whileBusy(form.querySelector("[type=submit]"), async () => {
      try {
        const { activation_code, label } = read(form).body;
        const challenge = await introduce("activation/begin", { activation_code });
        const credential = await makePasskey(challenge);
        await introduce("activation/passkey", { activation_code, nonce: challenge.nonce, credential, label }, { labelled: true });
        await enter();
      } catch (error) {
        showError(error);
      }
    });
  });
  open(form.querySelector("[type=submit]"));
}

function startContain() {
  const form = document.querySelector("form[data-deed='desk/contain']");
  if (!form) return;
  const hint = () => {
    const { scope, key } = form.elements;
    byId("key-hint").textContent = scope.selectedOptions[0].dataset.key;
    key.required = scope.value !== "platform";
  };
  form.elements.scope.addEventListener("change", hint);
  hint();
}

async function start() {
  const origin = document.querySelector("meta[name=rempart-origin]").content;
  if (location.origin !== origin) {
    // Signatures and passkeys belong to one origin: go there.
    location.replace(origin + location.pathname);
    return;
  }
  if (page === "/" && byId("sign-in")) startSignIn();
  if (page === "/activation") startActivation();
  if (!byId("who")) return;
  startContain();
  const seat = await act("desk/seat");
  may = new Set(seat.may);
  offer(document);
  if (page === "/referencement") startDossier(offer);
  const who = byId("who");
  who.querySelector("[data-slot=login]").textContent = seat.login;
  who.querySelector("[data-slot=role]").textContent = byId("roles").getAttribute(`data-${seat.role}`) ?? seat.role;
  who.hidden = false;
  open(...document.querySelectorAll("form [type=submit], [data-look], #add-passkey"));
  await loadAll();
  for (const section of document.querySelectorAll("[data-every]")) keepLoading(section);
}

start().catch((error) => showError(error));
