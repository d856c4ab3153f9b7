// What is on a card, in the forms people type it. A check returns the clean value, or "" when it is not one.

const CORSICA = { "2A": "19", "2B": "18" };

function amc(text) {
  const value = text.replaceAll(" ", "").toUpperCase();
  return /^[0-9A-Z]{8,10}$/.test(value) ? value : "";
}

function adherent(text) {
  const value = text.trim();
  return value.length <= 20 ? value : "";
}

function nir(text) {
  const value = text.replace(/[\s.-]/g, "").toUpperCase();
  if (!/^[1-8][0-9]{4}([0-9]{2}|2A|2B)[0-9]{8}$/.test(value)) return "";
  const department = value.slice(5, 7);
  const number = BigInt(value.slice(0, 5) + (CORSICA[department] ?? department) + value.slice(7, 13));
  return 97n - (number % 97n) === BigInt(value.slice(13)) ? value : "";
}

/** 17/05/1980, 17051980, 17.5.1980 or 1980-05-17 → 1980-05-17. */
export function isoDate(text) {
  const value = text.trim();
  const parts =
    /^(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})$/.exec(value) ?? /^(\d{2})(\d{2})(\d{4})$/.exec(value);
  const iso = parts ? `${parts[3]}-${parts[2].padStart(2, "0")}-${parts[1].padStart(2, "0")}` : value;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(iso)) return "";
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(iso) ? iso : "";
}

const rank = (text) => (/^[1-9]$/.test(text.trim()) ? text.trim() : "");

/** The secret of a card of ours: 128 bits in base32, one writing only. */
const secret = (text) => (/^[A-Z2-7]{25}[AEIMQUY4]$/.test(text) ? text : "");

export const CHECKS = { amc, adherent, nir, secret, date: isoDate, rank };

/** 1980-05-17 → 17/05/1980, as it is read in both languages here. */
export const shownDate = (iso) => iso.split("-").reverse().join("/");

/** Today in Paris, ISO. */
export const today = () => new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Paris" }).format(new Date());
