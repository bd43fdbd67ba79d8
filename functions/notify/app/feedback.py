"""NotifyFeedback: the queue of what SES says of mails."""

from notify import texter
from notify.consumers import feedback
from notify.tables import rows
from shared import finish_init

rows.warm_up()
texter.warm_up()
consume = feedback.handle
finish_init()
