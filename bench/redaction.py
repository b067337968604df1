"""What is secret is taken out wherever text is stored, printed or published: the one place that knows how.

    remember    a value that is secret here, whatever it looks like
    redacted    text, or anything made of dicts, lists and text, without its secrets
    variables   the environment variables that may be stored: those of a list, by their exact names

Out go: values of variables with a name like PASSWORD, wherever they turn up; what providers' tokens look like; user
information and queries of addresses; private keys; words that read like drawn at random. The home folder becomes "~".
A prefix says nothing: TF_PASSWD and TORCH_URL begin like variables of frameworks.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from loops import seal

HIDDEN = "(redacted)"
"""What stands in place of a secret."""

_NO_TEXT = {"images", "loop_sha256", "workload_sha256", "sha256"}
"""Fields that look drawn at random, and are computed."""

_SHORTEST_MASK = 8
"""A shorter value is taken out only beside its name: alone it could be any word."""

_NAMES_IN_TEXT = (
    r"pass(?:word|wd|phrase|code)?|passw|secrets?|(?:\w{0,40}[_-])?tokens?|api[_-]?key|access[_-]?key|account[_-]?key|"
    r"private[_-]?key|secret[_-]?key|shared[_-]?key|credentials?|bearer|authorization|cookie|set-cookie|sig|"
    r"signature|client[_-]?secret|pwd"
)
_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASS|PWD|PASSWD|CRED|KEY|AUTH|BEARER|SESSION|COOKIE|PRIVATE|SIGNATURE|WEBHOOK|LICEN[CS]E|CERT"
    r"|(?:^|_)(?:LOGIN|PAT|SAS|SIG|JWT|OTP|PIN|DSN|SALT|PW|OAUTH|CONN|CONNECTION_STRING)(?:_|\d|$)"
    r"|^TF_(?:VAR|CLI)_",  # Terraform's, which may hold anything
    re.IGNORECASE,
)
_OF_THE_DESKTOP = re.compile(r"^(?:XDG|DESKTOP|DBUS|GNOME|KDE|TERM|SSH_AUTH|ITERM|WAYLAND|COLOR|LESS|KEYBOARD)")
"""Variables whose names look secret, and whose values are words such as "ubuntu"."""

_KNOWN_TOKENS = re.compile(
    r"""
    -----BEGIN[ ][A-Z0-9 ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z0-9 ]*PRIVATE[ ]KEY-----|\Z)
    |(?:(?<![A-Za-z0-9])|(?<=\dm))(?:  # at the beginning of a word, or behind a colour of the terminal
        gh[pousr]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|gl(?:pat|ptt|dt|rt|cbt)-[\w-]{10,}
        |hf_(?=[A-Za-z]*[0-9A-Z])[A-Za-z0-9]{10,}|api_org_[A-Za-z0-9]{10,}
        |(?:sk|pk|rk)[-_](?:(?:live|test|proj|ant|or|svcacct)[-_])*(?=[\w-]{0,200}\d)[\w-]{16,}
        |(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[0-9A-Z]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{10,}|GOCSPX-[\w-]{10,}
        |xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|dckr_(?:pat|oat)_[\w-]{10,}
        |nvapi-[\w-]{16,}|gsk_[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}|do[opr]_v1_[a-f0-9]{16,}|shp(?:at|ca|pa|ss)_\w{16,}
        |SG\.[\w-]{10,}\.[\w-]{10,}|lin_api_\w{16,}|sq0\w{3}-[\w-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|wandb_v1_\w{10,}
        |eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_ADDRESS = re.compile(
    r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)(?:[^\s/@'\"]*@)*(?P<rest>[^\s?#'\"<>]*)(?P<query>\?[^\s#'\"<>]*)?"
)
_LOGIN_OVER_SSH = re.compile(r"(?<![\w/:.+-])[\w.+-]{1,64}:[^\s@/:'\"]{3,200}@(?=[\w-]+\.[\w.-]+[:/])")
_HEADER = re.compile(
    r"\b(Bearer|Basic|Digest|Negotiate)\s+(?=[^\s\"']{0,400}[\d=])[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE
)
_UPPER_CASE = re.compile(r"\b(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&|'\"]+)")
_NAMED = re.compile(
    rf"(?P<before>(?:--|\b|[\"'_])(?:{_NAMES_IN_TEXT})[\"']?\s*[=:]\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&|'\"{{\[(]+)",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?P<before>(?<![\w-])--?(?:[\w-]{{0,40}}-)?(?:{_NAMES_IN_TEXT})\s+)(?P<value>[^\s-]\S*)", re.IGNORECASE
)
_WORD = re.compile(r"(?<![\w/+.-])[A-Za-z0-9_-]{20,200}(?![\w/+=-])")
_RANDOM_TURNS = 0.4
"""Share of neighbours of unlike kind (small, large, digit) in a word: 0.62 if drawn at random, 0.1 to 0.3 in names."""
_FEWEST_DIGITS = 2
_LONGEST_WORD_OF_A_VALUE = 20


class _Masks:
    """Values that are secret, and values that were said not to be, in this process."""

    def __init__(self) -> None:
        self.hidden: dict[str, str] = {}
        """Text -> what stands in its place."""
        self.shown: set[str] = set()


_masks = _Masks()


def remember(name: str, value: str) -> None:
    """Take a variable's value out of all that is stored from now on."""
    if not value or value in _masks.shown:
        return
    for spelled in {value, shlex.quote(value), shlex.quote(f"{name}={value}").removeprefix(f"'{name}=").rstrip("'")}:
        _masks.hidden[f"{name}={spelled}"] = f"{name}={HIDDEN}"
    if _is_mask(value):
        _masks.hidden[value] = HIDDEN


def show(values: Iterable[str]) -> None:
    """Leave these values as they are: the user said so."""
    _masks.shown |= set(values)
    _secret_values.cache_clear()


def forget() -> None:
    """Know nothing of earlier values; for tests."""
    _masks.hidden.clear()
    _masks.shown.clear()
    _secret_values.cache_clear()


def is_secret(name: str, value: str) -> bool:
    """Whether a variable's name or value looks as if nobody else should see the value."""
    if value in _masks.shown or not value:
        return False
    if name in STORED_VARIABLES:
        return _without_tokens(value) != value
    return bool(_SECRET_NAME.search(name)) or _without_tokens(value) != value or _looks_drawn(value)


def redacted(content: Any) -> Any:
    """Return text, or dicts and lists of it, without secrets; everything else as it is.

    A value below an upper-case key that is a secret variable's name goes as a whole. It leaves a mark by which this
    installation, and no other, knows the same value again.
    """
    if isinstance(content, str):
        return _text(content)
    if isinstance(content, list | tuple):
        return [redacted(part) for part in content]
    if isinstance(content, dict):
        return {
            name: part
            if name in _NO_TEXT
            else marked(name, part)
            if _is_variable(name) and isinstance(part, str)
            else redacted(part)
            for name, part in content.items()
        }
    return content


def marked(name: str, value: str) -> str:
    """Return a variable's value as it is stored: itself, or a mark in its place."""
    if is_secret(name, value) or f"{name}={value}" in _masks.hidden:
        return f"{HIDDEN[:-1]} {seal.seal('variable', name, value)[:16]})"
    return _text(value)


def is_mark(value: str) -> bool:
    """Whether a stored value stands for one that is not stored."""
    return value.startswith(HIDDEN[:-1])


def stands_for(mark: str, *, name: str, value: str) -> bool:
    """Whether a mark was made here of this value."""
    return mark == f"{HIDDEN[:-1]} {seal.seal('variable', name, value)[:16]})"


def at_home(path: str) -> str:
    """Return a stored path as the system takes it: "~" is the home folder again."""
    return str(Path(path).expanduser()) if path == "~" or path.startswith("~/") else path


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that may be stored, by name, in alphabetical order, without what looks secret in them."""
    found = {name: value for name, value in sorted(environment.items()) if name in STORED_VARIABLES}
    home = environment.get("HOME", "")
    return {name: _homeless(_text(value), homes=(home.rstrip("/"),)) for name, value in found.items()}


def _text(text: str) -> str:
    """Return text without secrets."""
    if len(text) < 4:  # noqa: PLR2004 - nothing fits
        return text
    for hidden, put in (_of_environment() | _masks.hidden).items():
        if hidden in text:
            text = text.replace(hidden, put)
    if not _masks.shown.isdisjoint({text}):
        return text
    text = _without_tokens(text)
    text = _HEADER.sub(lambda found: f"{found[1]} {HIDDEN}", text)
    text = _UPPER_CASE.sub(_assignment, text)
    text = _NAMED.sub(_named, text)
    text = _OPTION.sub(_named, text)
    text = _WORD.sub(lambda found: HIDDEN if _reads_random(found[0]) else found[0], text)
    return _homeless(text, homes=_homes())


def _without_tokens(text: str) -> str:
    """Return text without what looks like a token, and addresses without user information and query."""

    def token(found: re.Match[str]) -> str:
        return found[0] if found[0] in _masks.shown else HIDDEN

    def address(found: re.Match[str]) -> str:
        return found[0] if found[0] in _masks.shown else found["scheme"] + found["rest"]

    return _LOGIN_OVER_SSH.sub("", _KNOWN_TOKENS.sub(token, _ADDRESS.sub(address, text)))


def _assignment(found: re.Match[str]) -> str:
    """Return NAME=VALUE, without the value if the name looks secret."""
    bare = found["value"].strip("'\"")
    secret = _SECRET_NAME.search(found["name"]) and bare not in _masks.shown and not bare.startswith(HIDDEN[:-1])
    return f"{found['name']}={HIDDEN}" if secret else found[0]


def _named(found: re.Match[str]) -> str:
    """Return what stands behind "password:", "--token" and the like without its value."""
    bare = found["value"].strip("'\"")
    if bare in _masks.shown or bare.startswith(HIDDEN[:-1]) or len(bare) < 3:  # noqa: PLR2004 - "sig=1"
        return found[0]
    return f"{found['before']}{HIDDEN}"


def _reads_random(word: str) -> bool:
    """Whether a word of small and large letters and digits changes between them as often as one that was drawn."""
    if word in _masks.shown or word.startswith("_Z"):  # a mangled name of C++
        return False
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "-" for c in word]
    if not {"d", "u", "l"} <= set(kinds) or kinds.count("d") < _FEWEST_DIGITS:
        return False
    return sum(one != other for one, other in pairwise(kinds)) >= _RANDOM_TURNS * (len(word) - 1)


def _looks_drawn(value: str) -> bool:
    """Whether a whole value is one long word that reads random, or a long number in hexadecimal or base 64."""
    if len(value) < _LONGEST_WORD_OF_A_VALUE or re.search(r"[\s,:]", value) or value.startswith(("/", ".", "~", "-")):
        return False
    if re.fullmatch(r"[0-9a-fA-F-]{20,}", value):
        return True
    return bool(re.fullmatch(r"[A-Za-z0-9+/_=.-]{20,}", value)) and (_reads_random(value) or _many_kinds(value))


def _many_kinds(value: str) -> bool:
    """Whether a word without a separator mixes letters with many digits."""
    digits = sum(c.isdigit() for c in value)
    return not re.search(r"[_.-]", value) and 0.1 * len(value) <= digits <= 0.9 * len(value)


def _homeless(text: str, *, homes: Iterable[str]) -> str:
    """Return text with "~" in place of a home folder, which names the user."""
    for home in homes:
        if len(home) > 1 and home in text:
            text = re.sub(rf"(?<![\w.~-]){re.escape(home)}(?![\w.-])", "~", text)
    return text


def _homes() -> tuple[str, ...]:
    """Return the home folder as it is written, and as links lead to it; longest first."""
    home = os.environ.get("HOME", "").rstrip("/")
    if not home.startswith("/") or home.count("/") < 1:
        return ()
    return tuple(sorted({home, _resolved(home)}, key=len, reverse=True))


@cache
def _resolved(path: str) -> str:
    """Return where links lead to."""
    return os.path.realpath(path)


def _of_environment() -> dict[str, str]:
    """Return the secret values of this process' environment -> what stands in their place."""
    return _secret_values(tuple(sorted((n, v) for n, v in os.environ.items() if _SECRET_NAME.search(n))))


@cache
def _secret_values(found: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {
        value: HIDDEN
        for name, value in found
        if not _OF_THE_DESKTOP.match(name) and _is_mask(value) and value not in _masks.shown
    }


def _is_variable(name: object) -> bool:
    """Whether a key of a record is the name of a variable; fields have small letters."""
    return isinstance(name, str) and bool(re.fullmatch(r"[A-Z][A-Z0-9_]*", name))


def _is_mask(value: str) -> bool:
    """Whether a value is so particular that it can be looked for in any text."""
    if len(value) < _SHORTEST_MASK or value.startswith(("/", "~/", "unix:")) or HIDDEN[:-1] in value:
        return False
    return not re.fullmatch(r"[a-z-]{0,11}|[0-9.]{0,11}", value)


STORED_VARIABLES = frozenset(
    """
    CUBLASLT_LOG_LEVEL CUBLAS_LOGINFO_DBG CUBLAS_WORKSPACE_CONFIG CUDA_CACHE_DISABLE CUDA_CACHE_MAXSIZE
    CUDA_CACHE_PATH CUDA_DEVICE_MAX_CONNECTIONS CUDA_DEVICE_ORDER CUDA_DISABLE_PTX_JIT CUDA_FORCE_PTX_JIT CUDA_HOME
    CUDA_LAUNCH_BLOCKING CUDA_MODULE_LOADING CUDA_PATH CUDA_VISIBLE_DEVICES CUDNN_CONVOLUTION_BWD_FILTER_ALGO
    CUDNN_LOGINFO_DBG CUDNN_LOGLEVEL_DBG DNNL_DEFAULT_FPMATH_MODE DNNL_MAX_CPU_ISA DNNL_PRIMITIVE_CACHE_CAPACITY
    DNNL_VERBOSE GLIBC_TUNABLES GOMP_CPU_AFFINITY GOMP_SPINCOUNT GOMP_STACKSIZE JAX_COMPILATION_CACHE_DIR
    JAX_CPU_ENABLE_ASYNC_DISPATCH JAX_DEBUG_NANS JAX_DEFAULT_DTYPE_BITS JAX_DEFAULT_MATMUL_PRECISION JAX_DISABLE_JIT
    JAX_ENABLE_COMPILATION_CACHE JAX_ENABLE_X64 JAX_LOG_COMPILES JAX_NUM_CPU_DEVICES JAX_PLATFORMS JAX_PLATFORM_NAME
    JAX_TRACEBACK_FILTERING JAX_USE_SIMPLIFIED_JAXPR_CONSTANTS KERAS_BACKEND KERAS_FLOATX KERAS_HOME
    KERAS_NNX_ENABLED KERAS_TORCH_DEVICE KMP_AFFINITY KMP_BLOCKTIME KMP_DUPLICATE_LIB_OK KMP_HW_SUBSET KMP_LIBRARY
    KMP_SETTINGS LD_PRELOAD MALLOC_ARENA_MAX MALLOC_CONF MALLOC_MMAP_MAX_ MALLOC_MMAP_THRESHOLD_ MALLOC_TOP_PAD_
    MALLOC_TRIM_THRESHOLD_ MKL_CBWR MKL_DEBUG_CPU_TYPE MKL_DYNAMIC MKL_ENABLE_INSTRUCTIONS MKL_INTERFACE_LAYER
    MKL_NUM_STRIPES MKL_NUM_THREADS MKL_THREADING_LAYER MKL_VERBOSE NVIDIA_DRIVER_CAPABILITIES NVIDIA_TF32_OVERRIDE
    NVIDIA_VISIBLE_DEVICES OMP_DISPLAY_ENV OMP_DYNAMIC OMP_MAX_ACTIVE_LEVELS OMP_NUM_THREADS OMP_PLACES
    OMP_PROC_BIND OMP_SCHEDULE OMP_STACKSIZE OMP_THREAD_LIMIT OMP_WAIT_POLICY ONEDNN_DEFAULT_FPMATH_MODE
    ONEDNN_MAX_CPU_ISA ONEDNN_PRIMITIVE_CACHE_CAPACITY ONEDNN_VERBOSE OPENBLAS_CORETYPE OPENBLAS_MAIN_FREE
    OPENBLAS_NUM_THREADS OPENBLAS_VERBOSE PYTHONHASHSEED PYTORCH_ALLOC_CONF PYTORCH_CUDA_ALLOC_CONF
    PYTORCH_ENABLE_MPS_FALLBACK PYTORCH_JIT PYTORCH_MPS_HIGH_WATERMARK_RATIO PYTORCH_NO_CUDA_MEMORY_CACHING
    PYTORCH_NVML_BASED_CUDA_CHECK TF32_ENABLE TF_CPP_MAX_VLOG_LEVEL TF_CPP_MIN_LOG_LEVEL TF_CPP_MIN_VLOG_LEVEL
    TF_CPU_DETERMINISTIC TF_CUDNN_DETERMINISTIC TF_CUDNN_USE_AUTOTUNE TF_CUDNN_USE_FRONTEND
    TF_CUDNN_WORKSPACE_LIMIT_IN_MB TF_DETERMINISTIC_OPS TF_ENABLE_AUTO_MIXED_PRECISION
    TF_ENABLE_AUTO_MIXED_PRECISION_GRAPH_REWRITE TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32
    TF_ENABLE_CUDNN_TENSOR_OP_MATH_FP32 TF_ENABLE_DEPRECATION_WARNINGS TF_ENABLE_EAGER_CLIENT_STREAMING_ENQUEUE
    TF_ENABLE_ONEDNN_OPTS TF_ENABLE_ONEDNN_SPMD TF_ENABLE_XLA TF_FORCE_GPU_ALLOW_GROWTH TF_FORCE_UNIFIED_MEMORY
    TF_FUNCTION_JIT_COMPILE_DEFAULT TF_GPU_ALLOCATOR TF_GPU_THREAD_COUNT TF_GPU_THREAD_MODE TF_INTER_OP_PARALLELISM
    TF_INTRA_OP_PARALLELISM TF_NUM_INTEROP_THREADS TF_NUM_INTRAOP_THREADS TF_ONEDNN_ASSUME_FROZEN_WEIGHTS
    TF_ONEDNN_USE_SYSTEM_ALLOCATOR TF_SYNC_ON_FINISH TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT TF_USE_CUDNN_FRONTEND
    TF_USE_LEGACY_KERAS TF_XLA_FLAGS TORCHDYNAMO_DISABLE TORCHDYNAMO_VERBOSE TORCHINDUCTOR_CACHE_DIR
    TORCHINDUCTOR_COMPILE_THREADS TORCHINDUCTOR_CPP_WRAPPER TORCHINDUCTOR_FORCE_DISABLE_CACHES
    TORCHINDUCTOR_FREEZING TORCHINDUCTOR_FX_GRAPH_CACHE TORCHINDUCTOR_MAX_AUTOTUNE
    TORCHINDUCTOR_MAX_AUTOTUNE_GEMM TORCH_ALLOW_TF32_CUBLAS_OVERRIDE TORCH_BLAS_PREFER_CUBLASLT TORCH_COMPILE_DEBUG
    TORCH_CPP_LOG_LEVEL TORCH_CUDNN_V8_API_DISABLED TORCH_CUDNN_V8_API_ENABLED TORCH_DEVICE_BACKEND_AUTOLOAD
    TORCH_FORCE_WEIGHTS_ONLY_LOAD TORCH_LINALG_PREFER_CUSOLVER TORCH_LOGS TORCH_NUM_THREADS TORCH_SHOW_CPP_STACKTRACES
    TORCH_USE_CUDA_DSA XLA_CLIENT_MEM_FRACTION XLA_FLAGS XLA_PYTHON_CLIENT_ALLOCATOR XLA_PYTHON_CLIENT_MEM_FRACTION
    XLA_PYTHON_CLIENT_PREALLOCATE
    """.split()  # noqa: SIM905 - reads better than one string a line
)
"""What frameworks and numerical libraries read and nobody keeps a secret in, by exact name."""
