"""People may be forgotten: what was said of the steps of their texts is erased by one door, sms/erasing.py."""

import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


REFUSE = """
CREATE OR REPLACE FUNCTION sms_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('midcall.erasing', true) = 'on' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE ON sms_forgotten
FOR EACH ROW EXECUTE FUNCTION sms_refuse_change();
"""
REFUSE_ALWAYS = """
DROP TRIGGER append_only ON sms_forgotten;
CREATE OR REPLACE FUNCTION sms_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('sms', '0017_refused_credentials'),
    ]

    operations = [
        migrations.CreateModel(
            name='Forgotten',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(db_index=True, max_length=32)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('by', models.CharField(max_length=150)),
                ('because', models.CharField(max_length=300, verbose_name='reason')),
                ('erased', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name': 'forgotten person',
                'verbose_name_plural': 'forgotten people',
                'ordering': ['-at'],
                'default_permissions': ('add', 'view'),
            },
        ),
        migrations.AlterModelOptions(
            name='userprofile',
            options={'permissions': [('administer', 'Can look after what belongs to others'), ('waive_consent', 'Can have texts sent without asking the caller first')], 'verbose_name': 'user profile'},
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='smstemplate',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='smstemplate',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='smstemplate',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='message',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='erased_because',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AddField(
            model_name='smstemplate',
            name='transactional_because',
            field=models.CharField(blank=True, db_default='', default='', help_text='Whoever answers a complaint reads it: “The caller orders this text by calling the parcel line”.', max_length=300, verbose_name='why none is needed'),
        ),
        migrations.AddField(
            model_name='smstemplateevent',
            name='transactional_because',
            field=models.CharField(blank=True, db_default='', default='', help_text='Whoever answers a complaint reads it: “The caller orders this text by calling the parcel line”.', max_length=300, verbose_name='why none is needed'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='smstemplate',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "sms_smstemplateevent" ("body", "description", "id", "is_active", "is_shared", "language", "max_segments", "name", "on_doubt", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "send_within_seconds", "sender", "transactional", "transactional_because", "wait_seconds") VALUES (NEW."body", NEW."description", NEW."id", NEW."is_active", NEW."is_shared", NEW."language", NEW."max_segments", NEW."name", NEW."on_doubt", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'insert\', NEW."id", NEW."provider", NEW."send_within_seconds", NEW."sender", NEW."transactional", NEW."transactional_because", NEW."wait_seconds"); RETURN NULL;', hash='58edcfe9f42a617cbeca5c0d7400457cb5b2bc5a', operation='INSERT', pgid='pgtrigger_insert_insert_e3006', table='sms_smstemplate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='smstemplate',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."body" IS DISTINCT FROM (NEW."body") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_shared" IS DISTINCT FROM (NEW."is_shared") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."max_segments" IS DISTINCT FROM (NEW."max_segments") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."on_doubt" IS DISTINCT FROM (NEW."on_doubt") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."provider" IS DISTINCT FROM (NEW."provider") OR OLD."send_within_seconds" IS DISTINCT FROM (NEW."send_within_seconds") OR OLD."sender" IS DISTINCT FROM (NEW."sender") OR OLD."transactional" IS DISTINCT FROM (NEW."transactional") OR OLD."transactional_because" IS DISTINCT FROM (NEW."transactional_because") OR OLD."wait_seconds" IS DISTINCT FROM (NEW."wait_seconds"))', func='INSERT INTO "sms_smstemplateevent" ("body", "description", "id", "is_active", "is_shared", "language", "max_segments", "name", "on_doubt", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "send_within_seconds", "sender", "transactional", "transactional_because", "wait_seconds") VALUES (NEW."body", NEW."description", NEW."id", NEW."is_active", NEW."is_shared", NEW."language", NEW."max_segments", NEW."name", NEW."on_doubt", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'update\', NEW."id", NEW."provider", NEW."send_within_seconds", NEW."sender", NEW."transactional", NEW."transactional_because", NEW."wait_seconds"); RETURN NULL;', hash='12b90be799e167b4bec482d819c65138d87bccb6', operation='UPDATE', pgid='pgtrigger_update_update_84331', table='sms_smstemplate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='smstemplate',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "sms_smstemplateevent" ("body", "description", "id", "is_active", "is_shared", "language", "max_segments", "name", "on_doubt", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "send_within_seconds", "sender", "transactional", "transactional_because", "wait_seconds") VALUES (OLD."body", OLD."description", OLD."id", OLD."is_active", OLD."is_shared", OLD."language", OLD."max_segments", OLD."name", OLD."on_doubt", OLD."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'delete\', OLD."id", OLD."provider", OLD."send_within_seconds", OLD."sender", OLD."transactional", OLD."transactional_because", OLD."wait_seconds"); RETURN NULL;', hash='a64df4b815865cc6a99ea8894795de831b42a66f', operation='DELETE', pgid='pgtrigger_delete_delete_5cf79', table='sms_smstemplate', when='AFTER')),
        ),
        migrations.RunSQL(
            "UPDATE sms_smstemplate SET transactional_because = 'Decided before reasons were asked for.' WHERE transactional",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(REFUSE, REFUSE_ALWAYS),
    ]
