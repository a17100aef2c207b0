// Evaluates JSONata with the reference implementation. In, on standard input: [{expression, bindings}]; out: [{value} or {error}].
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const jsonata = createRequire(process.argv[2] + "/")("jsonata");
const digests = { MD5: "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };

// What Step Functions adds to the language: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
function addStepFunctions(expression) {
  expression.registerFunction("parse", (text) => JSON.parse(text), "<s:x>");
  expression.registerFunction("uuid", () => randomUUID());
  expression.registerFunction("hash", (text, algorithm) => createHash(digests[algorithm]).update(text).digest("hex"), "<ss:s>");
}

async function evaluate({ expression, bindings }) {
  try {
    const compiled = jsonata(expression);
    addStepFunctions(compiled);
    const value = await compiled.evaluate(undefined, bindings);
    return value === undefined ? { error: "undefined" } : { value };
  } catch (error) {
    return { error: error.code ?? String(error) };
  }
}

const questions = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(questions.map(evaluate))));
