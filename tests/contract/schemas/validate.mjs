// What the official tools say of the contract's files: one JSON object on standard output.
// node validate.mjs ASYNCAPI SCHEMA_FOLDER
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Parser } from "@asyncapi/parser";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const [, , asyncapi, folder] = process.argv;

const { document, diagnostics } = await new Parser().parse(readFileSync(asyncapi, "utf8"));
const found = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join("."), severity }));

// Strict: also a keyword that nobody knows is an error.
const ajv = new Ajv2020({ strict: true, strictRequired: true, allErrors: true });
addFormats(ajv);
const schemas = {};
for (const file of readdirSync(folder).filter((name) => name.endsWith(".schema.json"))) {
  const errors = [];
  let examples = [];
  try {
    const schema = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const validate = ajv.compile(schema);
    examples = schema.examples ?? [];
    for (const each of examples) {
      if (!validate(each)) {
        errors.push(ajv.errorsText(validate.errors));
      }
    }
  } catch (error) {
    errors.push(error.message);
  }
  schemas[file] = { errors, examples: examples.length };
}

const operations = document
  ? document.operations().all().map((each) => ({
      id: each.id(),
      action: each.action(),
      addresses: each.channels().all().map((channel) => channel.address()),
      messages: each.messages().all().map((message) => message.name()),
    }))
  : null;
console.log(JSON.stringify({ diagnostics: found, operations, schemas }));
