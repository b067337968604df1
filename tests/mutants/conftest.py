"""Shows at the end of the run what each mutant was caught by."""

COLUMNS = ("mistake", "loop", "workload", "caught by")


def pytest_terminal_summary(terminalreporter):
    """Print one line per mutant, from what its test recorded about it."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    recorded = [dict(report.user_properties) for report in reports if report.when == "call"]
    rows = [COLUMNS, *(tuple(row[column] for column in COLUMNS) for row in recorded if row.keys() >= set(COLUMNS))]
    if len(rows) == 1:
        return
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    terminalreporter.section("mutants")
    for row in rows:
        terminalreporter.line("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
