"""That an accepted tool call has a text, and no other has one, in as few words as PostgreSQL reads anew for each."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import F
from django.db.models.lookups import Exact, IsNull


class Migration(migrations.Migration):
    # Calls go on being answered while all that are there are looked at.
    atomic = False

    dependencies = [("campaigns", "0024_since")]

    operations = [
        migrations.RemoveConstraint("toolcall", "promise_has_message"),
        AddConstraintNotValid(
            "toolcall",
            models.CheckConstraint(
                condition=Exact(Exact(F("outcome"), "accepted"), IsNull(F("message"), False)),
                name="promise_has_message",
            ),
        ),
        migrations.RunSQL("SET statement_timeout = 0", "RESET statement_timeout"),
        ValidateConstraint("toolcall", "promise_has_message"),
        migrations.RunSQL("RESET statement_timeout", "SET statement_timeout = 0"),
    ]
