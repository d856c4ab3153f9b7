// Rempart's own text form of a card (docs/portal.md): REMPART1, then key=value pairs between semicolons or on lines of their own.
import { CHECKS } from "./card-fields.js";

const FORM = "REMPART1";
const FIELDS = {
  amc: ["amc", CHECKS.amc],
  adherent: ["adherent", CHECKS.adherent],
  naissance: ["birth", CHECKS.date],
  rang: ["rank", CHECKS.rank],
};
const REQUIRED = ["amc", "adherent", "naissance"];

/** Read a text; returns {fields} or {problem: "form"} or {problem: "field", field}. */
export function readCardText(text) {
  const [form, ...pairs] = text.split(/[;\r\n]+/).map((part) => part.trim()).filter(Boolean);
  if (form !== FORM) return { problem: "form" };
  const fields = { rank: "1" };
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
