-- What two people at the desk approved that a command may make known (docs/desk.md), once: by FINESS, n° AMC, label and login, never a name.
CREATE TABLE vault.enrolment (
  call text PRIMARY KEY CHECK (length(call) <= 2000),
  approved bigint NOT NULL,
  approved_by text NOT NULL,
  enrolled bigint
);
GRANT SELECT, INSERT, UPDATE (approved, approved_by, enrolled) ON vault.enrolment TO rempart_vault;
