"""The pages of users and groups: who may log in, and in which role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from builder.changes import ShowsChanges
from sms.models import UserProfile
from sms.pages import Page, label
from sms.roles import Role, is_admin, may_manage, rank, role_of

NO_ROLE = "None: cannot log in"


class _ChoosesRole(forms.ModelForm):  # type: ignore[type-arg]
    """A form that puts a user into one of the groups that are roles."""

    # Who asks; the page sets it.
    user: ClassVar[Any]

    role = forms.ChoiceField(
        choices=[("", NO_ROLE), *Role.choices], required=False, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["role"] = role_of(self.instance)
        if self.instance.is_superuser and "role" in self.fields:
            fields: Any = self.fields
            fields["role"].choices = [("", "None: a superuser may do everything"), *Role.choices]
        if "is_active" in self.fields:
            self.fields["is_active"].help_text = (
                "Switched off, they cannot log in, and nothing is sent for them: not from their account, and "
                "not what they own. All of it stays, and can be handed over."
            )
        if "groups" in self.fields:
            groups: Any = self.fields["groups"]
            groups.queryset = Group.objects.exclude(name__in=Role.values)
            groups.help_text = "Groups of your own making, beside the role."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        is_self = self.instance.pk is not None and self.instance.pk == self.user.pk
        if is_self and "is_active" in self.fields and not cleaned.get("is_active"):
            self.add_error("is_active", "You cannot deactivate yourself: somebody else has to do that.")
        return cleaned

    def take_role(self, user: Any) -> None:
        """Put a stored user into the role that was chosen, and out of the others."""
        if "role" not in self.fields:
            return
        role = self.cleaned_data.get("role", "")
        user.groups.remove(*Group.objects.filter(name__in=Role.values).exclude(name=role))
        user.groups.add(*Group.objects.filter(name=role))


class ChangeForm(_ChoosesRole, UserChangeForm):  # type: ignore[misc]
    """A user who is there."""


class CreationForm(_ChoosesRole, UserCreationForm):  # type: ignore[misc]
    """A new user."""


if TYPE_CHECKING:
    _UserPage = DjangoUserAdmin[User]
    _GroupPage = DjangoGroupAdmin
else:
    # unfold's form pages with Django's handling of passwords.
    class _UserPage(DjangoUserAdmin, Page):
        pass

    class _GroupPage(DjangoGroupAdmin, Page):
        pass


class UserAdmin(ShowsChanges, _UserPage):
    """Who may log in. Admins manage users and give roles; only superusers touch superusers, and permissions
    beyond the roles."""

    form = ChangeForm
    add_form = CreationForm
    change_password_form = AdminPasswordChangeForm
    list_display: Any = ("username", "full_name", "email", "role", "standing", "profile")
    list_filter = ("is_active", "groups", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("May do", {"fields": ("role", "is_active")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    beyond = (
        "Beyond the role (only superusers see this)",
        {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")},
    )
    add_fieldsets: Any = (
        (None, {"fields": ("username", "usable_password", "password1", "password2", "role")}),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.display(description="Name")
    def full_name(self, obj: User) -> str:
        return obj.get_full_name() or "–"

    @admin.display(description="Role")
    def role(self, obj: User) -> str:
        return rank(obj) or "–"

    @admin.display(description="State")
    def standing(self, obj: User) -> SafeString:
        return label("active", "good") if obj.is_active else label("deactivated", "warn")

    @admin.display(description="SMS profile")
    def profile(self, obj: User) -> SafeString | str:
        profile = getattr(obj, "sms_profile", None)
        if profile is None:
            return "–"
        url = reverse("admin:sms_userprofile_change", args=[profile.pk])
        return format_html('<a class="mc-link" href="{}">Providers and credentials</a>', url)

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if is_admin(request.user) else self.list_display[:-1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.select_related("sms_profile").prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, self.beyond] if obj and request.user.is_superuser else fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.readonly_fields
        # A field of the form alone is not there to be read.
        return (*self.readonly_fields, "role")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # The class is made anew for each request, so that it may carry whose request it is.
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.user = request.user
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if form.cleaned_data.get("role"):
            obj.is_staff = True
        elif "role" in form.changed_data and "is_staff" not in form.fields:
            obj.is_staff = False
        super().save_model(request, obj, form, change)
        # So that an Admin decides on providers before they first log in.
        UserProfile.objects.get_or_create(user=obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.take_role(form.instance)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and is_admin(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _manages(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj) and _manages(request, obj)
        return may and obj != request.user


class GroupAdmin(_GroupPage):
    """What several users may do, beside the roles; only superusers decide it."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name",) if obj and obj.name in Role.values else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser) and (obj is None or obj.name not in Role.values)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        roles = [group for group in objs if group.name in Role.values]
        protected += [f"The group “{group}” is a role: it stays." for group in roles]
        return deleted, counts, lacking, protected


def _manages(request: HttpRequest, user: Any) -> bool:
    return is_admin(request.user) if user is None else may_manage(request.user, user)


admin.site.unregister(Group)
admin.site.unregister(get_user_model())
admin.site.register(Group, GroupAdmin)
