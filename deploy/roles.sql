-- The two roles and the database, on a PostgreSQL of your own (15 or later). Safe to repeat.
-- Две роли и база на своём PostgreSQL. Можно повторять.
--
--   GJANGO_OWNER_PASSWORD=… GJANGO_APP_PASSWORD=… psql -U postgres -f deploy/roles.sql
--
-- gjango_owner owns the tables and migrates (DATABASE_OWNER_URL); gjango_app is what the processes
-- work as (DATABASE_URL): it owns nothing, so that grants and row-level security bind it.
\set ON_ERROR_STOP on
\getenv owner_password GJANGO_OWNER_PASSWORD
\getenv app_password GJANGO_APP_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['gjango_owner', 'gjango_app']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE gjango_owner PASSWORD :'owner_password';
ALTER ROLE gjango_app PASSWORD :'app_password';

-- A locale with letters: in plain C upper('хлеб') stays 'хлеб' (check gjango.E001).
SELECT 'CREATE DATABASE gjango OWNER gjango_owner ENCODING ''UTF8'' LOCALE ''C.UTF-8'''
       ' TEMPLATE template0'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'gjango') \gexec

-- Limits belong to the role, never to the connection: a pooler would refuse or forget them.
ALTER ROLE gjango_app SET statement_timeout = '30s';
ALTER ROLE gjango_app SET lock_timeout = '5s';
ALTER ROLE gjango_app SET idle_in_transaction_session_timeout = '60s';
SELECT 'ALTER ROLE gjango_app SET transaction_timeout = ''15min'''
 WHERE current_setting('server_version_num')::int >= 170000 \gexec
