"""An index of stored runs beside them: derived, disposable, made anew when it is missing, broken or of another version.

    Index.opened    bring it up to date with the journals, and ask it
    ask             one query of the user's

Journals stay the truth. Only what is new, changed or gone since the last time is touched, in transactions of a few
hundred runs, so that a killed process leaves an index that is behind and never one that is wrong. One process at a time
has the file; others wait for it.
"""

import fcntl
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from bench import analysis
from bench.errors import ResultsError, UsageError
from bench.history import tables
from bench.history.sources import Source, sources

if TYPE_CHECKING:
    import duckdb

    from bench.history import reader

FILE, LOCK = ".index.duckdb", ".index.lock"
"""Beside the runs, hidden, since neither is a result."""

PATIENCE = 600.0
"""Seconds that a process waits while another one brings the index up to date."""

_AT_A_TIME = 200
"""Runs to a transaction: some tens of MB while they are read."""
_WORTH_PROCESSES = 400
_MOST_PROCESSES = 8
_MOST_ANSWERS = 2000
_SETTINGS: dict[str, Any] = {"memory_limit": "384MB"}
"""What DuckDB may keep in memory; beyond that it writes beside its file."""


def require(*modules: str) -> None:
    """Refuse in one line where what history needs is not installed.

    Raises:
        UsageError: With the command that installs it.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UsageError(f"this needs {' and '.join(missing)}; install it: pip install 'loopbench[history]'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a query finds."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


@final
class Index:
    """The tables of `bench.history.tables`, up to date."""

    def __init__(self, file: Path | None, *, results: Path, tell: Callable[[str], None]) -> None:
        """Connect to a file, or keep everything in memory; use `opened`."""
        self.connection = _connect(file)
        self._file, self._results, self._tell = file, results, tell

    @classmethod
    @contextmanager
    def opened(cls, results: Path, *, tell: Callable[[str], None] = lambda _: None) -> "Iterator[Index]":
        """Open the index of a results folder and read what it does not know yet.

        Where nothing can be written beside the runs, it is made in memory.

        Args:
            results: Folder of the runs.
            tell: Gets a line where this takes a while.

        Raises:
            ResultsError: If there is no such folder, or another process keeps the index for too long.
            UsageError: If DuckDB is not installed.
        """
        require("duckdb")
        if not results.is_dir():
            raise ResultsError(f"{results}: no run is stored; see 'bench list runs'")
        with _locked(results) as writable:
            index = cls(results / FILE if writable else None, results=results, tell=tell)
            try:
                index.refresh()
                yield index
            finally:
                index.connection.close()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query of ours finds."""
        return self.connection.execute(query, list(parameters)).fetchall()

    def refresh(self, *, blocks: bool = False) -> int:
        """Read what is new or changed, forget what is gone, and return how many journals were read.

        Args:
            blocks: Whether every run's blocks are wanted, which the index leaves out until somebody asks for them.
        """
        present = sources(self._results)
        known = {
            row[0]: (row[1], row[2], row[3])
            for row in self.rows("SELECT run, bytes, modified_nanoseconds, blocks FROM source_rows")
        }
        gone = [run for run in known if run not in present]
        wanted = [
            source
            for source in present.values()
            if (found := known.get(source.run)) is None
            or found[:2] != (source.size, source.modified_nanoseconds)
            or (blocks and not found[2])
        ]
        if gone:
            self._replace(gone, {})
        for batch, rows in self._read(wanted, blocks=blocks):
            self._replace([source.run for source in batch if source.run in known], rows)
        return len(wanted)

    def read_only(self) -> "duckdb.DuckDBPyConnection":
        """Return a connection that can change nothing; the one in memory, which nobody keeps, stays as it is."""
        import duckdb  # noqa: PLC0415

        if self._file is not None:
            self.connection.close()
            self.connection = duckdb.connect(str(self._file), read_only=True, config=_SETTINGS)
        return self.connection

    def recall(self, question: str) -> str | None:
        """Return an answer that was kept, or None."""
        found = self.rows("SELECT answer FROM found WHERE question = ?", [question])
        return found[0][0] if found else None

    def keep(self, question: str, answer: str) -> None:
        """Keep an answer; the question has to name all that it depends on. Of too many, all others are forgotten."""
        if self.rows("SELECT count(*) FROM found")[0][0] > _MOST_ANSWERS:
            self.connection.execute("DELETE FROM found")
        self.connection.execute("INSERT INTO found VALUES (?, ?)", [question, answer])

    def _read(self, wanted: Sequence[Source], *, blocks: bool) -> "Iterator[tuple[Sequence[Source], reader.Rows]]":
        """Yield batches of rows, read by several processes where that is worth their start."""
        if not wanted:
            return
        from bench.history import reader  # noqa: PLC0415 - SciPy, only where something is new

        batches = [wanted[start : start + _AT_A_TIME] for start in range(0, len(wanted), _AT_A_TIME)]
        work = partial(reader.read, self._results.absolute(), blocks=blocks)
        if len(wanted) < _WORTH_PROCESSES:
            yield from ((batch, work(batch)) for batch in batches)
            return
        self._tell(f"reading {len(wanted):,} runs that the index does not have yet")
        workers = min(_MOST_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
        # Spawned: DuckDB's threads do not survive a fork. Few batches are under way at a time, for the memory.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            waiting = [(batch, pool.submit(work, batch)) for batch in batches[: workers + 1]]
            for batch in [*batches[workers + 1 :], *[None] * (workers + 1)]:
                if not waiting:
                    return
                done, future = waiting.pop(0)
                if batch is not None:
                    waiting.append((batch, pool.submit(work, batch)))
                yield done, future.result()

    def _replace(self, stale: Sequence[str], rows: "reader.Rows") -> None:
        """Take the rows of some runs out and put others in, all or nothing."""
        import pyarrow as pa  # noqa: PLC0415 - only where something is new

        self.connection.begin()
        try:
            for name in tables.ROWS if stale else ():
                if name != "found":
                    self.connection.execute(f"DELETE FROM {name} WHERE list_contains(?, run)", [list(stale)])  # noqa: S608
            for name, columns in rows.items():
                if columns["run"]:
                    types = {column: _arrow(kind, pa) for column, kind in tables.ROWS[name].items()}
                    batch = pa.table(columns, schema=pa.schema(list(types.items())))
                    self.connection.register("batch", batch)
                    self.connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM batch")  # noqa: S608
                    self.connection.unregister("batch")
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise


def _arrow(kind: str, pa: Any) -> Any:
    """Return the Arrow type of a column."""
    if kind.endswith("[]"):
        return pa.list_(_arrow(kind.removesuffix("[]"), pa))
    return {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us"),
    }[kind]


def ask(results: Path, query: str, *, tell: Callable[[str], None] = lambda _: None) -> Answer:
    """Return what a query of the user's finds in an index that is up to date; it can change nothing in it.

    Blocks, which are most of the numbers, are read the first time that a query names them.

    Args:
        results: Folder of the runs.
        query: SQL as DuckDB understands it.
        tell: Gets a line where this takes a while.

    Raises:
        UsageError: If DuckDB does not understand it, or is not installed.
        ResultsError: As `Index.opened`.
    """
    with Index.opened(results, tell=tell) as index:
        import duckdb  # noqa: PLC0415

        if re.search(r"\bblocks\b", query, re.IGNORECASE):
            index.refresh(blocks=True)
        connection = index.read_only()
        known = ", ".join(tables.VIEWS)
        try:
            # Without a statement DuckDB returns None, whatever its types say.
            found: duckdb.DuckDBPyConnection | None = connection.execute(query)
            if found is not None:
                return Answer(columns=[column[0] for column in found.description or []], rows=found.fetchall())
        except duckdb.Error as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise UsageError(f"{lines[0] if lines else 'no such query'}; tables: {known}") from error
        raise UsageError(f"'{query}' asks nothing; tables: {known}")


@contextmanager
def _locked(results: Path) -> Iterator[bool]:
    """Have the index for oneself; yields False where nothing can be written there.

    Raises:
        ResultsError: If another process does not let go of it.
    """
    try:
        file = (results / LOCK).open("a")
    except OSError:
        yield False
        return
    with file:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise ResultsError(
                        f"{results / LOCK}: another 'bench' has kept the index for {PATIENCE:.0f} s; end it first"
                    ) from None
                time.sleep(0.05)
        yield True


def _connect(file: Path | None) -> "duckdb.DuckDBPyConnection":
    """Open the file with tables of this version in it; one that cannot be used is deleted, since all can be derived."""
    import duckdb  # noqa: PLC0415

    if file is not None:
        if (found := _usable(file)) is not None:
            return found
        for left in (file, file.with_name(f"{file.name}.wal")):
            left.unlink(missing_ok=True)
    connection = duckdb.connect(":memory:" if file is None else str(file), config=_SETTINGS)
    _create(connection)
    return connection


def _usable(file: Path) -> "duckdb.DuckDBPyConnection | None":
    """Open an index that is there, whole and of this version; None where it is not."""
    import duckdb  # noqa: PLC0415

    if not file.exists():
        return None
    try:
        connection = duckdb.connect(str(file), config=_SETTINGS)
        if _version_of(connection) == version():
            return connection
    except duckdb.Error:
        return None
    connection.close()
    return None


def _version_of(connection: "duckdb.DuckDBPyConnection") -> str | None:
    """Return which version wrote an index; None where nothing is in it yet."""
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'version'").fetchall():
        return None
    (found,) = connection.execute("SELECT version FROM version").fetchall()
    return str(found[0])


def version() -> str:
    """Return what an index depends on beside the journals: its columns, and how a process is counted."""
    digest = sha256(f"{tables.VERSION} {tables.ROWS} {tables.VIEWS}".encode())
    places = [Path(folder) for folder in analysis.__path__]
    for path in sorted(path for folder in places for path in folder.glob("*.py")):
        digest.update(path.read_bytes())
    digest.update(Path(__file__).with_name("reader.py").read_bytes())
    return f"{digest.hexdigest()[:16]} {sys.version_info.major}.{sys.version_info.minor}"


def _create(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make the tables, all or nothing."""
    connection.begin()
    for name, columns in tables.ROWS.items():
        fields = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {name} ({fields})")
    for name, query in tables.VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {query}")
    connection.execute("CREATE TABLE version AS SELECT ? AS version", [version()])
    connection.commit()
