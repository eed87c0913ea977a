"""Templates of receivers: what they can do, and that hostile ones are refused, or end soon and small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.notifications.templates import template
from app.notifications.templates.bounds import LONGEST, TemplateError
from app.notifications.templates.template import FILTERS, SAMPLE, TESTS, Compiled

LONG = "x" * 1_000_000
MANY = ["x" * 9 + str(number) for number in range(20_000)]


def rendered(source: str, **values: Any) -> str:
    return Compiled(source).render({**SAMPLE, **values})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ severity | upper }} {{ title }} on {{ data.host }}", "ERROR disk on node-a"),
        ("{% for one in items %}{{ loop.index }} {{ one.title }}{% endfor %}", "1 disk"),
        ("{% if resolved %}over{% elif severity in ['error', 'critical'] %}bad{% else %}so so{% endif %}", "bad"),
        ("{{ data.nothing.at.all | default('-') }}", "-"),
        ("{% set size = data.size * 2 + 1 %}{{ size }}", "11"),
        ('{"text": {{ message | tojson }}}', '{"text": "the disk of node-a is full"}'),
        ("{{ data['host'][:4] }}", "node"),
        ("{% for name, value in fields | dictsort %}{{ name }}={{ value }};{% endfor %}", "host=node-a;"),
        ("{{ items | map(attribute='severity') | unique | join(', ') }}", "error"),
        ("{{ items | selectattr('severity', 'eq', 'error') | list | length }}", "1"),
        ("{{ data.size is number and data.size is odd }}", "True"),
        ("{{ 7.1234567 | round(2) }}", "7.12"),
        ("{{ '<b>full</b> &amp; <i>hot' | striptags }}", "full & hot"),
        ("{{ 'a < b > c <' | striptags }}", "a c <"),
        ("{{ message | replace('disk', 'DISK') | truncate(12) }}", "the DISK..."),
        ("ä 告警 {# not shown #}", "ä 告警 "),
        ("", ""),
    ],
)
def test_a_template_says_what_it_says(source: str, told: str) -> None:
    assert rendered(source) == told


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ title", "line 1: unexpected end of template"),
        ("a\nb\n{% if %}", "line 3: Expected an expression"),
        ("a\n{{ titel }}", "line 2: there is no titel: there are channel, count"),
        ("{{ self }}", "there is no self"),
        ("{{ range(10) }}", "line 1: call is not let in here"),
        ("{{ ''.join(items) }}", "call is not let in here"),
        ("{{ title.format(title) }}", "call is not let in here"),
        ("{{ lipsum() }}{{ cycler() }}", "call is not let in here"),
        ("{{ loop.cycle('a') }}", "call is not let in here"),
        ("{% macro m() %}{% endmacro %}", "macro is not let in here"),
        ("{% include 'x' %}", "include is not let in here"),
        ("{% import 'x' as y %}", "import is not let in here"),
        ("{% extends 'x' %}", "extends is not let in here"),
        ("{% block b %}{% endblock %}", "block is not let in here"),
        ("{% call m() %}{% endcall %}", "call block is not let in here"),
        ("{% filter upper %}{% endfilter %}", "filter block is not let in here"),
        ("{% set x %}a{% endset %}", "assign block is not let in here"),
        ("{% with x = 1 %}{% endwith %}", "with is not let in here"),
        ("{{ 9 ** 9 ** 9 }}", "pow is not let in here"),
        ("{{ title ~ title }}", "concat is not let in here"),
        ("{% set x = [items, items] %}", "may hold numbers and texts only"),
        ("{% set x = {'a': items} %}", "may hold numbers and texts only"),
        ("{% for a in items recursive %}{% endfor %}", "a recursive loop is not let in here"),
        ("{{ title | format('x') }}", "the filter format is not let in here: use one of abs"),
        ("{{ title | center(1000000000) }}", "the filter center is not let in here"),
        ("{{ title | attr('__class__') }}", "the filter attr is not let in here"),
        ("{{ title | pprint }}{{ title | xmlattr }}", "is not let in here"),
        ("{{ title | nothing }}", "is not let in here"),
        ("{{ items | map('format', 'x') }}", "the filter format is not let in here"),
        ("{{ items | map(title) }}", "map wants the name of a filter as it stands"),
        ("{{ title is filter }}", "the test filter is not let in here: use one of"),
        ("{{ title is callable }}", "the test callable is not let in here"),
        ("{{ title is sameas(title) }}", "the test sameas is not let in here"),
        ("{{ " + "(" * 5000 + "title" + ")" * 5000 + " }}", "nested too deeply"),
        ("{{ " + "not " * 5000 + "title }}", "nested too deeply"),
        ("{{ " + "title + " * 5000 + "title }}", "nested too deeply"),
        ("{% for a in items %}" * 25 + "{% endfor %}" * 25, "nested too deeply"),
        ("{% if title %}" * 200 + "{% endif %}" * 200, "nested too deeply"),
    ],
)
def test_what_is_not_let_in_is_refused_when_it_is_read(source: str, why: str) -> None:
    with pytest.raises(TemplateError) as refused:
        Compiled(source)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ title.__class__.__mro__ }}",
        "{{ title.__class__.__base__.__subclasses__ }}",
        "{{ items | map(attribute='__class__') | list }}",
        "{{ items | map(attribute='__class__.__mro__') | list }}",
        "{{ data['__class__'] }}{{ data.__init__.__globals__ }}",
        "{{ loop.__init__ }}{% for a in items %}{{ loop.__class__ }}{{ loop._iterable }}{% endfor %}",
        "{{ items | selectattr('__class__') | list }}",
        "{{ items | sort(attribute='__class__') | join(attribute='__doc__') }}",
        "{{ (title | default).__globals__ }}",
        "{{ title.format.__globals__ }}{{ title.format.__self__.__class__ }}",
    ],
)
def test_no_attribute_leads_behind_the_values(source: str) -> None:
    try:
        told = rendered(source)
    except TemplateError:
        return
    assert "class" not in told
    assert "module" not in told
    assert "object at" not in told


# Each would take hours or gigabytes, were it not bounded: with what is sent (`data`), or by itself.
HOSTILE: Mapping[str, Mapping[str, Any]] = {
    "{% for a in data.m %}{% for b in data.m %}{{ b }}{% endfor %}{% endfor %}": {"m": MANY},
    "{% for a in data.m %}{% for b in data.m %}{% endfor %}{% endfor %}": {"m": MANY},
    "{% for a in data.m %}{% for b in data.m if b == a %}{% endfor %}{% endfor %}": {"m": MANY},
    "{% for a in data.m %}{{ data.l }}{% endfor %}": {"m": MANY, "l": LONG},
    "{% for a in data.m %}{% if 'y' in data.l %}{% endif %}{% endfor %}": {"m": MANY, "l": LONG},
    "{% for a in data.m %}{% if data.l == data.k %}{% endif %}{% endfor %}": {"m": MANY, "l": LONG, "k": LONG + "y"},
    "{% for a in data.m %}{% if data.l is in(data.k) %}{% endif %}{% endfor %}": {"m": MANY, "l": "y", "k": LONG},
    "{% for a in data.m %}{% set b = data.l[1:] %}{% endfor %}": {"m": MANY, "l": LONG},
    "{% for a in data.m %}{% set b = data.m | sort %}{% endfor %}": {"m": MANY},
    "{{ data.m | select('in', data.l) | list | length }}": {"m": MANY, "l": LONG},
    "{{ data.m | map('replace', 'x', data.l) | list }}": {"m": MANY, "l": LONG},
    "{{ data.m | map('default', data.l) | map('upper') | list | length }}": {"m": MANY, "l": LONG},
    "{{ data.l | replace('x', data.l) }}": {"l": LONG},
    "{{ data.l | replace('', data.l) }}": {"l": LONG},
    "{{ data.m | join(data.l) }}": {"m": MANY, "l": LONG},
    "{{ data.l + data.l }}": {"l": LONG},
    "{{ data.l * 1000000 }}": {"l": LONG},
    "{{ 1000000 * data.l }}": {"l": LONG},
    "{{ data.m * 1000000 }}": {"m": MANY},
    "{{ '%1000000000d' % 5 }}": {},
    "{{ data.l % data.l }}": {"l": "%1000000000d"},
    "{{ data.n | round(1000000000) }}": {"n": "x"},
    "{{ 1000000000000000 * 1000000000000000 }}": {},
    "{{ [1, 2] | sum(start=[]) }}": {},
    "{{ data.m | sum(start='') }}": {"m": MANY},
    "{{ data.l | urlencode }}": {"l": "ä" * 300_000},
    "{{ data.l | escape }}": {"l": "<" * 1_000_000},
    "{{ data.l | tojson }}": {"l": "\x01" * 1_000_000},
    "{{ data }}": {"m": MANY, "l": LONG},
    "{{ data.m | list | string }}": {"m": MANY},
    "{{ 1 // 0 }}": {},
    "{{ 1 % 0 }}{{ 5 is divisibleby 0 }}": {},
    "{{ 5 is divisibleby 0 }}": {},
    "{{ data.host.missing + 1 }}": {},
    "{{ items | first | round }}": {},
    "{{ 'x' | truncate(-5) }}": {},
    "{{ data.d.a.b }}{{ data.d }}": {"d": [[[]]] * 50_000},
}


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_template_ends_with_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        rendered(source, data=HOSTILE[source])


def deep(levels: int) -> Any:
    found: Any = "x"
    for _ in range(levels):
        found = [found]
    return found


def test_what_is_sent_may_be_nested_deeply() -> None:
    with pytest.raises(TemplateError):
        rendered("{{ data.d }}", data={"d": deep(50_000)})


def test_tags_are_stripped_in_one_pass_however_many_there_are() -> None:
    # Jinja2's own takes minutes: it copies what is left for each tag.
    assert rendered("{{ data.t | striptags }}", data={"t": "<a>" * 300_000}) == ""
    assert rendered("{{ data.t | striptags | length }}", data={"t": "<" * 60_000}) == "60000"


def test_names_are_looked_for_once_however_many_there_are() -> None:
    assert len(rendered("{{ title }}" * 5_900)) == 4 * 5_900


def test_what_comes_out_has_a_bound() -> None:
    assert len(rendered("{{ data.l }}", data={"l": "x" * LONGEST})) == LONGEST
    with pytest.raises(TemplateError, match="longer than 65536"):
        rendered("{{ data.l }}y", data={"l": "x" * LONGEST})


def test_a_budget_is_each_rendering_s_own() -> None:
    compiled = Compiled("{% for a in data.m %}{{ a }}{% endfor %}")
    for _ in range(50):
        assert compiled.render({**SAMPLE, "data": {"m": [1] * 5_000}}) == "1" * 5_000


def test_what_goes_on_for_too_long_is_told_so() -> None:
    with pytest.raises(TemplateError, match="it goes on for too long: go through less"):
        rendered("{% for a in data.m %}{% for b in data.m %}{% endfor %}{% endfor %}", data={"m": MANY})


def test_a_template_changes_nothing_of_what_it_is_given() -> None:
    data = {"m": [3, 1, 2]}
    assert rendered("{{ data.m | sort | join }}{{ data.m | reverse | join }}", data=data) == "123213"
    assert data == {"m": [3, 1, 2]}


def test_every_filter_and_test_that_is_let_in_is_there() -> None:
    assert set(template._environment.filters) >= FILTERS
    assert set(template._environment.tests) == TESTS


@given(st.text(alphabet="{}%|[]()'\"abtile .+-*/~=!<>#\n0123456789ifornsetdu", max_size=120))
def test_any_template_is_taken_or_refused(source: str) -> None:
    try:
        assert len(rendered(source)) <= LONGEST
    except TemplateError as error:
        assert str(error)  # noqa: PT017 -- both ways are right
