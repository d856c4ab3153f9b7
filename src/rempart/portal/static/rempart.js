// The portal's script. Everything a signed-in person does is a signed POST: forms and buttons marked with data-act become one.
//   data-act     the act's path under /acts/        data-body    its JSON body (forms: their fields)
//   data-load    a section filled by that act       data-into    where the reply's fragment goes
//   data-confirm a question asked first             data-then    what follows: see FOLLOWS
import { act, leave } from "./acts.js";
import { askConfirm } from "./dialogs.js";
import { startActivation, startSignIn } from "./entry.js";
import { showMessages } from "./messages.js";
import { clearError, complete, phrases, read, reveal, say, showError, swap, whileBusy } from "./page.js";
import { makePasskey } from "./passkey.js";

// A page's own module: start() as soon as it is there, ready(who) once it is known who speaks.
const SCRIPTS = {
  "/verifier": "./check.js",
  "/facturer": "./billing.js",
  "/prises-en-charge": "./prises-en-charge.js",
  "/factures": "./invoices.js",
  "/paiements": "./payments.js",
  "/reglement": "./rib.js",
  "/logiciel": "./software.js",
  "/incidents": "./incidents.js",
  "/assureur/prises-en-charge": "./insurer.js",
  "/assureur/flux": "./insurer.js",
  "/assureur/incidents": "./insurer.js",
  "/assureur/consultations": "./insurer.js",
};
const byId = (id) => document.getElementById(id);
const page = document.body.dataset.page;
let login = "";

// Nobody removes themselves.
function hideOwnRemoval(section) {
  for (const button of section.querySelectorAll("[data-act='members/remove']")) button.hidden = button.dataset.login === login;
}

async function load(section) {
  section.setAttribute("aria-busy", "true");
  try {
    swap(section, await act(section.dataset.load, JSON.parse(section.dataset.body ?? "{}"), { html: true }));
    hideOwnRemoval(section);
  } catch (error) {
    section.removeAttribute("aria-busy");
    showError(error);
  }
}

const FOLLOWS = {
  leave: () => leave("sign-out"),
  focus: (source, into) => reveal(into),
  "reload-security": async () => {
    byId("once")?.replaceChildren();
    await load(byId("security"));
    say(phrases.done);
    byId("main").focus({ preventScroll: true });
  },
  "totp-confirm": (source, into) => {
    into.append(byId("totp-confirm").content.cloneNode(true));
    reveal(into);
  },
  "reload-to-do": async () => {
    byId("once").replaceChildren();
    await load(byId("to-do"));
    say(phrases.done);
    byId("to-do").focus({ preventScroll: true });
  },
  "reload-softwares": async () => {
    await load(byId("softwares"));
    say(phrases.done);
    byId("main").focus({ preventScroll: true });
  },
  joined: () => {
    sessionStorage.removeItem("who");
    location.reload();
    return new Promise(() => {});
  },
  invited: async (source, into) => {
    await load(byId("members"));
    reveal(into);
  },
  removed: async (source) => {
    const { login: removed, role, name } = source.dataset;
    const template = byId("undo-removal").content.cloneNode(true);
    template.querySelector("[data-slot=text]").textContent = `${byId("members-words").dataset.removed} ${removed}`;
    for (const [field, value] of Object.entries({ login: removed, role, "display-name": name })) template.querySelector(`[name="${field}"]`).value = value;
    await load(byId("members"));
    byId("code-once").replaceChildren(template);
    reveal(byId("code-once"));
  },
};

async function perform(source) {
  const { act: path, into, then, confirm, append } = source.dataset;
  const { body, headers } = source.tagName === "FORM" ? read(source) : { body: JSON.parse(source.dataset.body ?? "{}"), headers: {} };
  if (confirm && !(await askConfirm(confirm))) return;
  clearError();
  // Whoever signs out leaves nothing in this tab, even if the server cannot be told.
  if (path === "sign-out") sessionStorage.clear();
  const html = Boolean(into || append);
  const reply = await act(path, body, { html, headers });
  if (append) {
    appendRows(byId(append), reply, source);
    return;
  }
  const target = into && byId(into);
  if (target && typeof reply === "string") {
    swap(target, reply);
    hideOwnRemoval(target);
  }
  if (source.tagName === "FORM") source.reset();
  await FOLLOWS[then]?.(source, target);
}

function appendRows(section, html, button) {
  const holder = document.createElement("div");
  swap(holder, html);
  const rows = [...holder.querySelectorAll("[data-more] > *")];
  section.querySelector("[data-more]").append(...rows);
  const next = holder.querySelector("[data-append]");
  if (next) button.replaceWith(next);
  else button.remove();
}

async function copy(button) {
  const { copy: slot, copyFrom } = button.dataset;
  const source = copyFrom ? byId(copyFrom) : button.closest("article").querySelector(`[data-slot=${slot}]`);
  const text = source.tagName === "OL" ? [...source.children].map((item) => item.textContent).join("\n") : source.value ?? source.textContent;
  await navigator.clipboard.writeText(text);
  say(phrases.copied);
  const before = button.textContent;
  button.textContent = phrases.copied;
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
}

async function addPasskey() {
  const challenge = await act("passkey/begin");
  const credential = await makePasskey(challenge);
  await act("passkey/add", { nonce: challenge.nonce, credential, label: "" });
  await FOLLOWS["reload-security"]();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.act) return;
  event.preventDefault();
  if (complete(form)) whileBusy(form.querySelector("[type=submit]"), () => perform(form).catch((error) => showError(error)));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const run = (work) => whileBusy(button, () => Promise.resolve(work()).catch((error) => showError(error)));
  if (button.dataset.act) run(() => perform(button));
  else if (button.id === "add-passkey") run(addPasskey);
  else if (button.dataset.copy || button.dataset.copyFrom) run(() => copy(button));
  else if ("print" in button.dataset) window.print();
  else if ("onceDone" in button.dataset && page === "/securite") FOLLOWS["reload-security"]();
});

// ── who speaks ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function whoSpeaks() {
  const known = JSON.parse(sessionStorage.getItem("who") ?? "null");
  if (known) return known;
  const [members, security] = [await act("members", { establishment: "" }), await act("security")];
  const who = { login: security.login, role: members.role, profession: members.profession, establishment: members.establishment,
    establishments: members.establishments, places: members.places };
  sessionStorage.setItem("who", JSON.stringify(who));
  return who;
}

const placeName = (who, id) => {
  const place = who.places.find((candidate) => candidate.id === id);
  return place ? `${place.name}, ${place.town}` : "";
};

function showWho(who) {
  const box = byId("who");
  const here = who.places.find(({ id }) => id === who.establishment);
  box.querySelector("[data-slot=place]").textContent = here?.name ?? "";
  box.querySelector("[data-slot=login]").textContent = [here?.town, who.login].filter(Boolean).join(" – ");
  const party = who.profession === "insurer" ? "insurer" : "care";
  for (const item of document.querySelectorAll("[data-roles], [data-party]")) {
    const { roles = who.role, party: whose = party } = item.dataset;
    item.hidden = !roles.split(" ").includes(who.role) || whose !== party;
  }
  const choice = byId("place-choice");
  if (who.establishments.length > 1 && who.role !== "administrator") {
    choice.replaceChildren(...who.establishments.map((id) => new Option(placeName(who, id) || id, id, false, id === who.establishment)));
    choice.hidden = false;
    box.querySelector("[data-slot=place]").hidden = true;
    choice.addEventListener("change", () => act("establishment/choose", { establishment: choice.value }).then(() => {
      // Nothing of one establishment is left for the next: an engagement is given to one of them.
      sessionStorage.clear();
      location.reload();
    }).catch((error) => showError(error)));
  }
  box.hidden = false;
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
  if (page.startsWith("/referencement")) await (await import("./application.js")).startApplication();
  if (page === "/hors-ligne") await (await import("./offline.js")).startOffline();
  // Whoever has something to do first is answered nothing else, not even who they are.
  if (page === "/a-faire") load(byId("to-do"));
  if (!byId("who")) return;
  const own = SCRIPTS[page] && (await import(SCRIPTS[page]));
  own?.start?.();
  const who = await whoSpeaks();
  login = who.login;
  showWho(who);
  const rooms = [...document.querySelectorAll(".rooms li")];
  if (rooms.some((room) => room.hidden && room.querySelector("[aria-current]"))) {
    // A page that is not for this role, e.g. an administrator of a group checks no right: to the first that is.
    location.replace(rooms.find((room) => !room.hidden).firstElementChild.href);
    return;
  }
  showMessages(byId("messages"));
  Promise.resolve(own?.ready?.(who)).catch((error) => showError(error));
  for (const section of document.querySelectorAll("[data-load]")) load(section);
}

start().catch((error) => showError(error));
