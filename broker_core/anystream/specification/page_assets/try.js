// Try It Out: a form in each operation that sends a message to the application.
"use strict";

window.anystreamTry = (config) => {
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name in made && typeof value !== "string") made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  // An example of a schema whose references are resolved; a schema inside itself ends it.
  function example(schema, above = []) {
    if (!schema || typeof schema !== "object" || above.includes(schema)) return null;
    const inside = [...above, schema];
    if (Array.isArray(schema.examples) && schema.examples.length) return schema.examples[0];
    for (const name of ["example", "default", "const"]) if (name in schema) return schema[name];
    if (Array.isArray(schema.enum)) return schema.enum[0];
    if (Array.isArray(schema.allOf)) {
      const parts = schema.allOf.map((part) => example(part, inside));
      if (!parts.every((part) => part && typeof part === "object")) return parts[0] ?? null;
      return Object.assign({}, ...parts);
    }
    const choices = schema.oneOf || schema.anyOf;
    if (Array.isArray(choices)) {
      return example(choices.find((it) => it.type !== "null") ?? choices[0], inside);
    }
    return ofType(schema, inside);
  }

  function ofType(schema, inside) {
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (type === "object" || schema.properties) {
      const found = {};
      for (const [name, property] of Object.entries(schema.properties || {})) {
        const value = example(property, inside);
        if (value !== null || (schema.required || []).includes(name)) found[name] = value;
      }
      return found;
    }
    if (type === "array") {
      const items = Array.isArray(schema.items) ? schema.items : schema.items ? [schema.items] : [];
      return items.map((item) => example(item, inside)).filter((item) => item !== null);
    }
    if (type === "integer" || type === "number") return numberOf(schema);
    if (type === "boolean") return true;
    if (type === "null") return null;
    return stringOf(schema);
  }

  function numberOf(schema) {
    if ("minimum" in schema) return schema.minimum;
    if ("exclusiveMinimum" in schema) return schema.exclusiveMinimum + 1;
    if ("maximum" in schema) return Math.min(0, schema.maximum);
    return 0;
  }

  function stringOf(schema) {
    const formats = {
      date: "2026-01-31",
      "date-time": "2026-01-31T12:00:00Z",
      time: "12:00:00Z",
      duration: "PT1H",
      email: "ann@example.com",
      uri: "https://example.com",
      uuid: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
      ipv4: "192.0.2.1",
      binary: "",
    };
    const text = formats[schema.format] ?? "string";
    return "minLength" in schema ? text.padEnd(schema.minLength, "x") : text;
  }

  // Below or beside the page, whatever prefix a proxy has put before both.
  function endpoint() {
    const here = location.pathname.replace(/\/$/, "");
    if (config.tryUrl !== "") return config.tryUrl;
    if (!config.tryPath) return `${here}/try`;
    const prefix = here.endsWith(config.pagePath) ? here.slice(0, -config.pagePath.length || undefined) : "";
    return prefix + config.tryPath;
  }

  async function send(request) {
    const response = await fetch(endpoint(), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const text = await response.text();
    let body = text;
    try {
      body = JSON.parse(text);
    } catch {
      // shown as it came
    }
    return { status: response.status, ok: response.ok, body };
  }

  function show(output, title, failed, ...lines) {
    output.replaceChildren(element("strong", {}, title), ...lines);
    output.className = `anystream-try-answer${failed ? " anystream-try-failed" : ""}`;
    output.hidden = false;
  }

  function showAnswer(output, { status, ok, body }) {
    if (ok) {
      const text = typeof body === "string" ? body : JSON.stringify(body, null, 2);
      return show(output, `HTTP ${status}`, false, element("pre", {}, text));
    }
    const lines = [];
    for (const error of body.errors || []) {
      lines.push(element("li", {}, `${error.loc.join(".") || "message"}: ${error.msg}`));
    }
    const details = body.details ?? (typeof body === "string" ? body : JSON.stringify(body, null, 2));
    const list = lines.length ? [element("ul", {}, ...lines)] : [];
    return show(output, `HTTP ${status}`, true, ...list, element("pre", {}, details));
  }

  function form({ operation, channel }) {
    const message = operation.messages().all()[0];
    const sample = message && message.hasPayload() ? example(message.payload().json()) : null;
    const body = element("textarea", { rows: "8", spellcheck: "false", "aria-label": "Message" });
    body.value = JSON.stringify(sample, null, 2);
    const address = channel.address() ?? "";
    const names = [...address.matchAll(/\{([A-Za-z0-9_]+)\}/g)].map((found) => found[1]);
    const inputs = names.map((name) => element("input", { name, value: name, type: "text" }));
    const real = element("input", { type: "checkbox" });
    const button = element("button", { type: "submit" }, "Send");
    const output = element("div", { hidden: true, role: "status" });
    const labels = inputs.map((input, n) => element("label", {}, `${names[n]} `, input));
    const realLabel = element("label", {}, real, " send it to the real broker");
    const made = element(
      "form",
      {},
      ...labels,
      body,
      element("div", { class: "anystream-try-row" }, button, ...(config.realBroker ? [realLabel] : [])),
      output,
    );
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      let payload;
      try {
        payload = JSON.parse(body.value);
      } catch (error) {
        return show(output, "This is not JSON", true, element("pre", {}, String(error.message)));
      }
      button.disabled = true;
      try {
        const request = {
          channelName: channel.id(),
          message: { operation_id: operation.id() ?? channel.id(), operation_type: "receive", message: payload },
          options: { sendToRealBroker: real.checked, timestamp: new Date().toISOString() },
        };
        if (names.length) request.parameters = Object.fromEntries(inputs.map((it) => [it.name, it.value]));
        showAnswer(output, await send(request));
      } catch (error) {
        show(output, "No answer", true, element("pre", {}, String(error.message)));
      } finally {
        button.disabled = false;
      }
    });
    return made;
  }

  function mount(place, context) {
    if (place.firstChild) return;
    const summary = element("summary", {}, "Try It Out");
    const details = element("details", { class: "anystream-try" }, summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(form(context));
    });
    place.append(details);
  }

  // The component's bundle keeps its React to itself; an element is this plain object.
  function reactElement(place) {
    return {
      $$typeof: Symbol.for("react.element"),
      type: "div",
      key: null,
      ref: place,
      props: { className: "anystream-try-place" },
      _owner: null,
      _store: {},
    };
  }

  // What is received is what can be tried; an HTTP endpoint has no messages.
  function Form({ context }) {
    if (!context.operation.isReceive() || context.operation.messages().length === 0) return null;
    return reactElement((place) => place && mount(place, context));
  }

  return {
    name: "anystream-try",
    version: "1",
    install: (api) => api.registerComponent("operation", Form),
  };
};
