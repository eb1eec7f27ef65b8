// node tests/deploy/cloudformation.mjs FOLDER TEMPLATE...: what AWS's validator, installed in FOLDER, says of each template.
// One line of JSON: the number of its rules, and the findings, a list for each template.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, ...templates] = process.argv.slice(2);
const { RegoEngine, TemplateFile } = createRequire(join(folder, 'package.json'))('@aws/cloudformation-validate');
const engine = new RegoEngine();
const found = templates.map((path) => engine.validateStandard(new TemplateFile(path)).diagnostics);
console.log(JSON.stringify({ rules: engine.listRules().length, found }));
engine.free();
