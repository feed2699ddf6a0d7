"""The one door by which what is never changed is erased all the same, and whatever else mentions a number.

Steps of texts, consents and histories refuse each UPDATE by triggers of the database. Within erasing() these
let it pass, in that transaction alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pgtrigger
import phonenumbers
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import connection, models, transaction

from sms.fields import SecretField
from sms.models import Message, State
from sms.suppression import digest
from sms.tracked import TRACKED

# A worker needs what they say: they are sent, or looked up at the carrier.
OPEN = (State.QUEUED, State.HELD, State.SUBMITTING, State.UNCONFIRMED)
# What stands where a number was mentioned, and on pages where one was; shorter than nearly any number.
ERASED = "(erased)"
# Whole tables are read: longer than a statement of a request usually may take.
SWEEP_SECONDS = 300
# With fewer digits and no country's code in front it could be anything.
LEAST_NATIONAL_DIGITS = 7
# What people write between the digits of a number.
_SEPARATORS = " ().-/\u00a0"
_BETWEEN = r"[ ().\-/\u00A0]{0,3}"


@contextmanager
def erasing() -> Iterator[None]:
    """A transaction in which rows that are never changed may be, to erase what they say of a person."""
    with transaction.atomic():
        _set_door("on", f"{{{','.join(_append_only())}}}")
        yield
        # What fails is rolled back, and this with it.
        _set_door("off", "{}")


def _set_door(state: str, ignored: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('midcall.erasing', %s, true), set_config('pgtrigger.ignore', %s, true)",
            [state, ignored],
        )


def _append_only() -> list[str]:
    """The triggers by which histories refuse to be changed."""
    return [
        trigger.get_pgid(model) for model, trigger in pgtrigger.registered() if trigger.name == "append_only"
    ]


def sweep(number: str) -> list[models.Model]:
    """Erase each mention of a number (E.164), in whichever table; the configuration in which it stands.

    That is the business's own, and is left for people to change; while it stands there, its history keeps it,
    too. A column that is nothing but the number gets its digest, so that what is the same stays so; where no
    two rows may have the same, each gets what no other has.
    """
    looked_for = _looked_for(number)
    mentioned = [thing for model in TRACKED for thing in _mentioning(model, looked_for)]
    kept = {type(thing) for thing in mentioned}
    kept_events = {tracked.events for model, tracked in TRACKED.items() if model in kept}
    with erasing(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SWEEP_SECONDS}s"])
        for model in apps.get_models():
            own = (
                model._meta.proxy
                or not model._meta.managed
                or model in TRACKED
                or issubclass(model, AbstractBaseSession)
            )
            if not own and model not in kept_events:
                for column, kind, length in _columns(model):
                    quoted = connection.ops.quote_name(column)
                    instead = _UNLIKE if column in _unique(model) else _ALIKE
                    cursor.execute(
                        _SWEEP.format(
                            rows=_NOT_OPEN if model is Message else "true",
                            table=connection.ops.quote_name(model._meta.db_table),
                            column=quoted,
                            mentions=_mentions(quoted),
                            kind=kind,
                            instead=instead.format(column=quoted),
                        ),
                        {
                            "number": number,
                            "digest": digest(number)[:length],
                            "length": length,
                            **looked_for,
                            "erased": ERASED,
                        },
                    )
    return mentioned


_SWEEP = """
UPDATE {table} SET {column} = ({instead})::{kind} WHERE {rows} AND {mentions}
"""
_ERASED = "regexp_replace({column}::text, %(pattern)s, %(erased)s, 'g')"
_ALIKE = f"""CASE
    WHEN {{column}}::text = %(number)s THEN %(digest)s ELSE left({_ERASED}, %(length)s)
END"""
# Two ids that differed in how they wrote the number may not become one; nor may a number's, twice forgotten.
_UNLIKE = f"left({_ERASED}, greatest(0, %(length)s - 9)) || ' ' || left(gen_random_uuid()::text, 8)"
# What a worker hands over, or looks for in the carrier's list, stays as it was promised.
_NOT_OPEN = "state NOT IN ('{}')".format("', '".join(OPEN))


def _looked_for(number: str) -> dict[str, str]:
    """What _mentions() takes."""
    digits = phonenumbers.national_significant_number(phonenumbers.parse(number))
    return {"pattern": mention(number), "separators": _SEPARATORS, "digits": f"%{digits}%"}


def _mentions(column: str) -> str:
    """The condition, in SQL, that a column mentions a number. The digits first: they are found many times as
    fast as the pattern is, and hardly a row has them."""
    return f"translate({column}::text, %(separators)s, '') LIKE %(digits)s AND {column}::text ~ %(pattern)s"


def _mentioning(model: type[models.Model], looked_for: dict[str, str]) -> list[models.Model]:
    """The rows of a model that mention a number."""
    columns = [connection.ops.quote_name(column) for column, _, _ in _columns(model)]
    if not columns:
        return []
    found = " OR ".join(f"({_mentions(column)})" for column in columns)
    with connection.cursor() as cursor:
        quote, pk = connection.ops.quote_name, model._meta.pk
        assert pk.column
        table, key = quote(model._meta.db_table), quote(pk.column)
        cursor.execute(f"SELECT {key} FROM {table} WHERE {found}", looked_for)
        return list(model._default_manager.filter(pk__in=[pk for (pk,) in cursor.fetchall()]))


def _columns(model: type[models.Model]) -> Iterator[tuple[str, str, int]]:
    """What of a model can hold words: the column, its type in the database, and how long it may be."""
    for field in model._meta.local_concrete_fields:
        if isinstance(field, SecretField) or field.is_relation or field.choices:
            continue
        if isinstance(field, models.CharField | models.TextField | models.JSONField | ArrayField):
            kind = field.db_type(connection)
            assert kind and field.column
            yield field.column, kind, getattr(field, "max_length", None) or 1_000_000


def _unique(model: type[models.Model]) -> set[str]:
    """The columns by which, alone or with others, no two rows are the same."""
    together = {name for each in model._meta.total_unique_constraints for name in each.fields}
    return {
        field.column
        for field in model._meta.local_concrete_fields
        if field.column and (field.unique or field.name in together)
    }


def mention(number: str) -> str:
    """A regular expression of PostgreSQL's that finds a number (E.164) however people write it."""
    parsed = phonenumbers.parse(number)
    code = _spaced(str(parsed.country_code))
    national = phonenumbers.national_significant_number(parsed)
    trunk = rf"\(?0\)?{_BETWEEN}"
    lead = rf"(?:(?:\+|00{_BETWEEN})?{code}{_BETWEEN}(?:{trunk})?|{trunk})"
    optional = "?" if len(national) >= LEAST_NATIONAL_DIGITS else ""
    return rf"(?<![0-9])\(?{lead}{optional}\(?{_spaced(national)}(?![0-9])"


def _spaced(digits: str) -> str:
    return _BETWEEN.join(digits)
