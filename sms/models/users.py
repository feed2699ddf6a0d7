"""Who may do what, as the history knows it: Django's users and groups."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import Group, User

from sms.tracked import tracked


@tracked(secrets={"password": "password"}, without=("last_login", "date_joined"))
class TrackedUser(User):
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "user"


@tracked(part_of="user", called="group")
class UserGroup(User.groups.through):  # type: ignore[misc, name-defined]
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "group"


@tracked(part_of="user", called="permission")
class UserPermission(User.user_permissions.through):  # type: ignore[misc, name-defined]
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "permission"


@tracked()
class TrackedGroup(Group):
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "group"


@tracked(part_of="group", called="permission")
class GroupPermission(Group.permissions.through):  # type: ignore[misc, name-defined]
    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "permission"
