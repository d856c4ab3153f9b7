// The two texts of a card (docs/files/cards.md, docs/portal.md): what the DataMatrix of a card of ours says, and the form people may write.
import { CHECKS } from "./card-fields.js";

const FORM = "REMPART1";
const SCANNED = "REMPART2";
const FIELDS = {
  amc: ["amc", CHECKS.amc],
  adherent: ["adherent", CHECKS.adherent],
  naissance: ["birth", CHECKS.date],
  rang: ["rank", CHECKS.rank],
};
const REQUIRED = ["amc", "adherent", "naissance"];
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Does the text begin as a scan of a card of ours does? */
export const looksScanned = (text) => text.trimStart().toUpperCase().startsWith(SCANNED);

/** ISO 7064 MOD 37,36: the last character answers for all of them. */
function checks(text) {
  let check = 18;
  for (const letter of text) check = ((((check || 36) * 2) % 37) + ALPHABET.indexOf(letter)) % 36;
  return check === 1;
}

function readScanned(text) {
  const [, amc, secret, birth, rank, check, ...more] = text.trim().toUpperCase().split(/\s+/);
  const fields = { lane: "secret", amc: CHECKS.amc(amc ?? ""), secret: CHECKS.secret(secret ?? ""), birth: "", rank: CHECKS.rank(rank ?? "") };
  if (/^\d{8}$/.test(birth ?? "")) fields.birth = CHECKS.date(`${birth.slice(0, 4)}-${birth.slice(4, 6)}-${birth.slice(6)}`);
  // A card that was not read whole is said to be so; which part was wrong helps nobody who scanned it.
  if (more.length || !/^[0-9A-Z]$/.test(check ?? "") || Object.values(fields).includes("")) return { problem: "scan" };
  return checks(`${amc}${secret}${birth}${rank}${check}`) ? { fields } : { problem: "scan" };
}

/** Read a text; returns {fields} or {problem: "form"} or {problem: "scan"} or {problem: "field", field}. */
export function readCardText(text) {
  if (looksScanned(text)) return readScanned(text);
  const [form, ...pairs] = text.split(/[;\r\n]+/).map((part) => part.trim()).filter(Boolean);
  if (form !== FORM) return { problem: "form" };
  const fields = { lane: "card", rank: "1" };
  const seen = new Set();
  for (const pair of pairs) {
    const cut = pair.indexOf("=");
    const key = pair.slice(0, cut).trim().toLowerCase();
    const known = cut > 0 && Object.hasOwn(FIELDS, key) && FIELDS[key];
    // Only a key of ours is repeated: whatever else was scanned stays where it was.
    if (!known) return { problem: "field", field: "?" };
    const value = known[1](pair.slice(cut + 1));
    if (!value || seen.has(key)) return { problem: "field", field: key };
    seen.add(key);
    fields[known[0]] = value;
  }
  const missing = REQUIRED.find((key) => !seen.has(key));
  return missing ? { problem: "field", field: missing } : { fields };
}
