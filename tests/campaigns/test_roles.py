"""The roles: groups that a migration made, and who may give them."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from sms.models import UserProfile
from sms.roles import is_admin
from tests import factories

# What one does with each kind of thing under /admin/, by role: of whatever is registered there, something
# must stand here, and a migration must have granted it. On one's own texts and profile, see test_matrix.py.
NOTHING: dict[str, str] = {"Viewer": "", "Ops": "", "Admin": ""}
CONFIGURED = {"Viewer": "view", "Ops": "view add change delete", "Admin": "view add change delete"}
HAPPENED = {"Viewer": "view", "Ops": "view", "Admin": "view"}
EXPECTED = {
    "builder.topic": CONFIGURED,
    "sms.smstemplate": CONFIGURED,
    "builder.smsaction": CONFIGURED,
    "campaigns.campaign": CONFIGURED,
    "campaigns.call": HAPPENED,
    "campaigns.consent": HAPPENED,
    "sms.message": {**HAPPENED, "Ops": "view change", "Admin": "view change"},
    "sms.optout": {**HAPPENED, "Ops": "view add change", "Admin": "view add change"},
    "sms.forgotten": {**HAPPENED, "Admin": "view add"},
    "sms.sender": {**HAPPENED, "Admin": "view change"},
    # Pausing is asked of who may change the thing, and of Admins.
    "sms.pause": HAPPENED,
    "campaigns.alarm": {**NOTHING, "Admin": "view change"},
    "sms.userprofile": {"Viewer": "", "Ops": "change", "Admin": "view change"},
    "auth.user": {**NOTHING, "Admin": "view add change delete"},
    "auth.group": NOTHING,
}


@pytest.fixture
def ann(db):
    return factories.UserFactory(username="ann", role="Admin")


@pytest.fixture
def bob(db):
    return factories.UserFactory(username="bob", role="Ops")


@pytest.fixture
def root(db):
    return factories.UserFactory(username="root", is_staff=True, is_superuser=True)


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def data(user, **changes):
    return {"username": user.username, "is_active": "on", "role": "Ops", **changes}


class TestTheGroups:
    @pytest.mark.parametrize("role", ["Viewer", "Ops", "Admin"])
    def test_may_what_is_expected_of_everything_under_admin(self, bob, role):
        granted = set(
            Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
        )
        expected = {
            (model.partition(".")[0], f"{verb}_{model.partition('.')[2]}")
            for model, by_role in EXPECTED.items()
            for verb in by_role[role].split()
        }

        assert {model._meta.label_lower for model in admin.site._registry} == EXPECTED.keys()
        of_admins = {("sms", "administer"), ("sms", "waive_consent")}
        assert granted - of_admins == expected
        assert granted & of_admins == (of_admins if role == "Admin" else set())

    def test_made_twice_are_made_once_and_keep_what_they_were_given_beside(self, bob):
        more = import_module("campaigns.migrations.0008_roles_and_sharing").permission(
            apps, "auth.group", "view"
        )
        Group.objects.get(name="Ops").permissions.add(more)

        import_module("campaigns.migrations.0008_roles_and_sharing").make_roles(apps)

        assert Group.objects.filter(name="Ops").count() == 1
        assert more in Group.objects.get(name="Ops").permissions.all()

    def test_who_could_enter_credentials_before_still_can(self, db):
        module = import_module("campaigns.migrations.0008_roles_and_sharing")
        writer, reader = (factories.UserFactory(is_staff=True) for _ in range(2))
        writer.user_permissions.add(module.permission(apps, "sms.smstemplate", "change"))
        reader.user_permissions.add(module.permission(apps, "sms.smstemplate", "view"))

        module.keep_credentials_in_reach(apps, None)

        assert User.objects.get(pk=writer.pk).has_perm("sms.change_userprofile")
        assert not User.objects.get(pk=reader.pk).has_perm("sms.change_userprofile")

    def test_stay(self, root):
        group = factories.UserFactory(role="Viewer").groups.get()
        url = reverse("admin:auth_group_delete", args=[group.pk])

        assert logged_in(root).post(url, {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
        logged_in(root).post(reverse("admin:auth_group_changelist"), data)

        assert Group.objects.filter(name="Viewer").exists()


class TestAnAdmin:
    def test_gives_a_role_to_somebody_new_who_can_then_log_in(self, ann):
        data = {"username": "carol", "usable_password": "true", "role": "Viewer"}
        data |= {"password1": "a long new passphrase", "password2": "a long new passphrase"}

        assert logged_in(ann).post(reverse("admin:auth_user_add"), data).status_code == 302

        carol = User.objects.get(username="carol")
        assert (
            carol.is_staff and carol.has_perm("sms.view_message") and not carol.has_perm("sms.change_message")
        )
        profile = reverse("admin:sms_userprofile_change", args=[carol.sms_profile.pk])
        assert profile in logged_in(ann).get(reverse("admin:auth_user_changelist")).text

    def test_changes_a_role(self, ann, bob):
        other = Group.objects.create(name="Night shift")
        bob.groups.add(other)

        logged_in(ann).post(page(bob), data(bob, role="Viewer"))

        assert {group.name for group in bob.groups.all()} == {"Viewer", "Night shift"}

    def test_takes_it_away(self, ann, bob):
        logged_in(ann).post(page(bob), data(bob, role=""))

        bob.refresh_from_db()
        assert not bob.is_staff and not bob.groups.exists()

    def test_gives_no_more_than_a_role(self, ann, bob):
        for user in (ann, bob):
            more = {"is_superuser": "on", "user_permissions": ["1", "2"], "groups": ["1"]}
            logged_in(ann).post(page(user), data(user, role="Admin", **more))
            user.refresh_from_db()
            assert not user.is_superuser and not user.user_permissions.exists()
            assert [group.name for group in user.groups.all()] == ["Admin"]

    def test_does_not_touch_a_superuser(self, ann, root):
        client = logged_in(ann)
        password = {"password1": "a long new passphrase", "password2": "a long new passphrase"}

        assert client.post(page(root), data(root)).status_code == 403
        for name in ("password_change", "delete"):
            url = reverse(f"admin:auth_user_{name}", args=[root.pk])
            assert client.post(url, {**password, "post": "yes"}).status_code == 403
        profile = reverse("admin:sms_userprofile_change", args=[root.sms_profile.pk])
        assert client.get(profile).status_code == 302
        assert client.post(profile, {"twilio_from": "+13125550177"}).status_code == 302
        selected = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
        client.post(reverse("admin:auth_user_changelist"), selected)

        root.refresh_from_db()
        assert root.is_superuser and root.sms_profile.twilio_from == "+13125550142"

    def test_does_not_deactivate_themself(self, ann):
        response = logged_in(ann).post(page(ann), data(ann, role="Admin", is_active=""))

        assert "You cannot deactivate yourself" in response.text
        assert User.objects.get(pk=ann.pk).is_active

    def test_enables_providers_and_sees_no_secret(self, ann, bob):
        url = reverse("admin:sms_userprofile_change", args=[bob.sms_profile.pk])
        client = logged_in(ann)

        assert factories.AUTH_TOKEN not in client.get(url).text
        sent = {"twilio_account_sid": factories.ACCOUNT_SID, "twilio_enabled": "on"}
        assert client.post(url, sent).status_code == 302

        assert not UserProfile.objects.get(user=bob).atlas_enabled

    def test_is_none_once_deactivated(self, ann):
        ann.is_active = False

        assert not is_admin(ann)


class TestOthers:
    def test_users_are_nothing_to_ops(self, bob):
        client = logged_in(bob)

        for url in (reverse("admin:auth_user_changelist"), reverse("admin:auth_user_add"), page(bob)):
            assert client.get(url).status_code == 403
            assert client.post(url, data(bob, role="Admin")).status_code == 403
        assert [group.name for group in bob.groups.all()] == ["Ops"]

    def test_the_right_to_change_users_is_not_enough_to_become_an_admin(self, bob):
        # Their password would open what they may.
        module = import_module("campaigns.migrations.0008_roles_and_sharing")
        for verb in ("view", "change"):
            bob.user_permissions.add(module.permission(apps, "auth.user", verb))

        assert logged_in(bob).post(page(bob), data(bob, role="Admin")).status_code == 403
        assert logged_in(bob).get(page(bob)).status_code == 200
        assert not is_admin(User.objects.get(pk=bob.pk))

    def test_a_superuser_gives_what_goes_beyond(self, root, bob):
        other = Group.objects.create(name="Night shift")

        logged_in(root).post(page(bob), data(bob, is_staff="on", groups=[other.pk]))

        assert {group.name for group in bob.groups.all()} == {"Ops", "Night shift"}

    def test_who_stored_no_credentials_is_not_offered_to_verify_them(self, bob):
        me = reverse("admin:sms_userprofile_me")
        assert "Verify again" in logged_in(bob).get(me, follow=True).text

        UserProfile.objects.update(twilio_account_sid="", twilio_auth_token=None)

        assert "Verify again" not in logged_in(bob).get(me, follow=True).text

    def test_a_viewer_enters_no_credentials(self, db):
        viewer = factories.UserFactory(role="Viewer")
        url = reverse("admin:sms_userprofile_change", args=[viewer.sms_profile.pk])

        shown = logged_in(viewer).get(url)
        assert shown.status_code == 200
        assert "Verify again" not in shown.text and "Secondary" not in shown.text
        assert logged_in(viewer).post(url, {"twilio_from": "+13125550177"}).status_code == 403
