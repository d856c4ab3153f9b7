// Uses of offline cards: stated by this device when nobody answers, told when somebody does again. docs/offline-card.md, "Uses".
import { act } from "./acts.js";
import { base64url, utf8 } from "./bytes.js";
import { deviceKey } from "./device-key.js";
import { dropUse, keepUse, keptUses } from "./offline-kept.js";

const USE = "rempart-use+jwt";
const AT_ONCE = 12;
const json = (value) => base64url(utf8(JSON.stringify(value)));

/** State that a card was used here, now, for a domain and so many cents; and keep it. */
export async function stateUse({ jws, claims }, domain, cents, at) {
  const key = await deviceKey();
  const signed = `${json({ alg: "ES256", typ: USE, kid: key.id })}.${json({ card: jws, domain, at, cents })}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, utf8(signed));
  const use = { id: `${claims.jti}.${domain}.${at}`, statement: `${signed}.${base64url(signature)}`, card: claims.jti, amc: claims.amc, domain, at, cents };
  await keepUse(use);
  return use;
}

/** Tell of all that wait; each answer is kept beside its use. The same told twice is answered the same. */
export async function tellUses() {
  const waiting = (await keptUses()).filter(({ told }) => !told);
  for (let from = 0; from < waiting.length; from += AT_ONCE) {
    const some = waiting.slice(from, from + AT_ONCE);
    const { uses } = await act("offline/report", { statements: some.map(({ statement }) => statement) });
    // Closed for now is no answer: it is told again.
    for (const [place, told] of uses.entries()) if (told.refused !== "closed") await keepUse({ ...some[place], told });
  }
}

export { dropUse, keptUses };
