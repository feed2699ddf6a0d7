"""The linter on a topic's pages: while somebody types, on saving, and as a mark in the list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from builder import lint
from builder.linting import Known
from builder.models import MAX_TEXT_CHARACTERS, Topic
from sms import text
from sms.models import SmsTemplate
from sms.pages import label, may_see

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

    from sms.pages import Page

    _TopicPage = Page[Topic]
else:
    from unfold.views import ChangeList

    _TopicPage = object

# The name of the check box under the findings; its value says which warnings are accepted.
ACCEPT = "_accept"
LINTED_FIELDS = ("actions", "content")
MAX_EXCERPT_CHARACTERS = 40


class LintedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A topic's form: an error is never saved, a warning only once it was shown and accepted."""

    # Who asks, and where the topic is used; the page sets them.
    user: ClassVar[Any]
    reaches: ClassVar[Collection[lint.Reach]] = ()

    class Media:
        css: ClassVar = {"all": ("builder/lint.css",)}
        js = (forms.Script("builder/lint.js", type="module"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.edited_by(self.user)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.is_linted:
            return
        warnings = [each for each in self.instance.findings(self.reaches) if not each.is_error]
        accepted = {*self.instance.accepted_warnings, *self.data.get(ACCEPT, "").split()}
        left = [each for each in warnings if each.fingerprint not in accepted]
        if left:
            self.add_error(
                "actions",
                f"Not saved yet, because of {_counted(left)}: mend what is listed here, or tick “Save with "
                f"{'these warnings' if len(left) > 1 else 'this warning'}”.",
            )
        else:
            self.instance.accepted_warnings = sorted({each.fingerprint for each in warnings})

    @property
    def is_linted(self) -> bool:
        """Whether the form shows what the linter looks at: not to whoever may only read."""
        return all(name in self.fields for name in LINTED_FIELDS)

    def report(self) -> SafeString:
        """What the linter finds in the form as it is shown."""
        shown = {name: text.one_line_break(str(self[name].value() or "")) for name in LINTED_FIELDS}
        if any(len(written) > MAX_TEXT_CHARACTERS for written in shown.values()):
            # That is said of the field itself; reading so much takes long.
            return _rendered([], "")
        topic = Topic(**shown, accepted_warnings=self.instance.accepted_warnings)
        topic.editor, topic.kept = self.instance.editor, self.instance.kept
        return _rendered(_presented(topic, self.reaches, self.user), self.data.get(ACCEPT, ""))


class TopicList(ChangeList):
    """The topics of one page, each with what the linter finds, by as many queries as for one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        topics: list[Any] = list(self.result_list)
        known = Known.of(topic.actions for topic in topics)
        for topic in topics:
            topic.found = topic.open_findings(self.model_admin.reaches(topic), known)  # type: ignore[attr-defined]
        self.result_list = topics


class Linted(_TopicPage):
    """The topic's pages."""

    change_form_after_template = "builder/lint.html"

    def reaches(self, topic: Topic | None) -> Collection[lint.Reach]:
        """Where a topic is used; whoever knows of campaigns says it."""
        return ()

    @admin.display(description="Problems")
    def problems(self, obj: Any) -> SafeString | str:
        if not obj.found:
            return "–"
        tone = "bad" if any(each.is_error for each in obj.found) else "warn"
        url = reverse("admin:builder_topic_change", args=[obj.pk])
        return format_html('<a href="{}#problems">{}</a>', url, label(_counted(obj.found), tone))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TopicList

    def get_urls(self) -> list[URLPattern]:
        return [
            path("lint/", self.admin_site.admin_view(self.lint), name="builder_topic_lint"),
            *super().get_urls(),
        ]

    def get_form(
        self, request: HttpRequest, obj: Topic | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The class is made anew for each request, so that it may carry what belongs to the request.
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.reaches = self.reaches(obj)
        return form

    def lint(self, request: HttpRequest) -> HttpResponse:
        """What the linter finds in a topic as it is typed: as data, and as the page shows it."""
        if request.method != "POST":
            return JsonResponse({"error": "Post the topic's text."}, status=405, headers={"Allow": "POST"})
        topic: Topic | None = Topic()
        if pk := request.POST.get("topic", ""):
            known = pk.isascii() and pk.isdecimal() and len(pk) < 19
            topic = self.get_queryset(request).filter(pk=pk).first() if known else None
        if topic is None:
            return JsonResponse({"error": "There is no such topic any more."}, status=404)
        if not (self.has_change_permission(request, topic) if topic.pk else self.has_add_permission(request)):
            return JsonResponse({"error": "You may not change this topic."}, status=403)
        topic.edited_by(request.user)
        for name in LINTED_FIELDS:
            written = text.one_line_break(request.POST.get(name, ""))
            if len(written) > MAX_TEXT_CHARACTERS:
                error = (
                    f"{name.capitalize()} has more than {MAX_TEXT_CHARACTERS:,} characters: make it shorter."
                )
                return JsonResponse({"error": error}, status=413)
            setattr(topic, name, written)
        findings = _presented(topic, self.reaches(topic), request.user)
        html = _rendered(findings, request.POST.get(ACCEPT, ""))
        return JsonResponse({"findings": findings, "html": html})


def _presented(topic: Topic, reaches: Collection[lint.Reach], user: Any) -> list[dict[str, Any]]:
    """The findings as JSON has them. Places count UTF-16 code units, as JavaScript does."""
    findings = topic.findings(reaches)
    names = {each.template for each in findings if each.template} if may_see(user, SmsTemplate) else set()
    urls = {
        name: reverse("admin:sms_smstemplate_change", args=[pk])
        for name, pk in SmsTemplate.objects.filter(name__in=names).values_list("name", "pk")
    }
    return [
        {
            "code": each.code,
            "level": each.level,
            "field": each.field,
            "start": _units(getattr(topic, each.field), each.start),
            "end": _units(getattr(topic, each.field), each.end),
            "message": each.message,
            "excerpt": _shortened(each.excerpt),
            "mend": {
                "label": each.mend.label,
                "start": _units(getattr(topic, each.field), each.mend.start),
                "end": _units(getattr(topic, each.field), each.mend.end),
                "text": each.mend.text,
            }
            if each.mend
            else None,
            "template": each.template,
            "url": urls.get(each.template, ""),
            "fingerprint": each.fingerprint,
            "accepted": not each.is_error and each.fingerprint in topic.accepted_warnings,
        }
        for each in findings
    ]


def _rendered(findings: list[dict[str, Any]], ticked: str) -> SafeString:
    """The findings as the page shows them; `ticked` are the warnings that the check box was ticked for."""
    open_ones = [each for each in findings if not each["accepted"]]
    warnings = " ".join(
        dict.fromkeys(each["fingerprint"] for each in open_ones if each["level"] == lint.Level.WARNING)
    )
    context = {
        "open": open_ones,
        "accepted": [each for each in findings if each["accepted"]],
        "accept": ACCEPT,
        "warnings": warnings,
        "is_ticked": bool(warnings) and set(warnings.split()) <= set(ticked.split()),
    }
    return render_to_string("builder/findings.html", context)


def _counted(findings: Iterable[lint.Finding]) -> str:
    """Such as “1 error, 2 warnings”."""
    levels = [each.level for each in findings]
    counts = [(level, levels.count(level)) for level in lint.Level]
    return ", ".join(f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts if count)


def _units(written: str, characters: int) -> int:
    return characters + sum(char > "\uffff" for char in written[:characters])


def _shortened(excerpt: str) -> str:
    line = " ".join(excerpt.split())
    return line if len(line) <= MAX_EXCERPT_CHARACTERS else line[: MAX_EXCERPT_CHARACTERS - 1].rstrip() + "…"
