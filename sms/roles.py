"""The roles that users have, and who looks after what belongs to others."""

from __future__ import annotations

from typing import Any

from django.db.models import TextChoices

# Of sms.models.UserProfile; the role Admin has it, and superusers have every permission.
ADMINISTER = "sms.administer"
# Deciding that a text needs no consent, and erasing what is known of a person: the role Admin may.
WAIVE_CONSENT = "sms.waive_consent"
FORGET = "sms.add_forgotten"


class Role(TextChoices):
    """Groups by these names, made by a migration: what a user may do is chosen among them."""

    VIEWER = "Viewer", "Viewer: sees configuration and messages, changes nothing"
    OPS = "Ops", "Ops: writes templates, actions, topics and campaigns; changes only their own texts"
    ADMIN = "Admin", "Admin: all of that for everybody, and users; sees nobody's credentials"


def role_of(user: Any) -> str:
    """The role that counts for a user, the highest if they were given several; "" if none."""
    held = {group.name for group in user.groups.all()}
    return next((role.value for role in reversed(Role) if role in held), "")


def rank(user: Any) -> str:
    """What a user is, as people say it: their role, or “Superuser”; "" if neither."""
    return "Superuser" if user.is_superuser else role_of(user)


def is_admin(user: Any) -> bool:
    """Whether somebody looks after what belongs to others: an Admin or a superuser, unless deactivated."""
    return bool(user.has_perm(ADMINISTER))


def may_manage(user: Any, other: Any) -> bool:
    """Whether somebody may decide on another user: an Admin on all but superusers, whom superusers manage."""
    return bool(user.is_superuser) or (is_admin(user) and not other.is_superuser)
