from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidResourceError
from app.notifications.routing.configuration import MAX_BYTES, Configuration, parse, read, warnings
from app.notifications.routing.wording import written

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
        ("{limit: 0}", "line 4: receivers[0].rate.limit: must be at least 1"),
        ("{limit: 1, per: 1y}", "line 4: receivers[0].rate.per: must be a time such as 30s, 5m or 4h"),
        ("{limit: 1, unit: m}", "line 4: receivers[0].rate.unit: is no field here: mend its name, or leave it out"),
        ("nothing", "line 4: receivers[0].rate: Input should be 'none'"),
        ("5", "line 4: receivers[0].rate: must have fields of its own below it"),
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
        ("", "line 1: the file: must have fields of its own below it"),
        (
            "receivers: []\nroute: []",
            "line 2: route: is no field here: mend its name, or leave it out: is routes meant?",
        ),
        ("routes: []", "line 1: receivers: is missing"),
        ("a: [", "line 1, column 5: is not YAML"),
        (
            "receivers:\n\t- name: a",
            "line 2, column 1: is not YAML: found character '\\t' that cannot start any token: indent",
        ),
        ("receivers: []\nreceivers: []", "line 2, column 1: is not YAML: a key twice: keep one of the two"),
        ("receivers: &a []\nroutes: *a", "line 2, column 9: is not YAML: an alias, which is not taken here"),
        ("receivers: 'a", "line 1, column 14: is not YAML: found unexpected end of stream: a quotation mark or"),
        ("receivers: 5", "line 1: receivers: must be a list, such as [a, b]"),
        ("receivers:\n- 5", "line 2: receivers[0]: must have fields of its own below it"),
        ("1: 2\nreceivers: []", "line 1: [1]: is no field here"),
        ("receivers:\n- name: a", "line 2: receivers[0].destination: is missing"),
        ("receivers:\n- name: 5", "line 2: receivers[0].name: must be a text: put quotes around it"),
        (
            "receivers:\n- name: a\n  destination: {url: hunter2}",
            "line 3: receivers[0].destination: has no type: write which, such as type: slack",
        ),
        ("receivers:\n- name: a\n  destination: {type: slack}", "line 3: receivers[0].destination.url: is missing"),
        (
            "receivers:\n- name: a\n  destination: {type: slack, url: '***'}",
            "line 3: receivers[0].destination.url: *** stands for no secret that is kept for this receiver",
        ),
        (
            "receivers:\n- name: a\n  destination: {type: pagerduty, routingKey: '***'}",
            "line 3: receivers[0].destination.routingKey: *** stands for no secret",
        ),
        (f"{RECEIVERS}routes:\n- receivers: a", "line 5: routes[0].receivers: must be a list, such as [a, b]"),
        (f"{RECEIVERS}routes:\n- continue: maybe", "line 5: routes[0].continue: must be true or false"),
        (f"{RECEIVERS}routes:\n- group:\n    wait: soon", "line 6: routes[0].group.wait: must be a time such as 30s"),
        (f"{RECEIVERS}routes:\n- group: {{wait: 25h}}", "line 5: routes[0].group.wait: must be at most 1d"),
        (f"{RECEIVERS}    rate: {{limit: 0}}", "line 4: receivers[0].rate.limit: must be at least 1"),
        (f"{RECEIVERS}    rate: {{limit: 1.5}}", "line 4: receivers[0].rate.limit: must be a whole number"),
        (
            f"{RECEIVERS}    template:\n      title: '{{{{ foo }}}}'",
            "line 5: receivers[0].template.title: in the template: line 1: there is no foo: there are channel,",
        ),
        (
            f"{RECEIVERS}    template:\n      message: |\n        a\n        {{% if %}}",
            "line 5: receivers[0].template.message: in the template: line 2: Expected an expression",
        ),
        (f"{RECEIVERS}    template:\n      body: x", "line 5: receivers[0].template.body: is for webhooks"),
        (
            f'{RECEIVERS}    template:\n      contentType: "text/plain\\r\\nX-Evil: 1"',
            "line 5: receivers[0].template.contentType: must be a media type such as text/plain",
        ),
        (
            f"{RECEIVERS}routes:\n- receivers: [aa]",
            "line 5: routes[0].receivers[0]: no receiver is called aa: is a meant?",
        ),
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


def test_faults_are_told_in_the_order_of_the_lines() -> None:
    found = problems(f"{RECEIVERS}routes:\n- recievers: [b]\n  match: {{severity: {{}}}}\n- receivers: 5\ndefalt: x")
    assert [one.split(":")[0] for one in found] == ["line 5", "line 6", "line 7", "line 8"]
    assert found[0].endswith("is receivers meant?")


def test_of_very_many_faults_the_first_are_told_and_the_others_counted() -> None:
    found = problems(f"{RECEIVERS}routes:\n" + "- receivers: [nobody]\n" * 100)
    assert (len(found), found[-1]) == (21, "and: 80 more")


@pytest.mark.parametrize(
    ("written_", "read_"),
    [
        *(("no", "no"), ("1.10", "1.10"), ("10:30", "10:30"), ("2026-11-23", "2026-11-23"), ("080", "080")),
        *(("1e3", "1e3"), ("80", "80"), ("1.5", "1.5"), ("true", "true"), ("'true'", "true")),
        ("123456789012345678901", "123456789012345678901"),
    ],
)
def test_a_condition_asks_for_what_is_written(written_: str, read_: str) -> None:
    found = parse(f"{RECEIVERS}routes:\n- receivers: [a]\n  match: {{data: {{x: {written_}}}}}".encode())
    assert found.routes[0].match.data["x"] == (read_,)


def test_a_template_that_fails_at_the_sample_is_allowed_and_told_of() -> None:
    text = f"default: a\n{RECEIVERS}    template:\n      title: '{{{{ data.value * 2 }}}}'\n"
    (remark,) = read(text.encode()).remarks()
    assert remark.field == "line 6: receivers[0].template.title"
    assert remark.why.startswith("fails with the sample, and so may be passed over: ")


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
    assert problems(nested(5000)) == ["the file: is not YAML: it is nested too deeply"]


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


@given(st.text(max_size=200))
def test_any_text_at_all_is_taken_or_refused_with_a_reason(text: str) -> None:
    with suppress(InvalidResourceError):
        parse(text.encode("utf-8", "surrogatepass"))


@given(st.text(alphabet="abdefilmnoprstuv:-[]{} \n", max_size=80))
def test_any_text_is_taken_or_refused_with_a_reason(text: str) -> None:
    try:
        assert isinstance(parse(text.encode()), Configuration)
    except InvalidResourceError as error:
        assert error.problems  # noqa: PT017 -- both ways are right
