-- A change of bank account that waits does not take effect while its house is suspended, or held so that none may be asked (docs/runbooks/contain.md).
GRANT SELECT (id, profession, suspended_until) ON vault.establishment TO rempart_worker;
GRANT SELECT (key) ON vault.switch TO rempart_worker;
