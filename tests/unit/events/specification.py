"""Examples of the CloudEvents 1.0.2 specification, JSON format and HTTP binding, each given a subject of ours."""

from __future__ import annotations

from typing import Final

SUBJECT: Final = "ops.clusters.default.namespaces.x.y"

_ATTRIBUTES: Final = b"""
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": "ops.clusters.default.namespaces.x.y",
    "id" : "C234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "unsetextension": null,"""

STRUCTURED: Final = {
    "Base64": b'{%s "datacontenttype" : "application/vnd.apache.thrift.binary", "data_base64" : "AAEC/w==" }',
    "a text that is XML": b'{%s "datacontenttype" : "application/xml", "data" : "<much wow=\\"xml\\"/>" }',
    "an object": b'{%s "datacontenttype" : "application/json",'
    b' "data" : { "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true } }',
    "a number": b'{%s "datacontenttype" : "application/json", "data" : 1.5 }',
    "a string": b'{%s "datacontenttype" : "application/json", "data" : "I\'m just a string" }',
    "an object without its media type": b'{%s "data" : { "appinfoA" : "abc" } }',
    "no data": b'{%s "datacontenttype" : "application/json" }',
}
STRUCTURED_EVENTS: Final = {name: text.replace(b"%s", _ATTRIBUTES) for name, text in STRUCTURED.items()}

BATCH: Final = b"""[
  {
      "specversion" : "1.0",
      "type" : "com.example.someevent",
      "source" : "/mycontext/4",
      "subject" : "ops.clusters.default.namespaces.x.y",
      "id" : "B234-1234-1234",
      "time" : "2018-04-05T17:31:00Z",
      "comexampleextension1" : "value",
      "comexampleothervalue" : 5,
      "datacontenttype" : "application/vnd.apache.thrift.binary",
      "data_base64" : "AAEC/w=="
  },
  {
      "specversion" : "1.0",
      "type" : "com.example.someotherevent",
      "source" : "/mycontext/9",
      "subject" : "ops.clusters.default.namespaces.x.y",
      "id" : "C234-1234-1234",
      "time" : "2018-04-05T17:31:05Z",
      "comexampleextension1" : "value",
      "comexampleothervalue" : 5,
      "datacontenttype" : "application/json",
      "data" : { "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true }
  }
]"""

BINARY_TYPE: Final = "application/json; charset=utf-8"
BINARY: Final = {
    "ce-specversion": "1.0",
    "ce-type": "com.example.someevent",
    "ce-time": "2018-04-05T03:56:24Z",
    "ce-id": "1234-1234-1234",
    "ce-source": "/mycontext/subcontext",
    "ce-subject": SUBJECT,
}
# What stands in a header, and what it means.
VALUES: Final = {
    "Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀",
    '"quoted \\"text\\" of old"': 'quoted "text" of old',
    "%22in%20marks%22": '"in marks"',
    "%41BC": "ABC",
    "100%": "100%",
    "%2541": "%41",
}
