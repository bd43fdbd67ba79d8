"""Messages that staff write."""

from notify.domain.markup import clean
from notify.domain.messages import Category, Message, Template
from notify.domain.text import prose
from shared.values.text import one_line


def staff_message(
    dedupe_key: str,
    *,
    user_id: str,
    to: str,
    subject: str,
    text: str,
    html: str | None = None,
    order_id: str | None = None,
    category: Category = Category.SERVICE,
    unsubscribe_url: str = "",
) -> Message:
    """Return the message. `html` is reduced to safe tags; without it, the HTML shows the text's paragraphs.
    The message shows the `unsubscribe_url`, if any."""
    return Message(
        template=Template.STAFF_MESSAGE,
        dedupe_key=dedupe_key,
        user_id=user_id,
        to=to,
        content={
            "headline": one_line(subject),
            "text": prose(text),
            "html": clean(html) if html else "",
            "unsubscribe_url": unsubscribe_url,
        },
        category=category,
        order_id=order_id,
    )
