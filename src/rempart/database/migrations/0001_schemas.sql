-- One schema a subject. The owner owns everything and logs in nowhere; a process reaches a schema by USAGE and a table by its own grants,
-- which each migration writes beside the table. Nothing is PUBLIC.

ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA vault;
CREATE SCHEMA evidence;
CREATE SCHEMA identity;
CREATE SCHEMA intake;
CREATE SCHEMA claims;
CREATE SCHEMA jobs;
-- The sealer makes one table an insurer and generation here (capsule.i12_g7), and drops it later; the vault reads them.
CREATE SCHEMA capsule AUTHORIZATION rempart_sealer;

GRANT USAGE ON SCHEMA vault, evidence TO rempart_vault;
GRANT USAGE ON SCHEMA vault, intake TO rempart_sealer;
GRANT USAGE ON SCHEMA identity TO rempart_door;
GRANT USAGE ON SCHEMA evidence, jobs TO rempart_worker;
GRANT USAGE ON SCHEMA identity, evidence, intake TO rempart_operator;

SET LOCAL ROLE rempart_sealer;
GRANT USAGE ON SCHEMA capsule TO rempart_vault;
ALTER DEFAULT PRIVILEGES IN SCHEMA capsule GRANT SELECT ON TABLES TO rempart_vault;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE rempart_owner;
