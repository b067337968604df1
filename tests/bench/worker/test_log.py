"""What a process printed is kept in bounds and without secrets."""

import time

from bench.worker import log as logs


def test_a_short_log_stays_as_it_is(tmp_path):
    """Bytes that are no text too."""
    log = tmp_path / "log"
    log.write_bytes(b"epoch 1\n\xff\xfe\x00 done")

    logs.tidy(log)

    assert b"epoch 1\n\xff\xfe\x00 done" == log.read_bytes()
    assert ["log"] == [file.name for file in tmp_path.iterdir()]


def test_of_a_long_log_both_ends_are_kept(tmp_path):
    """How it began and how it ended; 200 MB of a loop that prints every step help nobody."""
    log = tmp_path / "log"
    log.write_bytes(b"the beginning\n" + b"step\n" * (1 << 20) + b"the end\n")

    logs.tidy(log)

    kept = log.read_bytes()
    assert kept.startswith(b"the beginning\nstep\n")
    assert kept.endswith(b"step\nthe end\n")
    assert b"bytes are left out here" in kept
    assert len(kept) < logs.LONGEST_LOG_BYTES + 200
    logs.tidy(log)
    assert kept == log.read_bytes()


def test_secrets_are_taken_out_of_a_log(tmp_path):
    """Logs travel: into artifacts of CI and into issues."""
    log = tmp_path / "log"
    log.write_bytes(b"cloning https://me:hunter2@host.org/x\nAPI_TOKEN=hunter2\n\xff")

    logs.tidy(log)

    assert b"cloning https://host.org/x\nAPI_TOKEN=(redacted)\n\xff" == log.read_bytes()


def test_a_log_that_is_gone_stops_nothing(tmp_path):
    """Somebody may have removed the folder."""
    logs.tidy(tmp_path / "log")


def test_hostile_logs_take_no_time(tmp_path, monkeypatch):
    """Whatever a loop prints, looking through it takes seconds at most."""
    monkeypatch.setattr(logs, "LONGEST_LOG_BYTES", 1 << 17)
    for piece in ("a", "a.", "a_", "sk-", "--a", "://", "password=", '"', "a:b@", "eyJ.", "A=", "\\", "Bearer ", "-"):
        log = tmp_path / "log"
        log.write_text(piece * (logs.LONGEST_LOG_BYTES // len(piece)))
        begin = time.process_time()

        logs.tidy(log)

        assert time.process_time() - begin < 5.0, piece
