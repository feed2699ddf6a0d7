"""Signatures that do not say which call they are for, each spent on one."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import ClassVar

from django.db import connection as database
from django.db import models
from django.db.models.functions import Now

# Longer than a signature is good for, before and after its time.
KEPT = timedelta(minutes=15)


class SpentSignature(models.Model):
    """A vendor's signature that does not cover which call it is for: it is good for the first one alone.

    A row is of no use once the signature's time has passed, and goes when others come.
    """

    proof = models.CharField(max_length=64, primary_key=True)
    call = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at"], name="spent_signature_oldest")]

    def __str__(self) -> str:
        return self.proof

    @classmethod
    def spend(cls, proof: str, *call: str) -> bool:
        """Spend a signature on a call; whether it was not spent on another one before."""
        known = hashlib.sha256("\0".join(call).encode("utf-8", "surrogatepass")).hexdigest()
        with database.cursor() as cursor:
            cursor.execute(
                """
                WITH old AS (
                    SELECT proof FROM campaigns_spentsignature
                    WHERE at < statement_timestamp() - %(kept)s::interval
                    ORDER BY at LIMIT 100 FOR UPDATE SKIP LOCKED
                ), gone AS (
                    DELETE FROM campaigns_spentsignature WHERE proof IN (SELECT proof FROM old)
                )
                INSERT INTO campaigns_spentsignature (proof, call, at)
                VALUES (%(proof)s, %(call)s, statement_timestamp()) ON CONFLICT (proof) DO NOTHING
                """,
                {"proof": proof, "call": known, "kept": f"{KEPT.total_seconds()} seconds"},
            )
            if cursor.rowcount:
                return True
            cursor.execute("SELECT call FROM campaigns_spentsignature WHERE proof = %s", [proof])
            row = cursor.fetchone()
        return bool(row == (known,))
