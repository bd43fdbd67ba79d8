"""AWS in process: moto with corrections, and resources that are created once and emptied for each test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import moto
import pytest
from moto.core import models
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model_instances import reset_model_data
from moto.core.models import MockAWS
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from tests.support import ACCOUNT, REGION


class Snapshot:
    """The existing resources; `restore` empties them, resets the secrets and removes all others."""

    def __init__(self) -> None:
        self._dynamodb, self._sqs = dynamodb_backends[ACCOUNT][REGION], sqs_backends[ACCOUNT][REGION]
        self._sns, self._ses = sns_backends[ACCOUNT][REGION], ses_backends[ACCOUNT][REGION]
        secrets = secretsmanager_backends[ACCOUNT][REGION].secrets
        registries: list[dict[str, Any]] = [
            self._dynamodb.tables,
            self._sqs.queues,
            self._sns.topics,
            self._sns.subscriptions,
            self._ses.email_identities,
            s3_backends[ACCOUNT]["aws"].buckets,
            s3_backends.bucket_accounts,
            secrets,
        ]
        self._initial = [(current, dict(current)) for current in registries]
        self._secrets = [(secret, deepcopy(vars(secret))) for secret in dict.values(secrets)]

    def restore(self) -> None:
        for current, initial in self._initial:
            current.clear()
            for name, resource in initial.items():
                current[name] = resource
        for table in self._dynamodb.tables.values():
            table.items.clear()
        for queue in self._sqs.queues.values():
            queue._messages = []
            queue._pending_messages = set()
        for topic in self._sns.topics.values():
            topic.sent_notifications = []
        self._sns.sms_messages.clear()
        self._sns.sms_message_objects.clear()
        self._ses.sent_messages.clear()
        for bucket in s3_backends[ACCOUNT]["aws"].buckets.values():
            bucket.keys.clear()
        for secret, values in self._secrets:
            vars(secret).update(deepcopy(values))


class Resources:
    """Resources that are created once per process, and put aside while other tests use AWS."""

    def __init__(self, create: Callable[[], None]) -> None:
        self._create = create
        self._snapshot: Snapshot | None = None
        self._backends: list[tuple[Any, dict[str, Any]]] = []

    @contextmanager
    def in_use(self) -> Iterator[Snapshot]:
        """Start moto with these resources; without them and all others afterwards."""
        mock = moto.mock_aws()
        mock.start(reset=self._snapshot is None)
        try:
            if self._snapshot is None:
                self._create()
                self._snapshot = Snapshot()
            for backend, accounts in self._backends:
                backend.update(accounts)
                _used().append(backend)
            yield self._snapshot
        finally:
            self._backends = [(backend, dict(backend)) for backend in _used()]
            for backend, _ in self._backends:
                backend.clear()
            _used().clear()
            s3_backends.bucket_accounts.clear()
            mock.stop(remove_data=False)


def _used() -> list[Any]:
    """Return moto's list of the services that are used since its start."""
    return BackendDict._instances  # type: ignore[misc]


def leave_requests_alone(patch: pytest.MonkeyPatch) -> None:
    """Let moto answer botocore only.

    By default it also compares each call to the local Stripe with hundreds of addresses of AWS.
    """

    def enable(self: MockAWS, reset: bool = True) -> None:
        models.botocore_stubber.enabled = True
        if reset:
            BackendDict.reset()

    def disable(self: MockAWS, remove_data: bool) -> None:
        models.botocore_stubber.enabled = False
        if remove_data:
            BackendDict.reset()
            reset_model_data()

    patch.setattr(MockAWS, "_enable_patching", enable)
    patch.setattr(MockAWS, "_disable_patching", disable)


def serialize_calls(patch: pytest.MonkeyPatch) -> threading.RLock:
    """Make each call to AWS atomic, because moto is not thread-safe; threads interleave between calls.

    Return the lock that each call holds.
    """
    lock, call = threading.RLock(), BotocoreStubber.__call__

    def serialized(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return call(self, *args, **kwargs)

    patch.setattr(BotocoreStubber, "__call__", serialized)
    return lock


def copy_only_written_rows(patch: pytest.MonkeyPatch) -> None:
    """Let moto copy only the rows that a transaction writes, so that it can be rolled back.

    By default moto copies whole tables and streams for each write, which takes most of a test's time.
    """
    write = DynamoDBBackend.transact_write_items

    def transact(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        before = []
        for item in items:
            (request,) = item.values()
            table = self.tables[request["TableName"]]
            attributes = request.get("Key") or request["Item"]
            key = {name: attributes[name] for name in table.table_key_attrs}
            length = len(table.stream_shard.items) if table.stream_shard else 0
            before.append((table, key, deepcopy(self.get_item(table.name, key)), length))
        try:
            write(self, items)
        except BaseException:
            for table, key, row, _ in before:
                _restore(self, table, key, row)
            for table, _, _, length in before:
                if table.stream_shard:
                    del table.stream_shard.items[length:]
            raise

    def same(self: Table, memo: dict[int, Any]) -> Table:
        return self

    patch.setattr(DynamoDBBackend, "transact_write_items", transact)
    patch.setattr(Table, "__deepcopy__", same, raising=False)


def record_inserts_once(patch: pytest.MonkeyPatch) -> None:
    """Record an update that creates a row as one change in the stream, as DynamoDB does; moto records two."""
    update = DynamoDBBackend.update_item

    def once(self: DynamoDBBackend, table_name: str, *args: Any, **kwargs: Any) -> Any:
        shard = self.get_table(table_name).stream_shard
        length = len(shard.items) if shard else 0
        item = update(self, table_name, *args, **kwargs)
        if shard and len(shard.items) == length + 2:
            del shard.items[length:]
            shard.add(None, item)
        return item

    patch.setattr(DynamoDBBackend, "update_item", once)


def end_pages_like_dynamodb(patch: pytest.MonkeyPatch) -> None:
    """Return a LastEvaluatedKey whenever `Limit` rows were read, even if no row follows, as DynamoDB does.

    moto returns it only if another row follows.
    """
    query = Table.query

    def query_like_dynamodb(self: Table, *args: Any, **kwargs: Any) -> Any:
        found, scanned, last = query(self, *args, **kwargs)
        limit, index = args[3], kwargs.get("index_name") or (args[7] if len(args) > 7 else None)
        if last is None and scanned and scanned == limit:
            # All scanned rows: without the filter and the projection.
            unfiltered = [*args[:6], None, *args[7:9], None]
            every, _, _ = query(self, *unfiltered, **kwargs)
            last = self._get_last_evaluated_key(every[-1], index)
        return found, scanned, last

    patch.setattr(Table, "query", query_like_dynamodb)


def _restore(backend: DynamoDBBackend, table: Table, key: dict[str, Any], row: Any) -> None:
    current = backend.get_item(table.name, key)
    if row is None:
        if current is not None:
            table.delete_item(*_key(table, current))
        return
    hash_key, range_key = _key(table, row)
    if range_key is None:
        table.items[hash_key] = row
    else:
        table.items[hash_key][range_key] = row


def _key(table: Table, item: Any) -> tuple[Any, Any]:
    return item.hash_key, item.range_key if table.range_key_attr else None
