"""What runs print, without the secrets in it: `***` stands where one was. Pure.

`resources.py` puts every text of a TaskRun or PipelineRun through a `Redaction` that knows the run's variables. What is
secret by its name is decided by `delivery/secrets/masking.py`, as for the options of hooks; here is added what
operators' commands handle. In doubt something is hidden: the custom resource still has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from app.delivery.secrets.masking import MASK, is_secret, masked_text

# Characters that a secret has at least, to be looked for in a text: shorter ones stand in texts by chance.
_LEAST: Final = 4

_SECRET_NAME: Final = re.compile(r"kubeconf|pass$")  # in lower case and without what separates words
_SEPARATORS: Final = re.compile(r"[^a-z0-9]")

_USER: Final = re.compile(r"""(?<=://)[^\s/?#"'<>]+@""")  # of a URL, with the password

# Secrets that show by themselves, wherever they stand.
_SECRETS: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|\Z)"
    # base64 of `-----BEGIN `, and of how kubeconfigs begin: so the custom resources and kubeconfigs hold them
    r"|(?:LS0tLS1CRUdJTi|(?:YXBpVmVyc2lvbjogdjEK)?(?:Y2x1c3RlcnM6|a2luZDogQ29uZmln))"
    r"[A-Za-z0-9+/=]*(?:\r?\n[A-Za-z0-9+/=]{8,})*"
    # a JSON web token, such as that of a service account; only where a word begins, so that time grows with the text
    r"|(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*",
    re.DOTALL,
)

_KIND_CONFIG: Final = re.compile(r"\bkind\W{1,6}Config\b")


def without_user(text: str) -> str:
    """A text whose URLs name neither user nor password."""
    return _USER.sub(f"{MASK}@", text)


class Redaction:
    """Hides the secrets of one run: what its variables hold, and what shows by itself."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        values = {value.strip() for name, value in variables.items() if _is_secret(name, value)}
        self._secrets = tuple(sorted(value for value in values if len(value) >= _LEAST))

    def variables(self) -> dict[str, str]:
        """The run's variables as they may be shown."""
        return {name: MASK if _is_secret(name, value) else self.text(value) for name, value in self._variables.items()}

    def text(self, text: str) -> str:
        """A text of the run as it may be shown."""
        if _is_kubeconfig(text):
            return MASK
        return without_user(_SECRETS.sub(MASK, masked_text(text, self._secrets)))


def _is_secret(name: str, value: str) -> bool:
    return is_secret(name, value) or bool(value and _SECRET_NAME.search(_SEPARATORS.sub("", name.lower())))


def _is_kubeconfig(text: str) -> bool:
    """Whether it is one, in YAML or JSON, or the part of one that matters."""
    return "client-key-data" in text or ("users" in text and _KIND_CONFIG.search(text) is not None)
