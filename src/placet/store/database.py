"""Connections to PostgreSQL as the application's own role: a pool, transactions, and errors in our words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import Connection, errors
from psycopg_pool import ConnectionPool, PoolTimeout

from placet.kernel.errors import Unavailable


class Database:
    """A pool of connections. Thread-safe; `close` when done."""

    def __init__(self, url: str, *, size: int = 8, timeout: float = 5.0) -> None:
        self.url = url
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=size,
            timeout=timeout,
            open=True,
            configure=_configure,
            check=ConnectionPool.check_connection,
        )

    def close(self) -> None:
        self._pool.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One READ COMMITTED transaction: committed at the end, rolled back by an exception."""
        with translated(), self._pool.connection() as connection, connection.transaction():
            yield connection

    def look_again(self, *schemas: str) -> None:
        """
        Let the planner count the rows of some schemas anew, of tables that have grown by half: for whoever has just
        written many thousands. By itself it does so within a minute, and until then may read whole tables for a few.
        """
        with self.transaction() as connection:
            connection.execute("SELECT store.look_again(%s)", [list(schemas)])

    def dedicated(self, *, autocommit: bool = True) -> Connection:
        """A connection outside the pool, for a listener or a sequencer; the caller closes it."""
        with translated():
            connection = psycopg.connect(self.url, autocommit=autocommit)
            _configure(connection)
            return connection


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise `Unavailable` for what may pass (server away, disk full, read-only); let the rest through."""
    try:
        yield
    except (errors.DiskFull, errors.OutOfMemory, errors.TooManyConnections) as error:
        raise Unavailable("the database has no room left; nothing was recorded, try again later") from error
    except errors.ReadOnlySqlTransaction as error:
        raise Unavailable("the database only reads at present; nothing was recorded, try again later") from error
    except (
        PoolTimeout,
        errors.QueryCanceled,
        errors.AdminShutdown,
        errors.CrashShutdown,
        errors.CannotConnectNow,
    ) as error:
        raise Unavailable("the database does not answer; try again later") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if isinstance(error, errors.SerializationFailure | errors.DeadlockDetected):
            raise Unavailable("the database was too busy; nothing was recorded, try again") from error
        if error.sqlstate is None or error.sqlstate.startswith(("08", "53", "57", "58")):
            raise Unavailable("the database does not answer; try again later") from error
        raise


def _configure(connection: Connection) -> None:
    """Sessions speak UTC, and prepare what they run a second time."""
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    if not connection.autocommit:
        connection.commit()
    connection.prepare_threshold = 2
