// Shows the document with the React component, and the form of try.js in each operation.
"use strict";

(() => {
  const data = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = data("anystream-config");
  const specification = data("anystream-document");

  // The component takes a parsed document: one whose references are the objects themselves. That
  // is all the official parser would add, and it may not run under a strict security policy.
  function connect(root) {
    const visited = new Set();

    function at(pointer) {
      let place = root;
      for (const part of pointer.slice(2).split("/")) {
        const key = decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~");
        place = Object.prototype.hasOwnProperty.call(Object(place), key) ? place[key] : undefined;
      }
      return place;
    }

    function isReference(value) {
      return typeof value.$ref === "string" && /^#\/(servers|channels|components)\//.test(value.$ref);
    }

    function resolved(value) {
      for (let hops = 0; hops < 100 && value && typeof value === "object" && isReference(value); hops++) {
        const target = at(value.$ref);
        if (target === undefined) break;
        value = target;
      }
      if (value && typeof value === "object" && !visited.has(value)) {
        visited.add(value);
        for (const key of Object.keys(value)) value[key] = resolved(value[key]);
      }
      return value;
    }

    return resolved(root);
  }

  function named(objects, mark) {
    for (const [name, object] of Object.entries(objects || {})) {
      if (object && typeof object === "object" && !(mark in object)) object[mark] = name;
    }
  }

  function parsed(root) {
    const components = root.components || {};
    const id = "x-parser-unique-object-id";
    connect(root);
    named(components.schemas, "x-parser-schema-id");
    named(components.messages, "x-parser-message-name");
    named(components.messages, id);
    named(root.channels, id);
    named(root.operations, id);
    for (const channel of Object.values(root.channels || {})) named(channel.messages, id);
    root["x-parser-api-version"] = 1;
    root["x-parser-spec-parsed"] = true;
    return root;
  }

  // A page that is embedded elsewhere can be asked for less: ?sidebar=false&info=0
  function shown() {
    const query = new URLSearchParams(location.search);
    const flag = (name, value) =>
      query.has(name) ? ["1", "t", "true", "y", "yes"].includes(query.get(name).toLowerCase()) : value;
    const names = ["sidebar", "info", "servers", "operations", "messages", "schemas", "errors"];
    const show = Object.fromEntries(names.map((name) => [name, flag(name, config.show[name])]));
    show.messageExamples = true;
    return { show, examples: flag("expandMessageExamples", config.expandMessageExamples) };
  }

  function themes() {
    const button = document.getElementById("anystream-theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const show = (theme) => {
      document.documentElement.dataset.theme = theme;
      button.textContent = theme === "dark" ? "Light" : "Dark";
    };
    const chosen = () => {
      try {
        return localStorage.getItem("anystream-theme");
      } catch {
        return null; // the browser keeps nothing
      }
    };
    const follow = () => show(chosen() ?? (system.matches ? "dark" : "light"));
    system.addEventListener("change", follow);
    button.addEventListener("click", () => {
      const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("anystream-theme", other);
      } catch {
        // then it is forgotten with the page
      }
      show(other);
    });
    follow();
  }

  // The texts are at this very URL with a query, whatever proxies made of it.
  function links() {
    for (const link of document.querySelectorAll("a[data-format]")) {
      link.href = `?format=${link.dataset.format}`;
    }
  }

  themes();
  links();
  const { show, examples } = shown();
  AsyncApiStandalone.render(
    {
      schema: parsed(specification),
      config: {
        show,
        expand: { messageExamples: examples },
        sidebar: { showServers: "byDefault", showOperations: "byDefault" },
      },
      plugins: config.tryUrl === null ? [] : [window.anystreamTry(config)],
    },
    document.getElementById("asyncapi"),
  );
})();
