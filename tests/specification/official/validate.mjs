// Reads documents, one JSON text a line; answers each with a line: what the official JSON schema
// of its version and the official parser say of it.
import { createInterface } from "node:readline";
import { Parser } from "@asyncapi/parser";
import specs from "@asyncapi/specs";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const parser = new Parser();
const levels = ["error", "warning", "information", "hint"];
const schemas = new Map();

function schemaOf(version) {
  if (!schemas.has(version)) {
    const ajv = new Ajv({ allErrors: true, strict: false, meta: false, validateSchema: false });
    addFormats(ajv);
    schemas.set(version, ajv.compile(specs.schemas[version]));
  }
  return schemas.get(version);
}

for await (const line of createInterface({ input: process.stdin })) {
  const document = JSON.parse(line);
  const said = [];
  const valid = schemaOf(document.asyncapi);
  if (!valid(document)) {
    for (const { instancePath, message } of valid.errors) {
      said.push({ level: "error", code: "json-schema", path: instancePath, message });
    }
  }
  const { diagnostics } = await parser.parse(document);
  for (const { severity, code, path, message } of diagnostics) {
    said.push({ level: levels[severity], code, path: path.join("/"), message });
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
