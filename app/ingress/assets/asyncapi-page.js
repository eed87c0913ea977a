"use strict";

AsyncApiStandalone.render(
  {
    schema: { url: "/docs/asyncapi.json" },
    config: { show: { sidebar: true, errors: true }, expand: { messageExamples: true } },
  },
  document.getElementById("viewer"),
);
