from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidResourceError
from app.notifications.configuration import MAX_BYTES, Configuration, parse, warnings, written

SLACK = "destination: {type: slack, url: https://hooks.slack.com/services/T0/hunter2}"

VALID = f"""\
default: operators
receivers:
  - name: operators
    {SLACK}
  - name: oncall
    destination: {{type: pagerduty, routingKey: hunter2}}
routes:
  - match: {{severity: {{atLeast: error}}, data: {{cluster: prod, "labels.team": [a, b], port: 80}}}}
    receivers: [oncall]
    continue: true
  - match: {{provider: [ksyun, aliyun], channel: {{not: webhook}}}}
    routes:
      - match: {{severity: info}}
        receivers: [operators]
"""

RECEIVERS = f"receivers:\n  - name: a\n    {SLACK}\n"


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(InvalidResourceError) as refused:
        parse(text if isinstance(text, bytes) else text.encode())
    return [f"{problem.field}: {problem.why}" for problem in refused.value.problems]


def test_a_file_is_read() -> None:
    found = parse(VALID.encode())
    assert [receiver.name for receiver in found.receivers] == ["operators", "oncall"]
    assert found.routes[0].goes_on
    assert found.routes[0].match.data["port"] == ("80",)
    assert found.routes[1].routes[0].receivers == ("operators",)
    assert list(warnings(found)) == []


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        ("{limit: 0}", "line 4: receivers[0].rate.limit: Input should be greater than or equal to 1"),
        ("{limit: 1, per: 1y}", "line 4: receivers[0].rate.per: must be a time such as 30s, 5m or 4h"),
        ("{limit: 1, unit: m}", "line 4: receivers[0].rate.unit: is no field here: mend its name, or leave it out"),
        ("nothing", "line 4: receivers[0].rate: Input should be 'none'"),
        ("5", "line 4: receivers[0].rate: Input should be a valid dictionary or instance of Rate"),
    ],
)
def test_what_is_wrong_with_a_rate_is_told_by_its_line(rate: str, told: str) -> None:
    assert problems(f"{RECEIVERS}    rate: {rate}\n") == [told]


@pytest.mark.parametrize(
    ("destination", "told"),
    [
        ("{type: telegram, token: 'a b', chat: '1'}", "token: must be one word of ASCII, as the service shows it"),
        ('{type: pagerduty, routingKey: "a\\nb"}', "routingKey: must be one word of ASCII, as the service shows it"),
        ("{type: opsgenie, apiKey: ''}", "apiKey: must be one word of ASCII, as the service shows it"),
        (
            "{type: email, host: a, from: a@b.c, to: [a@b.c], password: hunter2}",
            "destination: username and password go together: give both, or neither",
        ),
        (
            "{type: email, host: a, from: a@b.c, to: [a@b.c], username: a, password: hunter2, tls: none}",
            "destination: a password is sent over TLS only: leave out tls, or username and password",
        ),
        ("{type: email, host: a, from: a@b.c, to: ['a@b.c, d@e.f']}", "must be an address such as oncall@example.com"),
        ("{type: email, host: a, from: a@b.c, to: ['a@b.c>\n']}", "must be an address such as oncall@example.com"),
        ("{type: email, host: a, from: a@b.c, to: ['\u00e9@b.c']}", "must be an address such as oncall@example.com"),
        ("{type: apprise, url: 'dbus://hunter2'}", "url: must be a URL of Apprise with one of the schemes"),
        ("{type: apprise, url: 'discord://1/hunter2?template=x'}", "url: must do without the parameter template"),
    ],
)
def test_what_is_wrong_with_a_destination_is_told_without_its_secrets(destination: str, told: str) -> None:
    found = problems(f"receivers:\n  - name: a\n    destination: {destination}\n")
    assert told in found[0]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("content_type", ["", "a\\r\\nX-A: b", " text/plain"])
def test_a_content_type_is_one_header(content_type: str) -> None:
    text = f'{RECEIVERS}    template: {{contentType: "{content_type}"}}'
    assert "contentType" in problems(text)[0]


def test_secrets_are_not_shown() -> None:
    found = parse(VALID.encode())
    assert "hunter2" not in repr(found)
    assert "hunter2" not in str(found)
    assert "hunter2" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: the file: Input should be a valid dictionary or instance of Configuration"),
        ("receivers: []\nroute: []", "line 2: route: is no field here: mend its name, or leave it out"),
        ("routes: []", "line 1: receivers: Field required"),
        ("a: [", "the file: is not YAML at line 1, column 5"),
        (f"{RECEIVERS}default: b", "line 4: default: no receiver is called b"),
        (f"{RECEIVERS}routes:\n  - receivers: [a, b]", "line 5: routes[0].receivers[1]: no receiver is called b"),
        (
            f"{RECEIVERS}routes:\n  - match: {{}}",
            "line 5: routes[0]: names no receivers, and nor does",
        ),
        (f"{RECEIVERS}routes:\n  - continu: true", "line 5: routes[0].continu: is no field here"),
        (
            f"{RECEIVERS}routes:\n- receivers: [a]\n  match: {{severity: {{atLeast: bad}}}}",
            "line 6: routes[0].match.severity: atLeast must be one of debug, info, warning, error, critical",
        ),
        (
            f"{RECEIVERS}routes:\n- receivers: [a]\n  match: {{channel: {{atLeast: info}}}}",
            "line 6: routes[0].match.channel: must be a text, a list of texts, {not: …}",
        ),
        (
            f"{RECEIVERS}routes:\n- receivers: [a]\n  match:\n    data:\n      x: {{y: 1}}",
            "line 8: routes[0].match.data.x: must be a text, a list of texts, {not: …}",
        ),
        (
            f"{RECEIVERS}routes:\n- receivers: [a]\n  match: {{foo: 1}}",
            "line 6: routes[0].match.foo: is no field here",
        ),
        (f"receivers:\n- name: -a\n  {SLACK}", "line 2: receivers[0].name: must be 1 to 63 letters"),
        (
            "receivers:\n- name: a\n  destination: {type: pager, key: hunter2}",
            "line 3: receivers[0].destination: the type must be one of 'webhook', 'xiezuo'",
        ),
        (
            "receivers:\n- name: a\n  destination: {type: slack, url: hunter2}",
            "line 3: receivers[0].destination.url: must be a URL that begins with http:// or https://",
        ),
        (
            "receivers:\n- name: a\n  destination: {type: slack, url: 'http://[hunter2'}",
            "line 3: receivers[0].destination.url: ",
        ),
        (
            "receivers:\n- name: a\n  destination:\n    type: email\n    host: x\n    from: hunter2\n    to: [b@c.d]",
            "line 6: receivers[0].destination.from: must be an address",
        ),
        (f"{RECEIVERS}  - name: a\n    {SLACK}", "line 4: receivers[1].name: a stands there 2 times"),
    ],
)
def test_what_breaks_a_rule_is_told_with_its_line(text: str, told: str) -> None:
    found = problems(text)
    assert found[0].startswith(told), found
    assert "hunter2" not in "".join(found)


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(problems(f"default: x\n{RECEIVERS}routes:\n- receivers: [b, c]")) == 3


def test_a_file_that_is_too_large_is_refused() -> None:
    assert "larger" in problems(b" " * (MAX_BYTES + 1))[0]


def nested(depth: int) -> str:
    inner = "{receivers: [a]}"
    for _ in range(depth - 1):
        inner = f"{{routes: [{inner}]}}"
    return f"{RECEIVERS}routes: [{inner}]"


def test_routes_may_be_nested_so_deep_and_no_deeper() -> None:
    assert parse(nested(16).encode()).routes
    assert "nested deeper than 16 levels" in problems(nested(17))[0]
    assert problems(nested(400))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", ["the file: no default", "receivers[0]: no route names a"]),
        ("default: a\n", []),
        ("default: a\nroutes:\n- receivers: [a]\n- receivers: [a]\n", ["routes[1]: is never reached"]),
        ("default: a\nroutes:\n- {receivers: [a], continue: true}\n- receivers: [a]\n", []),
    ],
)
def test_what_is_hardly_meant_is_told(more: str, told: list[str]) -> None:
    found = sorted(f"{written(path)}: {why}" for path, why in warnings(parse((RECEIVERS + more).encode())))
    assert len(found) == len(told)
    for one, begins in zip(found, sorted(told), strict=True):
        assert one.startswith(begins)


@given(st.text(alphabet="abdefilmnoprstuv:-[]{} \n", max_size=80))
def test_any_text_is_taken_or_refused_with_a_reason(text: str) -> None:
    try:
        assert isinstance(parse(text.encode()), Configuration)
    except InvalidResourceError as error:
        assert error.problems  # noqa: PT017 -- both ways are right
