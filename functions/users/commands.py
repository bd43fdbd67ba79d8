"""Commands from other services and operators (allowed by IAM)."""

from shared.contracts.commands.users import Account, EnsureAccount, Guest, IdentifyGuest
from shared.messaging.rpc import Commands
from users import service

commands = Commands()


@commands.on(EnsureAccount)
def ensure_account(command: EnsureAccount) -> Account:
    account = service.ensure_account(command.email, command.password, command.name, command.roles)
    return Account(user_id=account.user_id, roles=list(account.roles))


@commands.on(IdentifyGuest)
def identify_guest(command: IdentifyGuest) -> Guest:
    return Guest(user_id=service.identify_guest(command.token))
