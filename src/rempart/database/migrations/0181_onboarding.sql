-- Applications that two people approved (docs/onboarding.md): what is then enrolled is what they approved, by its digest. No name, no address:
-- those are in the clerk's file, and in schema identity once it is enrolled.
CREATE TABLE vault.application (
  digest bytea PRIMARY KEY CHECK (length(digest) = 32),
  finess text NOT NULL,
  profession text NOT NULL,
  login text NOT NULL,
  approved bigint NOT NULL,
  approved_by text NOT NULL,
  enrolled bigint,
  -- What both looked at: a doubt that came up since is looked at by two people too.
  doubts text[] NOT NULL DEFAULT '{}'
);
GRANT SELECT, INSERT, UPDATE (approved, approved_by, enrolled, doubts) ON vault.application TO rempart_vault;
