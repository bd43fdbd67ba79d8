// Starts Swagger UI. All addresses are relative, because a stage's path may precede them.
"use strict";

// By default Swagger UI searches only the names of tags.
function search(tags, phrase) {
  const words = phrase.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (tag) => (each) => {
    const { operationId, summary } = each.get("operation").toObject();
    const text = [tag, each.get("method"), each.get("path"), operationId, summary].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return tags
    .map((group, tag) => group.update("operations", (operations) => operations.filter(matches(tag))))
    .filter((group) => group.get("operations").size > 0);
}

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  plugins: [{ fn: { opsFilter: search } }],
  filter: true,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // otherwise the document is sent to a server of Swagger's
  onComplete() {
    const field = document.querySelector(".operation-filter-input");
    field.placeholder = "Search operations";
    field.setAttribute("aria-label", field.placeholder);
  },
});
