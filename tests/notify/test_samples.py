"""The samples of `make emails` equal what the service sends, and the index shows them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from localstack.mail.preview import VIEWS, write
from localstack.mail.sample_data import OWNER, SampleData
from localstack.mail.samples import built, events, samples, written
from notify.app.consume import consume
from notify.domain.languages import LANGUAGES
from notify.domain.messages import Message
from notify.rendering import render, render_sms
from notify.schemas import SendEmail
from notify.settings import settings
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import OrderInvoiced, OrderPaid
from tests.notify.conftest import InvoiceFunction
from tests.notify.html_page import Page
from tests.notify.mailbox import ReceivedEmail, emails, only_email, sms_messages
from tests.notify.requests import ALL_ON, PHONE, consume_queued, deliver, post_message, put_preferences
from tests.notify.test_rendering import TagParser
from tests.support import ROOT

EVENTS = list(events(SampleData()))
# An id, an email address or a URL may contain what looks like a code.
CODE = re.compile(r"(?<![\w/.@-])[a-z]+(?:_[a-z]+)+(?![\w/@-])")


def content(message: Message, language: str = "en") -> tuple[str, str, str]:
    """Return the subject, text and HTML of the rendered message, as a received email has them."""
    email = render(message, language)
    return email.subject, email.text, email.html + "\n"  # a part of an email ends with a line break


def received(email: ReceivedEmail) -> tuple[str, str, str]:
    return email.subject, email.text, email.html


@pytest.mark.parametrize("event", EVENTS, ids=[f"{n}-{event.type}" for n, event in enumerate(EVENTS)])
def test_a_sample_equals_the_email_that_its_event_causes(
    cloud: None, orders: InvoiceFunction, event: Event
) -> None:
    orders.invoices[OWNER["order_id"]] = "2026-000123"
    assert deliver(consume, event) == []
    expected = built(event)[:1] if isinstance(event, OrderInvoiced) else built(event)
    assert [received(email) for email in emails()] == [content(message) for message in expected]
    assert [email.to for email in emails()] == [
        [message.to or settings().notify_staff] for message in expected
    ]


def test_the_sample_of_an_invoice_equals_the_email_that_follows_the_confirmation(
    cloud: None, orders: InvoiceFunction
) -> None:
    orders.invoices[OWNER["order_id"]] = "2026-000123"
    (paid,) = [event for event in EVENTS if isinstance(event, OrderPaid)]
    (invoiced,) = [event for event in EVENTS if isinstance(event, OrderInvoiced)]
    assert deliver(consume, paid, invoiced) == []
    assert received(emails()[-1]) == content(built(invoiced)[1])


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_text_message_of_a_sample_equals_the_one_that_is_sent(cloud: None, language: str) -> None:
    registered, paid = EVENTS[:2]
    registered = registered.model_copy(update={"data": SampleData().user(phone=PHONE)})
    assert deliver(consume, registered) == []
    put_preferences(ALL_ON | {"language": language}, user=OWNER["user_id"])
    assert deliver(consume, paid) == []
    assert sms_messages() == [(PHONE, render_sms(built(paid)[0], language))]
    assert received(emails()[-1]) == content(built(paid)[0], language)


@pytest.mark.parametrize(
    "body",
    [
        SampleData().staff_email(),
        SampleData().staff_email(html="<p>Dear <b>Ada</b>,</p><script>alert(1)</script>"),
        SampleData().staff_email(category="marketing"),
    ],
    ids=["text", "html", "marketing"],
)
def test_a_sample_of_staff_equals_the_email_that_staff_send(
    cloud: None, monkeypatch: pytest.MonkeyPatch, body: SendEmail
) -> None:
    post_message(body.model_dump())
    assert consume_queued() == []
    sent = only_email()
    link = sent.headers.get("List-Unsubscribe", "")[1:-1]
    monkeypatch.setattr("localstack.mail.samples.UNSUBSCRIBE_URL", link)
    assert received(sent) == content(written(body))
    assert bool(link) is (body.category == "marketing")


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_messages_contain_sentences_instead_of_codes(language: str) -> None:
    assert CODE.search("status_differs: pay_1")
    for sample in samples():
        email = render(sample.message, language)
        for body in (email.subject, email.text, Page(email.html).text):
            assert CODE.findall(body) == [], sample.name


def test_a_preview_is_written_for_each_sample_and_language(tmp_path: Path) -> None:
    names = [sample.name for sample in samples()]
    assert write(tmp_path) == len(names) == len(set(names))
    for language in LANGUAGES:
        for name in names:
            assert (tmp_path / language / f"{name}.txt").read_text().startswith("Subject: ")
            assert (tmp_path / language / f"{name}.html").exists()
    assert (tmp_path / "de" / "order_shipped.sms.txt").read_text().startswith("Tillstack: ein Paket")


def test_the_index_shows_each_message_in_each_language_and_view(tmp_path: Path) -> None:
    write(tmp_path, only="order_confirmation")
    page = TagParser((tmp_path / "index.html").read_text())
    chosen = [sample for sample in samples() if sample.name.startswith("order_confirmation")]
    shown = [str(frame["srcdoc"]) for frame in page.all("iframe")]
    expected = [
        render(sample.message, language).html for sample in chosen for language in LANGUAGES for _ in VIEWS
    ]
    assert sorted(shown) == sorted(expected)
    assert {heading["id"] for heading in page.all("h2")} == {sample.name for sample in chosen}
    # The hostile sample stays inside its frame.
    assert not {"img", "script"} & {tag for tag, _ in page.tags}


def test_previews_have_the_settings_of_the_deployed_template(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localstack.mail.preview", "--out", str(tmp_path), "--only", "welcome"]
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    email = (tmp_path / "en" / "welcome.txt").read_text()
    assert "Tillstack Ltd, 1 Example Street, London EC1A 1AA, GB" in " ".join(email.split())
