-- A campaign over every professional starts within seconds, and holds accounts for less (docs/performance.md). No role may delete an account
-- or a campaign, so that the checks found nothing and took most of the time: 200,000 rows one by one, three times. The other index on accounts
-- serves as well.
ALTER TABLE vault.demand DROP CONSTRAINT demand_campaign_fkey, DROP CONSTRAINT demand_account_fkey;
ALTER TABLE vault.notice DROP CONSTRAINT notice_account_fkey;
DROP INDEX vault.demand_open;
-- `due_until` is in no index: where a page has room, its rows change in place.
ALTER TABLE vault.account SET (fillfactor = 50);
