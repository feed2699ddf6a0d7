"""That an accepted tool call has a text, and no other has one, in as few words as PostgreSQL reads anew for each."""

from django.db import migrations, models
from django.db.models import F
from django.db.models.lookups import Exact, IsNull

# Those that are there are not looked at: they meet the one as they met the other. Whoever has the table for long
# makes this fail, and not all calls wait for it.
CHANGED = """
SET LOCAL lock_timeout = '2s';
ALTER TABLE campaigns_toolcall DROP CONSTRAINT promise_has_message, ADD CONSTRAINT promise_has_message
    CHECK ({}) NOT VALID
"""
BRIEF = "(outcome = 'accepted') = (message_id IS NOT NULL)"
BEFORE = (
    "(message_id IS NOT NULL AND outcome = 'accepted') "
    "OR (message_id IS NULL AND outcome IN ('refused', 'done'))"
)


class Migration(migrations.Migration):

    dependencies = [("campaigns", "0024_since")]

    operations = [
        migrations.RunSQL(
            CHANGED.format(BRIEF),
            CHANGED.format(BEFORE),
            state_operations=[
                migrations.RemoveConstraint("toolcall", "promise_has_message"),
                migrations.AddConstraint(
                    "toolcall",
                    models.CheckConstraint(
                        condition=Exact(Exact(F("outcome"), "accepted"), IsNull(F("message"), False)),
                        name="promise_has_message",
                    ),
                ),
            ],
        )
    ]
