"""Letters that staff write themselves."""

from notify.domain.letters import Category, Letter, Template
from notify.domain.markup import clean
from notify.domain.wording import prose
from shared.values.text import one_line


def staff_message(
    about: str,
    *,
    user_id: str,
    to: str,
    subject: str,
    text: str,
    html: str | None = None,
    order_id: str | None = None,
    category: Category = Category.SERVICE,
    unsubscribe_url: str = "",
) -> Letter:
    """Once by `about`. `html` is reduced to a text's own tags; without one the text's paragraphs stand in
    the HTML too. Where there is an `unsubscribe_url` it is shown."""
    return Letter(
        template=Template.STAFF_MESSAGE,
        about=about,
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
