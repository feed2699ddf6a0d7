"""The database as it was migrated, again, after a test whose transactions were committed.

Django empties every table and writes content types and permissions anew, half a second after each such test;
most tests have written to a few tables, and what migrations wrote, such as the roles, it takes along.

As a superuser of the database, which the tests' own is: nobody else may leave keys and triggers out.
"""

from __future__ import annotations

from django.db import connection, transaction

# In as_migrated is what the tables had when they were migrated.
_REMEMBER = """
DO $$
DECLARE each name; filled boolean;
BEGIN
    -- One that is used again may have been migrated since.
    DROP SCHEMA IF EXISTS as_migrated CASCADE;
    CREATE SCHEMA as_migrated;
    FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', each) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE as_migrated.%I AS TABLE public.%I', each, each);
        END IF;
    END LOOP;
END $$
"""
_EMPTY = """
DO $$
DECLARE each name; filled boolean; remembered boolean; numbered name;
BEGIN
    -- Whoever still writes is waited for: what they commit would be found by the next test.
    EXECUTE (SELECT format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', string_agg(
        format('public.%I', tablename), ', ' ORDER BY tablename))
        FROM pg_tables WHERE schemaname = 'public');
    -- Neither keys nor what guards histories asks about each row.
    SET LOCAL session_replication_role = replica;
    FOR each, remembered IN
        SELECT t.tablename, r.tablename IS NOT NULL
        FROM pg_tables t LEFT JOIN pg_tables r ON r.schemaname = 'as_migrated' AND r.tablename = t.tablename
        WHERE t.schemaname = 'public' AND t.tablename <> 'django_migrations'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', each) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM public.%I', each);
        END IF;
        IF remembered THEN
            EXECUTE format('INSERT INTO public.%I TABLE as_migrated.%I', each, each);
            -- A test that migrates makes tables anew, whose numbers begin anew.
            FOR numbered IN
                SELECT attname FROM pg_attribute
                WHERE attrelid = format('public.%I', each)::regclass AND attidentity <> ''
            LOOP
                EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), max(%I)) FROM public.%I',
                    format('public.%I', each), numbered, numbered, each);
            END LOOP;
        END IF;
    END LOOP;
END $$
"""


def remember() -> None:
    """Keep a copy of what migrations wrote. To be called before anything else has written."""
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER)


def empty() -> None:
    """Take away all that was written since."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EMPTY)
