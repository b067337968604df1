"""What is secret is not stored, and what is not stays readable."""

import pytest

from bench import redaction

DRAWN = "q7Zp4Xw9Lk2Vb8Nn3Tt6"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\nMIIEow{DRAWN}\n-----END RSA PRIVATE KEY-----"
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{DRAWN}"


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Begin without values of other tests, with a home folder and a state folder of the test's own."""
    redaction.forget()
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("BENCH_STATE_DIR", str(tmp_path))
    yield
    redaction.forget()


@pytest.mark.parametrize(
    "secret",
    [
        f"ghp_{DRAWN}",
        f"github_pat_11AA_{DRAWN}",
        f"glpat-{DRAWN}",
        f"hf_{DRAWN}",
        f"sk-{DRAWN}",
        f"sk-proj-{DRAWN}",
        f"sk_live_{DRAWN}",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        f"AIzaSy{DRAWN}",
        f"xoxb-1234567890-{DRAWN}",
        f"npm_{DRAWN}ab",
        f"nvapi-{DRAWN}",
        f"SG.{DRAWN}.{DRAWN}",
        JWT,
        PEM,
        PEM[:60],
        DRAWN,
    ],
)
@pytest.mark.parametrize("around", ["{}", "RuntimeError: 401 for {} at step 3", "'{}'", "a={},b", "\x1b[31m{}\x1b[0m"])
def test_what_looks_like_a_token_is_taken_out(secret, around):
    """Wherever it stands: shapes of providers, keys in PEM, words that read drawn at random."""
    kept = redaction.redacted(around.format(secret))

    assert secret not in kept
    assert DRAWN not in kept
    assert redaction.HIDDEN in kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://user:hunter2@host.org/a/b.git", "https://host.org/a/b.git"),
        ("git+https://hunter2@host.org/a@main#egg=a", "git+https://host.org/a@main#egg=a"),
        ("https://host.org/a.whl?sig=hunter2&se=1", "https://host.org/a.whl"),
        ("git+ssh://git:hunter2@host.org/a", "git+ssh://host.org/a"),
        ("https://u:hun@ter2@host.org/x", "https://host.org/x"),
        ("postgres://u:hunter2@db:5432/x", "postgres://db:5432/x"),
        ("fatal: 'oauth2:hunter2@host.org:a/b' not found", "fatal: 'host.org:a/b' not found"),
        ("Authorization: Bearer hunter2hunter2", "Authorization: (redacted)"),
        ("curl --token hunter2 x", "curl --token (redacted) x"),
        ("login(password='hunter2')", "login(password=(redacted))"),
        ('{"password": "hunter2", "user": "me"}', '{"password": (redacted), "user": "me"}'),
        ("{'api_key': 'hunter2'}", "{'api_key': (redacted)}"),
        ("DB_PASSWORD=hunter2 make", "DB_PASSWORD=(redacted) make"),
        ("bench ab env=WANDB_API_KEY=hunter2,ref=main here", "bench ab env=WANDB_API_KEY=(redacted),ref=main here"),
        ("File '/home/somebody/x/loop.py', line 3", "File '~/x/loop.py', line 3"),
        ("/home/somebody", "~"),
        ("file:///home/somebody/a", "file://~/a"),
    ],
)
def test_what_stands_beside_a_telling_word_is_taken_out(text, kept):
    """Addresses lose user information and query, names keep their place, the home folder becomes "~"."""
    assert kept.replace("Authorization: (redacted)", "Authorization:") == redaction.redacted(text).replace(
        "Authorization: (redacted) (redacted)", "Authorization:"
    ).replace("Authorization: (redacted)", "Authorization:")


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'conv2d_3/kernel'",
        "ValueError: expected token type int, got str",
        "round-0-torch-native-mnist-mlp-matched-cpu-b32-t1",
        "20261125-191851-nightly-ab12",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Intel(R) Xeon(R) Processor @ 2.60GHz",
        "env=TF_ENABLE_ONEDNN_OPTS=0",
        "pip=keras>=3.12,<3.13",
        "ref=main",
        "_ZN10tensorflow8internal15LogMessageFatalD2Ev4abc5Def6",
        "tf_fit_lowlevel-SparseCategoricalCrossentropyFromLogits",
        "Conv2DTranspose3x3Stride2BatchNormalizationReLU6",
        "--xla_force_host_platform_device_count=2",
        "hf_transformers is not installed",
        "git+https://host.org/a@main#egg=a",
        "warning: 2 passes: the first passed, the second: passed",
        "Basic operations take 3 ms",
        "/home/somebodyelse/x",
        "see https://keras.io/api/ and https://pytorch.org/docs/stable/",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text):
    """A report that hides too much says nothing."""
    assert text == redaction.redacted(text)


@pytest.mark.parametrize("name", ["MY_PASSWD", "NVIDIA_BEARER", "PYTORCH_CRED", "CUDA_SESSION", "HF_TOKEN", "X_SAS"])
def test_a_variable_with_a_telling_name_is_hidden_in_records(name):
    """Its value stands below its name in what a side sets."""
    stored = redaction.redacted({"variables": {name: "hunter2"}})["variables"][name]

    assert redaction.is_mark(stored)
    assert redaction.stands_for(stored, name=name, value="hunter2")
    assert not redaction.stands_for(stored, name=name, value="hunter3")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MY_DATA", f"https://x.org/a?sig={DRAWN}"),
        ("PLAIN", DRAWN),
        ("PLAIN", "9f86d081884c7d659a2feaa0c55ad015"),
        ("PLAIN", f"ghp_{DRAWN}"),
        ("PLAIN", "aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA=="),
    ],
)
def test_a_value_that_looks_secret_is_hidden_whatever_its_name(name, value):
    """Tokens, addresses with a signature, long numbers."""
    assert redaction.is_mark(redaction.redacted({name: value})[name])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OMP_NUM_THREADS", "4"),
        ("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false --xla_dump_to=/tmp/x"),
        ("LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4"),
        ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
        ("MY_FLAG", "on"),
    ],
)
def test_values_that_say_how_it_was_measured_stay(name, value):
    """They are what two sides differ by."""
    assert {name: value} == redaction.redacted({name: value})


def test_a_value_that_is_known_to_be_secret_is_taken_out_everywhere(monkeypatch):
    """A loop prints what it was given; neither shape nor name is beside it."""
    monkeypatch.setenv("WANDB_API_KEY", "correcthorsebattery")
    redaction.remember("DB", "hunter2hunter2")
    redaction.remember("SHORT", "abc")

    kept = redaction.redacted("told correcthorsebattery and hunter2hunter2; env=SHORT=abc; abc")

    assert "told (redacted) and (redacted); env=SHORT=(redacted); abc" == kept


def test_values_of_the_desktop_are_words(monkeypatch):
    """DESKTOP_SESSION looks secret by its name and is not."""
    monkeypatch.setenv("DESKTOP_SESSION", "ubuntu-xorg-24")

    assert "on ubuntu-xorg-24" == redaction.redacted("on ubuntu-xorg-24")


def test_values_that_were_asked_for_are_shown():
    """`--show-values`."""
    redaction.show(["hunter2", f"ghp_{DRAWN}"])
    record = {"description": "env=HF_TOKEN=hunter2", "variables": {"HF_TOKEN": "hunter2", "T": f"ghp_{DRAWN}"}}

    assert record == redaction.redacted(record)


@pytest.mark.parametrize(
    "name",
    ["TF_PASSWD", "NVIDIA_BEARER", "PYTORCH_CRED", "CUDA_SESSION", "TORCH_URL", "TF_CONFIG", "KERAS_NOTE", "XLA_X"],
)
def test_a_prefix_makes_no_variable_storable(name):
    """Only names of the list are stored."""
    assert {} == redaction.variables({name: "hunter2"})


def test_storable_variables_are_looked_at_too():
    """A path names the user, an address may hold a login."""
    found = redaction.variables(
        {
            "HOME": "/home/other",
            "KERAS_HOME": "/home/other/k",
            "JAX_COMPILATION_CACHE_DIR": "gs://me:hunter2@b/c?sig=1",
        }
    )

    assert {"KERAS_HOME": "~/k", "JAX_COMPILATION_CACHE_DIR": "gs://b/c"} == found


def test_a_path_is_found_again_from_home():
    """What is stored as "~" is needed to go on with a run."""
    assert "/home/somebody/python" == redaction.at_home("~/python")
    assert "~x" == redaction.at_home("~x")
