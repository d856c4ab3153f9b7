// What this tab remembers of the care being invoiced, until one signs out: the engagement's receipt and the lines typed. Nobody's name, NIR
// or birth date is in it. The platform itself keeps no act lines of an invoice: this memory is what makes « Corriger et renvoyer » quick.
const DRAFT = "care-draft";
const SENT = "care-sent";
const MOST = 30;
const EMPTY = { ask: false, engagement: null, priseEnCharge: "", amends: "", corrects: "", resumes: "", number: "", careDate: "", lines: [], regime: "general" };

const stored = (key, otherwise) => JSON.parse(sessionStorage.getItem(key) ?? "null") ?? otherwise;
const store = (key, value) => sessionStorage.setItem(key, JSON.stringify(value));

/** The draft in hand. */
export const draft = () => ({ ...EMPTY, ...stored(DRAFT, {}) });

/** Begin another draft with these values. */
export const beginDraft = (values = {}) => store(DRAFT, { ...EMPTY, ...values });

/**
 * An engagement just given by a rights check; `ask`: a prise en charge comes first. The lines in hand are kept only when one came from them to
 * check the right again: anybody else's lines have nothing to do with this patient.
 */
export const keepEngagement = (engagement, ask, resume) => beginDraft(resume ? { ...draft(), engagement } : { engagement, ask });

/** Go on with an invoice or a prise en charge that was sent: with its lines where this tab still has them. */
export function resume(number, values) {
  const { ask, engagement, priseEnCharge, careDate, lines, regime } = sentUnder(number) ?? {};
  const kept = Object.entries({ ask, engagement, priseEnCharge, careDate, lines, regime }).filter(([, value]) => value !== undefined);
  beginDraft({ ...Object.fromEntries(kept), ...values });
  location.assign("/facturer");
}

/** Remember what was sent under a number, the latest first. */
export function rememberSent(number, values) {
  const others = stored(SENT, []).filter((sent) => sent.number !== number);
  store(SENT, [{ ...values, number }, ...others].slice(0, MOST));
}

/** What was sent under a number from this tab, or null. */
export const sentUnder = (number) => stored(SENT, []).find((sent) => sent.number === number) ?? null;

/** The next number after the last one sent from this tab, or "": the digits at its end, plus one. */
export function nextNumber() {
  const last = stored(SENT, []).find((sent) => !sent.ask)?.number ?? "";
  const digits = /\d+$/.exec(last)?.[0];
  return digits ? last.slice(0, -digits.length) + String(BigInt(digits) + 1n).padStart(digits.length, "0") : "";
}
