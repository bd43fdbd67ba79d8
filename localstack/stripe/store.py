"""The emulator's state in one SQLite file."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localstack.stripe.errors import Object

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_type ON objects (kind, json_extract(body, '$.type'), seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'), seq);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL, endpoint TEXT NOT NULL,
    url TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL,
    outcome TEXT);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due_at REAL NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS responses (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    request TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS responses_by_age ON responses (created);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_TABLES = ("objects", "deliveries", "timers", "responses", "settings")


class Store:
    """One SQLite connection behind a lock, so that only one transaction runs at a time."""

    def __init__(self, folder: Path | None) -> None:
        """Open the state in `folder`, which is created if needed, or in memory if it is None."""
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / "stripe.sqlite3" if folder else ":memory:"
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a transaction; other threads wait."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run the block in a savepoint, which is rolled back if it raises."""
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._connection.execute("RELEASE attempt")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def get(self, kind: str, id_: str) -> Object | None:
        found = self.rows("SELECT body FROM objects WHERE id = ? AND kind = ?", id_, kind)
        return json.loads(found[0]["body"]) if found else None

    def put(self, obj: Object) -> None:
        """Insert or replace an object; a replaced object keeps its position."""
        self.rows(
            "INSERT INTO objects (id, kind, created, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            obj["id"],
            obj["object"],
            obj.get("created", 0),
            json.dumps(obj),
        )

    def remove(self, id_: str) -> None:
        self.rows("DELETE FROM objects WHERE id = ?", id_)

    def position(self, kind: str, id_: str) -> int | None:
        """Return the object's position in the order of creation."""
        found = self.rows("SELECT seq FROM objects WHERE id = ? AND kind = ?", id_, kind)
        return int(found[0]["seq"]) if found else None

    def select(
        self, kind: str, conditions: list[tuple[str, Any]], limit: int, *, newest: bool = True
    ) -> list[Object]:
        """Return objects that meet every `(SQL condition with one ?, value)`, in order of creation."""
        where = "".join(f" AND {condition}" for condition, _ in conditions)
        found = self.rows(
            f"SELECT body FROM objects WHERE kind = ?{where}"  # noqa: S608 - the conditions are literals in this package
            f" ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?",
            kind,
            *(value for _, value in conditions),
            limit,
        )
        return [json.loads(row["body"]) for row in found]

    def setting(self, name: str, default: Any) -> Any:
        found = self.rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(found[0]["value"]) if found else default

    def set_setting(self, name: str, value: Any) -> None:
        self.rows("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))

    def wipe(self) -> None:
        """Delete everything. Ids are not reused, so a delivery in flight cannot change a new one."""
        with self.transaction():
            for table in _TABLES:
                self.rows(f"DELETE FROM {table}")  # noqa: S608 - a constant

    def close(self) -> None:
        with self._lock:
            self._connection.close()
