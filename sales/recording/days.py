"""The business day, as SQL: used where rows are inserted and where they are derived."""

#: ``JOIN`` of the settings of a row's source, account and location.
SETTINGS = """
LEFT JOIN accounts_source src ON src.id = {row}.source_id
LEFT JOIN accounts_account acc ON acc.id = {row}.account_id
LEFT JOIN sales_location loc ON loc.id = {place}.location_id
"""
#: The provider's own day; else the day of {time}, or of receipt where {broken} says that the
#: till's clock is. The zone is the location's, else the source's, else the account's.
DAY = """COALESCE({row}.stated_date,
  ((CASE WHEN {broken} THEN {row}.received_at
      ELSE COALESCE({time}, {row}.provider_at, {row}.received_at) END)
    AT TIME ZONE COALESCE(NULLIF(loc.timezone, ''), NULLIF(src.timezone, ''), acc.timezone)
    - make_interval(hours => COALESCE(loc.day_cutoff, 0)))::date)"""
#: A time that a person set is no broken clock.
BROKEN = "'clock' = ANY({row}.stated_anomalies)"
UNCORRECTED = BROKEN + " AND NOT {row}.base ? 'occurred_at' IS TRUE"
