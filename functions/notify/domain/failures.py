"""The two kinds of failures of SES and SNS."""


class PermanentFailure(Exception):
    """This message can never be sent; the text says why."""


class TemporaryFailure(Exception):
    """This message was certainly not sent; a later try may succeed."""
