"""What users is asked, by IAM alone."""

from shared.contracts.commands import Account, EnsureAccount, Guest, IdentifyGuest
from shared.messaging.rpc import Commands
from users import service

commands = Commands()


@commands.on(EnsureAccount)
def ensure_account(question: EnsureAccount) -> Account:
    account = service.ensure_account(question.email, question.password, question.name, question.roles)
    return Account(user_id=account.user_id, roles=list(account.roles))


@commands.on(IdentifyGuest)
def identify_guest(question: IdentifyGuest) -> Guest:
    return Guest(user_id=service.guest_of(question.token))
