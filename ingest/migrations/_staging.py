"""The SQL of staging: partitions by id, append-only triggers, and the doors into it.

Why each of these is as it is: docs/decisions/0004-staging.md. Bound to migration 0001: a later
change is a later migration.
"""

#: A UUIDv7 that only the database makes; before PostgreSQL 18 a function of our own stands in.
IDS = """
DO $do$
BEGIN
  IF current_setting('server_version_num')::int >= 180000 THEN
    CREATE FUNCTION new_delivery_id() RETURNS uuid VOLATILE LANGUAGE sql AS 'SELECT uuidv7()';
  ELSE
    CREATE FUNCTION new_delivery_id() RETURNS uuid VOLATILE LANGUAGE sql AS $fn$
      SELECT (
        lpad(to_hex(floor(us / 1000)::bigint), 12, '0')
        || '7' || lpad(to_hex(floor((us % 1000) * 4.096)::int), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17)
      )::uuid
      FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)) AS t(us)
    $fn$;
  END IF;
END
$do$;
-- The least id of an instant: partition bounds and time filters.
CREATE FUNCTION uuid_floor(t timestamptz) RETURNS uuid IMMUTABLE LANGUAGE sql AS $fn$
  SELECT (lpad(to_hex(floor(extract(epoch FROM t) * 1000)::bigint), 12, '0')
          || repeat('0', 20))::uuid
$fn$;
"""

DELIVERY = """
CREATE TABLE ingest_delivery (
  id uuid NOT NULL DEFAULT new_delivery_id() PRIMARY KEY,
  received_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  account_id bigint NOT NULL,
  source_id bigint NOT NULL,
  origin varchar(16) NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  query bytea NOT NULL,
  content_type text NOT NULL,
  headers bytea NOT NULL,
  body bytea NOT NULL,
  sha256 bytea NOT NULL,
  redacted text NOT NULL,
  read_at timestamptz,
  date timestamptz,
  over bigint,
  cause uuid
) PARTITION BY RANGE (id);
CREATE INDEX ingest_delivery_source ON ingest_delivery (source_id, id);
CREATE INDEX ingest_delivery_content ON ingest_delivery (source_id, sha256);
"""

#: ENABLE ALWAYS: a session in replica mode is refused as well.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  RAISE EXCEPTION 'staging is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$fn$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ingest_delivery
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE ingest_delivery ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON ingest_delivery
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ingest_delivery ENABLE ALWAYS TRIGGER never_truncated;
"""

#: LIKE + ATTACH, never PARTITION OF, whose lock would queue every INSERT behind one reader. Each
#: partition has triggers of its own, because DETACH drops the cloned ones.
PARTITIONS = """
CREATE FUNCTION guard_partition(part regclass) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  EXECUTE format('CREATE TRIGGER own_append_only BEFORE UPDATE OR DELETE ON %s
                  FOR EACH ROW EXECUTE FUNCTION refuse_change()', part);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER own_append_only', part);
  EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %s
                  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER never_truncated', part);
END
$fn$;
CREATE FUNCTION ensure_delivery_partitions(ahead int) RETURNS int
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  SET timezone = 'UTC' SET lock_timeout = '500ms' AS $fn$
DECLARE
  month date;
  part text;
  made int := 0;
BEGIN
  FOR i IN 0..ahead LOOP
    month := (date_trunc('month', now()) + make_interval(months => i))::date;
    part := 'ingest_delivery_' || to_char(month, 'YYYYMM');
    CONTINUE WHEN EXISTS (
      SELECT FROM pg_inherits WHERE inhparent = 'ingest_delivery'::regclass
        AND inhrelid = to_regclass(part));
    EXECUTE format('CREATE TABLE %I (LIKE ingest_delivery INCLUDING ALL)', part);
    PERFORM guard_partition(part::regclass);
    EXECUTE format('ALTER TABLE ingest_delivery ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   part, uuid_floor(month::timestamptz),
                   uuid_floor((month + interval '1 month')::timestamptz));
    made := made + 1;
  END LOOP;
  RETURN made;
END
$fn$;
REVOKE ALL ON FUNCTION ensure_delivery_partitions(int) FROM PUBLIC;
CREATE TABLE ingest_delivery_default (LIKE ingest_delivery INCLUDING ALL);
SELECT guard_partition('ingest_delivery_default'::regclass);
ALTER TABLE ingest_delivery ATTACH PARTITION ingest_delivery_default DEFAULT;
SELECT ensure_delivery_partitions(2);
"""

INBOX = """
ALTER TABLE ingest_inbox SET (
  fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
"""

#: The application may not insert into staging; it may call this. RETURNING has to pass no policy
#: that way, and ids and receipt times cannot be named by any caller.
DOORS = """
CREATE FUNCTION stage_deliveries(
  accounts bigint[], sources bigint[], origins text[], methods text[], paths text[],
  queries bytea[], types text[], headers bytea[], bodies bytea[], digests bytea[],
  redacted text[], held bigint[]
) RETURNS TABLE (delivery_id uuid, digest bytea)
  LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
  WITH d AS (
    INSERT INTO ingest_delivery (account_id, source_id, origin, method, path, query,
                                 content_type, headers, body, sha256, redacted)
    SELECT * FROM unnest(accounts, sources, origins, methods, paths, queries, types, headers,
                         bodies, digests, redacted)
    RETURNING id, account_id, source_id, sha256
  ), i AS (
    INSERT INTO ingest_inbox (delivery_id, account_id, source_id, due_at)
    SELECT id, account_id, source_id,
           CASE WHEN source_id = ANY (held) THEN 'infinity' ELSE now() END
    FROM d
  )
  SELECT id, sha256 FROM d
$fn$;
REVOKE ALL ON FUNCTION stage_deliveries(bigint[], bigint[], text[], text[], text[], bytea[],
  text[], bytea[], bytea[], bytea[], text[], bigint[]) FROM PUBLIC;

-- What the receiver may know of a source, for one token it was shown.
CREATE FUNCTION resolve_endpoint(token_digest bytea) RETURNS TABLE (
  source_id bigint, account_id bigint, provider text, state text, public_url text,
  settings jsonb, token_encrypted bytea, secret_kinds text[], secret_values bytea[],
  secret_from timestamptz[], secret_until timestamptz[]
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
  SELECT s.id, s.account_id, s.provider, s.state, s.public_url, s.settings, e.token_encrypted,
         array_agg(k.kind::text ORDER BY k.id) FILTER (WHERE k.id IS NOT NULL),
         array_agg(k.value_encrypted ORDER BY k.id) FILTER (WHERE k.id IS NOT NULL),
         array_agg(k.valid_from ORDER BY k.id) FILTER (WHERE k.id IS NOT NULL),
         array_agg(k.valid_until ORDER BY k.id) FILTER (WHERE k.id IS NOT NULL)
  FROM ingest_sourceendpoint e
  JOIN accounts_source s ON s.id = e.source_id
  LEFT JOIN ingest_sourcesecret k ON k.source_id = s.id
    AND (k.valid_until IS NULL OR k.valid_until > now())
  WHERE e.token_hash = token_digest AND (e.valid_until IS NULL OR e.valid_until > now())
  GROUP BY s.id, e.id
$fn$;
REVOKE ALL ON FUNCTION resolve_endpoint(bytea) FROM PUBLIC;
"""
