// The queue before signing in: the page waits by itself, asks rarely, and says where it stands. The ticket is kept in this tab alone.
import { deviceKey } from "./device-key.js";
import { say } from "./page.js";

const LOOK = "/attente";
// A one-time code that was typed before a long wait is another one by now.
const STALE_MS = 20_000;
let ticket = "";

/** Whoever typed a code must type the one that is shown now: the turn has come, and is kept for them. */
export class TurnHasCome extends Error {
  constructor(sentence) {
    super("turn");
    this.sentence = sentence;
  }
}

const panel = () => document.getElementById("waiting");

function minutes(seconds) {
  const { seconds: few, minute, minutes: many } = panel().dataset;
  if (seconds < 50) return few.replace("{n}", String(Math.max(5, Math.ceil(seconds / 5) * 5)));
  const whole = Math.round(seconds / 60);
  return whole <= 1 ? minute : many.replace("{n}", String(whole));
}

function show(response) {
  const ahead = Number(response.headers.get("Rempart-Ahead"));
  const { first, place } = panel().dataset;
  const words = place.replace("{place}", ahead <= 1 ? first : `${ahead}${panel().dataset.nth}`)
    .replace("{wait}", minutes(Number(response.headers.get("Rempart-Seconds"))));
  const slot = panel().querySelector("[data-slot=place]");
  if (slot.textContent !== words) slot.textContent = words;
  panel().hidden = false;
}

const sleep = (response) => new Promise((resolve) => {
  const seconds = Math.max(1, Number(response.headers.get("Retry-After")) || 1);
  // Spread, so that those who came together do not ask together.
  setTimeout(resolve, (seconds + Math.random()) * 1000);
});

async function untilTurn(first) {
  const key = await deviceKey();
  let response = first;
  for (;;) {
    ticket = response.headers.get("Rempart-Ticket") ?? ticket;
    show(response);
    if (response.headers.get("Rempart-Ahead") === "0") return true;
    await sleep(response);
    const next = await fetch(LOOK, { headers: { "Rempart-Ticket": ticket, "Rempart-Device": key.id }, cache: "no-store", referrerPolicy: "no-referrer" })
      .catch(() => null);
    if (next?.ok) response = next;
    // The platform was started again: its tickets are void, a new one is drawn.
    else if (next?.status === 404) return false;
  }
}

/** Send, and where the answer is "not yet", wait for the turn and send again. */
export async function inTurn(send) {
  const began = Date.now();
  for (;;) {
    const response = await send(ticket ? { "Rempart-Ticket": ticket } : {});
    if (response.headers.get("Rempart-Code") !== "queue" || !panel()) {
      if (panel() && !panel().hidden) panel().hidden = true;
      return response;
    }
    if (!(await untilTurn(response))) ticket = "";
    const code = document.querySelector("form:has([aria-busy=true]) input[autocomplete=one-time-code]");
    if (code?.value && Date.now() - began > STALE_MS) {
      panel().hidden = true;
      code.value = "";
      code.focus();
      say(panel().dataset.again);
      throw new TurnHasCome(panel().dataset.again);
    }
  }
}
