from __future__ import annotations

import pytest
from apprise.manager_plugins import NotificationManager

from app.notifications.destinations import schemes

KNOWN = NotificationManager()  # type: ignore[no-untyped-call]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own, where it is loaded

# What reads files, runs programs, shows something on this machine's desktop, or speaks without TLS; and mail.
OUT = (
    *("dbus", "gio", "glib", "gnome", "kde", "qt", "macosx", "windows", "syslog", "rsyslog", "file", "json", "xml"),
    *("form", "mailto", "mailtos", "smpp", "smpps", "mqtt", "mqtts", "gotify", "ntfy", "http", "https", "blink1"),
    *("vapid", "fcm", "workflows"),
)


@pytest.mark.parametrize("scheme", sorted(schemes.SCHEMES))
def test_apprise_knows_each_scheme_that_is_let_in(scheme: str) -> None:
    assert scheme in KNOWN


@pytest.mark.parametrize("scheme", sorted(schemes.SCHEMES))
def test_no_scheme_that_is_let_in_speaks_without_tls(scheme: str) -> None:
    plain = KNOWN[scheme].protocol or ()
    assert scheme not in ((plain,) if isinstance(plain, str) else plain)


@pytest.mark.parametrize("scheme", OUT)
def test_others_are_not_let_in(scheme: str) -> None:
    with pytest.raises(ValueError, match="one of the schemes"):
        schemes.check(f"{scheme}://a.example.com/s3cret")


@pytest.mark.parametrize("url", ["", "discord", "://a", " discord://a/b", "discord:/a/b", "\tjsons://a", "jsons ://a"])
def test_what_is_no_url_is_not_let_in(url: str) -> None:
    with pytest.raises(ValueError, match="one of the schemes"):
        schemes.check(url)


@pytest.mark.parametrize(
    "query",
    [
        "template=/etc/passwd",
        "a=b&template=https://a.example/",
        "a=b;template=x",
        "TEMPLATE=x",
        "%74emplate=x",
        "+ template=x".replace("+", ""),
        "%20template%20=x",
        "a%26template=x",
        "verify=no",
        "redirect=yes",
        "optional=yes",
        "attach=/etc/passwd",
        "retry=9&wait=9",
        "rto=1000",
        "store=yes",
    ],
)
def test_a_url_asks_for_nothing_beside_the_message(query: str) -> None:
    with pytest.raises(ValueError, match="must do without the parameter") as refused:
        schemes.check(f"discord://123/s3cret/?{query}")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "discord://1/2",
        "jsons://user:pass@a.example:8443/b/?+X-A=b&-c=d&:e=f",
        "JSONS://a",
        "gotifys://a/token?priority=5",
    ],
)
def test_what_services_need_is_let_in(url: str) -> None:
    schemes.check(url)
