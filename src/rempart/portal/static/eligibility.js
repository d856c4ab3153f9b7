// A rights check in FHIR R4, through the very door that practice software uses: docs/fhir.md.
import { leave, RefusedError } from "./acts.js";
import { today } from "./card-fields.js";
import { postSigned } from "./signed-request.js";

const DOOR = "/fhir/CoverageEligibilityRequest/$submit";
const AMC = "urn:rempart:amc";
const NIR = "urn:oid:1.2.250.1.213.1.4.8";
const DOMAIN = "urn:rempart:domain";

function request(card) {
  const insurer = { identifier: { system: AMC, value: card.amc } };
  const patient = { resourceType: "Patient", id: "p", birthDate: card.birth, multipleBirthInteger: Number(card.rank) };
  const coverage = { resourceType: "Coverage", id: "c", status: "active", beneficiary: { reference: "#p" }, payor: [insurer] };
  if (card.lane === "vitale") patient.identifier = [{ system: NIR, value: card.nir }];
  else coverage.subscriberId = card.adherent;
  return {
    resourceType: "CoverageEligibilityRequest",
    status: "active",
    purpose: ["validation", "benefits"],
    contained: [patient, coverage],
    patient: { reference: "#p" },
    servicedDate: card.serviced,
    created: today(),
    insurer,
    insurance: [{ focal: true, coverage: { reference: "#c" } }],
    item: [{ category: { coding: [{ system: DOMAIN, code: card.domain }] } }],
  };
}

function refusal(outcome) {
  const issue = outcome.issue?.[0] ?? {};
  const code = issue.details?.coding?.[0]?.code ?? "internal";
  return new RefusedError(code, { sentence: issue.details?.text ?? "", detail: issue.diagnostics ?? "" });
}

const extension = (element, name) => element.extension?.find(({ url }) => url.split(/[/:]/).at(-1) === name);

function contract(item) {
  return {
    product: item.name ?? "",
    formula: item.description ?? "",
    open: !item.excluded,
    priseEnCharge: item.authorizationRequired === true,
    reason: extension(item, "reason")?.valueCode ?? "",
    responsible: extension(item, "responsible")?.valueBoolean === true,
    from: extension(item, "period")?.valuePeriod?.start ?? "",
    to: extension(item, "period")?.valuePeriod?.end ?? "",
  };
}

function answer(response) {
  const insurance = response.insurance?.[0] ?? {};
  return {
    found: insurance.inforce !== undefined,
    open: insurance.inforce === true,
    contracts: (insurance.item ?? []).map(contract),
    engagement: response.preAuthRef ?? "",
    receipt: extension(response, "receipt")?.valueString ?? "",
    cost: extension(response, "cost")?.valueInteger ?? null,
  };
}

/** Ask whether a right is open. Raises RefusedError. */
export async function checkRight(card) {
  const response = await postSigned(DOOR, request(card), { Accept: "application/fhir+json" });
  const resource = await response.json().catch(() => ({}));
  if (response.ok) return answer(resource);
  const refused = refusal(resource);
  if (["session", "device", "signature", "stale"].includes(refused.code)) return leave(refused.code);
  throw refused;
}
