"""The forms for campaigns, Manage Tools and connections. Each refuses two tools of one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import time
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from unfold.widgets import UnfoldAdminTextInputWidget

from builder.forms import SmsActionForm as BareSmsActionForm
from builder.forms import TopicForm as BareTopicForm
from builder.models import SmsAction, Topic
from builder.widgets import PickList
from campaigns import tools
from campaigns.models import Campaign, Connection, ToolAttachment, ToolChange
from sms import countries
from sms.models import SmsTemplate

Runtime = Connection.Runtime
# The runtimes as somebody looks for theirs.
GROUPS: list[tuple[str, list[str]]] = [
    (
        "A platform for voice agents",
        [
            Runtime.VAPI, Runtime.RETELL, Runtime.ELEVENLABS, Runtime.BLAND, Runtime.TELNYX, Runtime.JAMBONZ,
        ],
    ),
    ("An agent that you run", [Runtime.LIVEKIT, Runtime.PIPECAT, Runtime.CONVERSATION_RELAY]),
    (
        "A model's API",
        [
            Runtime.OPENAI, Runtime.OPENAI_RESPONSES, Runtime.OPENAI_REALTIME, Runtime.ANTHROPIC,
            Runtime.GEMINI,
        ],
    ),
    ("Anything else", [Runtime.MCP, Runtime.HTTP]),
]  # fmt: skip


def _topic_hint(topic: Topic) -> str:
    sends = ", ".join(topic.references)
    off = "" if topic.is_active else "Switched off. "
    return off + (f"Sends {sends}" if sends else "Sends nothing")


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    topics = forms.ModelMultipleChoiceField(
        queryset=Topic.objects.all(),
        required=False,
        widget=PickList(
            "topics", _topic_hint, "There is no topic yet: add one under Build > Managed Topics."
        ),
        help_text="The SMS templates that these topics refer to become tools of the campaign.",
    )

    other_countries = forms.MultipleChoiceField(
        choices=countries.NAMES,
        required=False,
        widget=PickList("countries", countries.calling_code, ""),
        help_text=Campaign._meta.get_field("other_countries").help_text,
    )

    class Meta:
        model = Campaign
        exclude: ClassVar = ["owner", "actions"]  # noqa: DJ006 (the page's fieldsets name the fields)

    class Media:
        css: ClassVar = {"all": ("campaigns/campaign.css",)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        if "instructions" in fields:
            fields["instructions"].widget.attrs["rows"] = 7
        if "other_countries" in fields:
            chosen = self["other_countries"].value() or []
            # What is chosen stands first, or nobody would find it among so many.
            fields["other_countries"].choices = sorted(
                countries.NAMES.items(), key=lambda each: each[0] not in chosen
            )
        for name in {"quiet_from", "quiet_until"} & fields.keys():
            fields[name].widget.format = "%H:%M"
            # Where there are no quiet hours the page does not ask for them.
            fields[name].required = False
        if "keep_days" in fields:
            usual = settings.RETENTION_DAYS
            said = f"{usual} days" if usual else "for good"
            fields["keep_days"].widget.attrs["placeholder"] = f"Left empty: {said}, as the operator set it"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "topics" in cleaned and (refusals := self._refusals(cleaned["topics"])):
            self.add_error("topics", refusals)
        elif self.instance.pk and "topics" in cleaned:
            clash = clash_after([self.instance], lambda: self.instance.topics.set(cleaned["topics"]))
            if clash:
                self.add_error("topics", clash)
        return cleaned

    def clean_quiet_from(self) -> time:
        begins: time | None = self.cleaned_data["quiet_from"]
        return self.instance.quiet_from if begins is None else begins

    def clean_quiet_until(self) -> time:
        ends: time | None = self.cleaned_data["quiet_until"]
        return self.instance.quiet_until if ends is None else ends

    # Who asks; the page sets it.
    user: ClassVar[Any]

    def _refusals(self, selected: Iterable[Topic]) -> list[str]:
        """Why topics that are new in the campaign may not bring their templates with them."""
        stored = set(self.instance.topics.values_list("pk", flat=True)) if self.instance.pk else set()
        brings = {name: topic for topic in selected if topic.pk not in stored for name in topic.references}
        owner = self.instance.owner if self.instance.owner_id else self.user
        templates = SmsTemplate.objects.filter(name__in=brings).select_related("owner")
        return [
            f"The topic “{brings[template.name]}” brings a template with it: {refusal}"
            for template in templates
            if (refusal := template.refusal(self.user, owner))
        ]


class _KeepsToolsApart(forms.ModelForm):  # type: ignore[type-arg]
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and self.instance.pk and self.changed_data:
            campaigns = Campaign.objects.filter(
                Q(topics=self.instance) if isinstance(self.instance, Topic) else Q(actions=self.instance)
            )
            clash = clash_after(campaigns, self.instance.save)
            if clash:
                self.add_error(None, clash)


class KeepsTemplateApart(forms.ModelForm):  # type: ignore[type-arg]
    """A template whose name is a tool's in the campaigns that it is sent in, also once it is renamed."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.instance.pk or not {"name", "is_active"} & set(self.changed_data):
            return
        old = self.initial.get("name", self.instance.name)
        topics = Topic.by_reference().get(old, [])
        campaigns = Campaign.objects.filter(topics__in=topics).distinct()

        def rename() -> None:
            self.instance.save()
            Topic.rename_reference(old, self.instance.name)

        clash = clash_after(campaigns, rename)
        if clash:
            self.add_error("name", clash)


class TopicForm(_KeepsToolsApart, BareTopicForm):
    """A topic whose references may become tools of the campaigns that it stands in."""


class SmsActionForm(_KeepsToolsApart, BareSmsActionForm):
    """An action whose name is a tool's in the campaigns that it is attached to."""


class ManageToolsForm(forms.Form):
    """Which SMS actions a campaign has attached.

    `shown` are those that were when the page was made, so that nobody undoes unawares what others did since.
    """

    actions = forms.ModelMultipleChoiceField(
        queryset=SmsAction.objects.none(),
        required=False,
        error_messages={
            "invalid_choice": "%(value)s is not one of the available choices: it was deleted, or it is not "
            "yours to attach. What else you chose is still chosen below."
        },
    )
    shown = forms.CharField(required=False)

    def __init__(self, *args: Any, campaign: Campaign, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.user = user
        self.attached = self._attached()
        field: Any = self.fields["actions"]
        field.queryset = _attachable(user, self.attached)

    @property
    def available(self) -> QuerySet[SmsAction]:
        """What the user may choose from."""
        field: Any = self.fields["actions"]
        found: QuerySet[SmsAction] = field.queryset
        return found

    @property
    def selected(self) -> set[int]:
        """What is chosen: what the form says, on top of what others changed while it was open."""
        if not self.is_bound:
            return self.attached
        chosen, seen = _ids(self._posted("actions")), self._seen
        return (self.attached | (chosen - seen)) - (seen - chosen)

    @property
    def detaching(self) -> list[SmsAction]:
        """What saving would detach."""
        return list(self.available.filter(pk__in=self.attached - self.selected))

    @property
    def attaching(self) -> list[SmsAction]:
        """What saving would attach."""
        return list(self.available.filter(pk__in=self.selected - self.attached))

    def way_back(self, action: SmsAction) -> str:
        """Why the user cannot attach again what they detach; "" if they can."""
        return action.refusal(self.user, self.campaign.owner)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self._seen != self.attached:
            raise forms.ValidationError(self._overtaken())
        if refusals := self._refusals(cleaned.get("actions", ())):
            self.add_error("actions", refusals)
        elif "actions" in cleaned:
            clash = clash_after([self.campaign], self._apply)
            if clash:
                self.add_error("actions", clash)
        return cleaned

    def _refusals(self, selected: Iterable[SmsAction]) -> list[str]:
        new = (action for action in selected if action.pk not in self.attached)
        refusals = (action.refusal(self.user, self.campaign.owner) for action in new)
        return [refusal for refusal in refusals if refusal]

    def save(self) -> list[ToolChange]:
        """Attach what is selected, and detach what no longer is; what was noted of it.

        Raises ValidationError, with nothing changed, if somebody was faster.
        """
        with transaction.atomic():
            # Whoever saves the same campaign's tools in this instant waits, and then finds them changed.
            Campaign.objects.select_for_update(no_key=True).get(pk=self.campaign.pk)
            self.attached = self._attached()
            if self._seen != self.attached:
                raise forms.ValidationError(self._overtaken())
            # Nor is one of them deleted meanwhile.
            list(SmsAction.objects.select_for_update(no_key=True).filter(pk__in=self.selected))
            changes = self._apply()
            clash = clash_after([self.campaign], lambda: None)
            if clash:
                raise forms.ValidationError(clash)
            return changes

    def _apply(self) -> list[ToolChange]:
        return [
            *ToolAttachment.attach(self.campaign, self.attaching, self.user),
            *ToolAttachment.detach(self.campaign, self.detaching, self.user),
        ]

    def _attached(self) -> set[int]:
        return set(self.campaign.attachments.values_list("action", flat=True))

    @property
    def _seen(self) -> set[int]:
        written = self.data.get("shown")
        return self.attached if written is None else _ids(written.split(","))

    def _posted(self, name: str) -> list[str]:
        data: Any = self.data
        found: list[str] = data.getlist(name)
        return found

    def _overtaken(self) -> str:
        changed = self._seen ^ self.attached
        last = {
            change.action_id: change
            for change in self.campaign.tool_changes.filter(action__in=changed).order_by("at", "id")
        }
        said = []
        for action in SmsAction.objects.filter(pk__in=changed):
            what = ToolChange.What.ATTACHED if action.pk in self.attached else ToolChange.What.DETACHED
            # Who did it by other means than this page is not known.
            known = action.pk in last and last[action.pk].what == what
            said.append(f"{known and last[action.pk].by or 'somebody'} {what.value} “{action}”")
        return (
            f"While this page was open, {' and '.join(said) or 'somebody changed the tools'}. Your own "
            "choices are kept, on top of that: look at the list, and save again."
        )


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new connection. Its page gives it its address beforehand: sent twice, it makes one connection."""

    slug = forms.RegexField(
        rf"\A[0-9a-f]{{{Connection.SLUG_CHARACTERS}}}\Z", required=False, widget=forms.HiddenInput
    )

    class Meta:
        model = Connection
        fields = ("runtime", "name")
        widgets: ClassVar = {
            "name": UnfoldAdminTextInputWidget(attrs={"placeholder": "The booking line's agent"}),
            "runtime": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields[
            "name"
        ].help_text = "Which agent or system this is for. The runtime's name, if you leave it empty."
        self.initial["slug"] = Connection.new_slug()

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The runtimes to choose from, each with its name."""
        return [
            (title, [(name, Connection.Runtime(name).label) for name in names]) for title, names in GROUPS
        ]

    def clean_name(self) -> str:
        runtime = self.cleaned_data.get("runtime")
        name: str = self.cleaned_data["name"] or (Connection.Runtime(runtime).label if runtime else "")
        return name

    def save(self, commit: bool = True) -> Connection:
        self.instance.slug = self.cleaned_data["slug"]
        found: Connection = super().save(commit)
        return found


def _ids(written: Iterable[str]) -> set[int]:
    return {int(each) for each in written if each.isascii() and each.isdecimal() and len(each) < 19}


def clash_after(campaigns: Iterable[Campaign], change: Callable[[], object]) -> str:
    """Which tools would share a name after a change, in words; "" if none. The change is undone."""
    with transaction.atomic():
        change()
        found = [_words(campaign, name) for campaign in campaigns for name in tools.clashes(campaign)[:1]]
        transaction.set_rollback(True)
    return " ".join(found[:1])


def _words(campaign: Campaign, name: str) -> str:
    holders = [
        f"the SMS action “{action}” of {action.owner}"
        for action in campaign.actions.filter(name__iexact=name).select_related("owner")
    ]
    holders += [
        f"the SMS template “{reference}” that the topic “{topic}” refers to"
        for topic in campaign.topics.filter(is_active=True)
        for reference in topic.references
        if reference.lower() == name.lower()
    ]
    return (
        f"In the campaign “{campaign}” two tools would have one name: {' and '.join(holders)}. The agent "
        "could not tell them apart: rename one, or leave one out."
    )


def _attachable(user: Any, attached: set[int]) -> QuerySet[SmsAction]:
    found = SmsAction.usable_by(user) | SmsAction.objects.filter(pk__in=attached)
    return found.select_related("template", "owner")
