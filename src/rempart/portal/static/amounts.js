// Amounts as people type and read them; whole cents in between.

/** 12,34 or 12.34 or 1 234,5 → cents; null when it is no amount. */
export function cents(text) {
  const value = text.replace(/[\s\u00a0\u202f€]/g, "").replace(",", ".");
  const parts = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(value);
  return parts ? Number(parts[1]) * 100 + Number((parts[2] ?? "").padEnd(2, "0")) : null;
}

/** 1234 → 12,34, as one types it. */
export const typedAmount = (value) => `${Math.floor(value / 100)},${String(value % 100).padStart(2, "0")}`;
