from __future__ import annotations

import pytest

from sms.models import SmsTemplate
from tests import factories
from tests.browser import tools
from tests.browser.topics import DIRECTIONS


@pytest.fixture(scope="session", autouse=True)
def one_browser_for_all():
    yield
    tools.close()


@pytest.fixture
def templates(olive):
    """Olive, a superuser, with three templates, of which one is switched off."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    factories.TemplateFactory(name="directions", owner=olive, body=DIRECTIONS)
    factories.TemplateFactory(name="opening_hours", owner=olive, body="Open from noon till ten.")
    factories.TemplateFactory(name="summer_menu", owner=olive, is_active=False)
    return {template.name: template for template in SmsTemplate.objects.all()}
