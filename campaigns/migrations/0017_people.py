"""Consents that are kept as they were given and withdrawn by each opt-out, how long a campaign keeps what it
texted, and who may have a person forgotten.

Groups of the roles' names get what they lack.
"""

import datetime

import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models
from django.utils.timezone import make_aware


def beginning():
    """Before all calls."""
    return make_aware(datetime.datetime(2000, 1, 1))


# One may be withdrawn once; within sms.erasing.erasing() it may be erased.
KEEP = """
CREATE FUNCTION campaigns_keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('midcall.erasing', true) = 'on' THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
       AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by}'::text[]
         = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rows of campaigns_consent are never changed, only withdrawn';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON campaigns_consent
FOR EACH ROW EXECUTE FUNCTION campaigns_keep_consent();
"""
CHANGEABLE = "DROP TRIGGER append_only ON campaigns_consent; DROP FUNCTION campaigns_keep_consent();"
# An opt-out is entered by many doors, a carrier's webhook and an import among them.
WITHDRAW = """
CREATE FUNCTION campaigns_withdraw_consents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns_consent SET withdrawn_at = statement_timestamp(), withdrawn_by = NEW.source
    WHERE recipient = NEW.recipient AND withdrawn_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER withdraw_consents AFTER INSERT ON sms_optout
FOR EACH ROW EXECUTE FUNCTION campaigns_withdraw_consents();
"""
STANDING = "DROP TRIGGER withdraw_consents ON sms_optout; DROP FUNCTION campaigns_withdraw_consents();"

VIEWER = [("sms.forgotten", "view")]
ADMIN = [*VIEWER, ("sms.forgotten", "add"), ("sms.userprofile", "waive_consent")]
GRANTED = {"Viewer": VIEWER, "Ops": VIEWER, "Admin": ADMIN}
WORDS = {
    "view": "Can view forgotten person",
    "add": "Can add forgotten person",
    "waive_consent": "Can have texts sent without asking the caller first",
}


def grant(apps, schema_editor=None):
    for name, granted in GRANTED.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*[_permission(apps, model, verb) for model, verb in granted])


def _permission(apps, model, verb):
    """The permission, made if there is none yet: Django makes them only after the last migration."""
    app, name = model.split(".")
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=name)
    codename = verb if verb == "waive_consent" else f"{verb}_{name}"
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename=codename, defaults={"name": WORDS[verb]}
    )
    return found


class Migration(migrations.Migration):

    dependencies = [
        ('builder', '0009_people'),
        ('campaigns', '0016_connect_page'),
        ('sms', '0018_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='Purged',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('tool calls', 'Tool calls, with their texts'), ('calls', 'Calls'), ('consents', 'Consents')], max_length=10)),
                ('up_to', models.DateTimeField(default=beginning)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='campaign',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='campaign',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='campaign',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='call',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='keep_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='After so many days what was texted, to whom, and what the agent wrote is erased. How many texts there were and what became of them stays; what callers agreed to is kept for its own time.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(32000)], verbose_name='days to keep texts and numbers'),
        ),
        migrations.AddField(
            model_name='campaignevent',
            name='keep_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='After so many days what was texted, to whom, and what the agent wrote is erased. How many texts there were and what became of them stays; what callers agreed to is kept for its own time.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(32000)], verbose_name='days to keep texts and numbers'),
        ),
        migrations.AddField(
            model_name='consent',
            name='caller_name',
            field=models.CharField(blank=True, db_default='', default='', max_length=100, verbose_name='name'),
        ),
        migrations.AddField(
            model_name='consent',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='consent',
            name='withdrawn_by',
            field=models.CharField(blank=True, choices=[('keyword', 'The person texted STOP'), ('carrier', 'The carrier said so (21610)'), ('call', 'Said in a call'), ('person', 'Entered by hand')], db_default='', default='', max_length=8),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaign',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "campaigns_campaignevent" ("country", "has_quiet_hours", "id", "instructions", "is_active", "keep_days", "language", "minutes_before_repeat", "name", "other_countries", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quiet_from", "quiet_until", "segments_per_day", "texts_per_call", "texts_per_country", "texts_per_day", "texts_per_number", "texts_per_sender", "texts_per_tool") VALUES (NEW."country", NEW."has_quiet_hours", NEW."id", NEW."instructions", NEW."is_active", NEW."keep_days", NEW."language", NEW."minutes_before_repeat", NEW."name", NEW."other_countries", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'insert\', NEW."id", NEW."quiet_from", NEW."quiet_until", NEW."segments_per_day", NEW."texts_per_call", NEW."texts_per_country", NEW."texts_per_day", NEW."texts_per_number", NEW."texts_per_sender", NEW."texts_per_tool"); RETURN NULL;', hash='3ad04a8026bd89df4ea76cf053579b5e3119ddf2', operation='INSERT', pgid='pgtrigger_insert_insert_5522d', table='campaigns_campaign', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaign',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."has_quiet_hours" IS DISTINCT FROM (NEW."has_quiet_hours") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."instructions" IS DISTINCT FROM (NEW."instructions") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."keep_days" IS DISTINCT FROM (NEW."keep_days") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."minutes_before_repeat" IS DISTINCT FROM (NEW."minutes_before_repeat") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."other_countries" IS DISTINCT FROM (NEW."other_countries") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."quiet_from" IS DISTINCT FROM (NEW."quiet_from") OR OLD."quiet_until" IS DISTINCT FROM (NEW."quiet_until") OR OLD."segments_per_day" IS DISTINCT FROM (NEW."segments_per_day") OR OLD."texts_per_call" IS DISTINCT FROM (NEW."texts_per_call") OR OLD."texts_per_country" IS DISTINCT FROM (NEW."texts_per_country") OR OLD."texts_per_day" IS DISTINCT FROM (NEW."texts_per_day") OR OLD."texts_per_number" IS DISTINCT FROM (NEW."texts_per_number") OR OLD."texts_per_sender" IS DISTINCT FROM (NEW."texts_per_sender") OR OLD."texts_per_tool" IS DISTINCT FROM (NEW."texts_per_tool"))', func='INSERT INTO "campaigns_campaignevent" ("country", "has_quiet_hours", "id", "instructions", "is_active", "keep_days", "language", "minutes_before_repeat", "name", "other_countries", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quiet_from", "quiet_until", "segments_per_day", "texts_per_call", "texts_per_country", "texts_per_day", "texts_per_number", "texts_per_sender", "texts_per_tool") VALUES (NEW."country", NEW."has_quiet_hours", NEW."id", NEW."instructions", NEW."is_active", NEW."keep_days", NEW."language", NEW."minutes_before_repeat", NEW."name", NEW."other_countries", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'update\', NEW."id", NEW."quiet_from", NEW."quiet_until", NEW."segments_per_day", NEW."texts_per_call", NEW."texts_per_country", NEW."texts_per_day", NEW."texts_per_number", NEW."texts_per_sender", NEW."texts_per_tool"); RETURN NULL;', hash='cb8c7f2e799e45e1914126b417d4a40521e30e8b', operation='UPDATE', pgid='pgtrigger_update_update_f2afa', table='campaigns_campaign', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaign',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "campaigns_campaignevent" ("country", "has_quiet_hours", "id", "instructions", "is_active", "keep_days", "language", "minutes_before_repeat", "name", "other_countries", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quiet_from", "quiet_until", "segments_per_day", "texts_per_call", "texts_per_country", "texts_per_day", "texts_per_number", "texts_per_sender", "texts_per_tool") VALUES (OLD."country", OLD."has_quiet_hours", OLD."id", OLD."instructions", OLD."is_active", OLD."keep_days", OLD."language", OLD."minutes_before_repeat", OLD."name", OLD."other_countries", OLD."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'delete\', OLD."id", OLD."quiet_from", OLD."quiet_until", OLD."segments_per_day", OLD."texts_per_call", OLD."texts_per_country", OLD."texts_per_day", OLD."texts_per_number", OLD."texts_per_sender", OLD."texts_per_tool"); RETURN NULL;', hash='91757b0d6f6bc653e2e72a709b34b481b258523c', operation='DELETE', pgid='pgtrigger_delete_delete_4123f', table='campaigns_campaign', when='AFTER')),
        ),
        migrations.AddField(
            model_name='purged',
            name='campaign',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign'),
        ),
        migrations.AddConstraint(
            model_name='purged',
            constraint=models.UniqueConstraint(fields=('campaign', 'kind'), name='purged_once', nulls_distinct=False),
        ),
        migrations.RunSQL(KEEP, CHANGEABLE),
        migrations.RunSQL(WITHDRAW, STANDING),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
