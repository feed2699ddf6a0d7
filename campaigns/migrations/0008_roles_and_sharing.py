"""The roles as groups; what others use today is shared; and a deactivated user is noticed.

Groups of these names that exist keep what they may do, and get what they lack.
"""

import re

from django.db import migrations

CONFIGURED = ["builder.topic", "sms.smstemplate", "builder.smsaction", "campaigns.campaign"]
HAPPENED = ["sms.message", "sms.optout", "sms.sender", "campaigns.call", "campaigns.consent"]

VIEWER = [(model, "view") for model in [*CONFIGURED, *HAPPENED]]
OPS = [
    *VIEWER,
    *[(model, verb) for model in CONFIGURED for verb in ("add", "change", "delete")],
    # Canceling, lifting, and entering one's own credentials.
    ("sms.message", "change"),
    ("sms.optout", "add"),
    ("sms.optout", "change"),
    ("sms.userprofile", "change"),
]
ADMIN = [
    *OPS,
    ("sms.sender", "change"),
    ("sms.userprofile", "view"),
    *[("auth.user", verb) for verb in ("view", "add", "change", "delete")],
    ("sms.userprofile", "administer"),
]
ROLES = {"Viewer": VIEWER, "Ops": OPS, "Admin": ADMIN}

# As builder.prompt had it.
REFERENCE = re.compile(r"\{\{\s*(?:(?:twilio_)?sms:)?([A-Za-z0-9_-]{1,64})\s*\}\}")


def permission(apps, model, verb):
    """The permission, made if there is none yet: Django makes them only after the last migration."""
    app, name = model.split(".")
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=name)
    if verb == "administer":
        codename, words = verb, "Can look after what belongs to others"
    else:
        codename, words = f"{verb}_{name}", f"Can {verb} {apps.get_model(app, name)._meta.verbose_name_raw}"
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename=codename, defaults={"name": words}
    )
    return found


def make_roles(apps, schema_editor=None):
    for name, granted in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*[permission(apps, model, verb) for model, verb in granted])


def keep_credentials_in_reach(apps, schema_editor):
    """Whoever writes what is sent may go on entering what it is sent with."""
    writing = [permission(apps, model, verb) for model in CONFIGURED[1:3] for verb in ("add", "change")]
    enter = permission(apps, "sms.userprofile", "change")
    for group in apps.get_model("auth", "Group").objects.filter(permissions__in=writing).distinct():
        group.permissions.add(enter)
    for user in apps.get_model("auth", "User").objects.filter(user_permissions__in=writing).distinct():
        user.user_permissions.add(enter)


def share_what_others_use(apps, schema_editor):
    template_model, action_model = apps.get_model("sms", "SmsTemplate"), apps.get_model("builder", "SmsAction")
    owners = {name: (pk, owner) for pk, name, owner in template_model.objects.values_list("pk", "name", "owner")}
    templates = {
        action.template_id
        for action in action_model.objects.exclude(template=None).select_related("template")
        if action.template.owner_id != action.owner_id
    }
    actions = set()
    for campaign in apps.get_model("campaigns", "Campaign").objects.prefetch_related("topics", "attachments__action"):
        for topic in campaign.topics.all():
            found = [owners[name] for name in REFERENCE.findall(topic.actions) if name in owners]
            templates |= {pk for pk, owner in found if owner != campaign.owner_id}
        actions |= {
            attachment.action_id
            for attachment in campaign.attachments.all()
            if attachment.action.owner_id != campaign.owner_id
        }
    template_model.objects.filter(pk__in=templates).update(is_shared=True)
    action_model.objects.filter(pk__in=actions).update(is_shared=True)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sms", "0011_sharing_and_administering"),
        ("builder", "0005_sharing"),
        ("campaigns", "0007_no_locks_on_configuration"),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
        migrations.RunPython(keep_credentials_in_reach, migrations.RunPython.noop),
        migrations.RunPython(share_what_others_use, migrations.RunPython.noop),
        # What a deactivated user's tools answer is compiled, too. A log-in writes another column.
        migrations.RunSQL(
            "CREATE TRIGGER revise AFTER UPDATE OF is_active ON auth_user "
            "FOR EACH STATEMENT EXECUTE FUNCTION campaigns_revise()",
            "DROP TRIGGER revise ON auth_user",
        ),
    ]
