"""NotifyFeedback: applies SES's delivery feedback."""

from notify import sms_client
from notify.consumers import feedback
from notify.tables import rows
from shared import finish_init

rows.warm_up()
sms_client.warm_up()
consume = feedback.handle
finish_init()
