// Prints a line a finding of AWS's validator, then the number of rules; any FATAL, ERROR or WARN fails.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, template] = process.argv.slice(2);
const found = createRequire(`${modules}/`).resolve('@aws/cloudformation-validate');
const { RegoEngine, TemplateFile } = await import(pathToFileURL(found));
const engine = new RegoEngine();
const { diagnostics } = engine.validateStandard(new TemplateFile(template));
const bad = diagnostics.filter((d) => /FATAL|ERROR|WARN/i.test(d.severity));
for (const d of bad)
    console.log(`${d.location?.start?.line ?? ''} [${d.severity}] ${d.ruleId} ${d.message}`);
console.log(`rules ${engine.listRules().length}`);
engine.free();
process.exit(bad.length ? 1 : 0);
