"use strict";

SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  tryItOutEnabled: false,
  // The default sends the document to a validator on the Internet.
  validatorUrl: null,
});
