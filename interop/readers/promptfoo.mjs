// promptfoo takes the tests by file, as YAML and as JSON, and by generators in JavaScript and Python.
// Each result file is uploaded; the verdict has to be just the one wrong case.
import {execFileSync, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const {URL, TOKEN, DATASET, WRONG, HERE} = process.env;
const version = `${URL}/api/v1/golden/${DATASET}/versions/1`;
const headers = {Authorization: `Bearer ${TOKEN}`};
const bin = path.resolve('node_modules/.bin/promptfoo');

async function ask(address, body) {
  const answer = await fetch(address, {method: body ? 'POST' : 'GET', headers, body});
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${text}`);
  return text;
}

for (const name of ['promptfoo.yaml', 'promptfoo.json'])
  fs.writeFileSync(name, await ask(`${version}/${name}`));
for (const name of ['promptfoo_generator.mjs', 'promptfoo_generator.py', 'promptfoo_system.mjs'])
  fs.copyFileSync(path.join(HERE, name), name);

const sources = {
  yaml: 'file://promptfoo.yaml',
  json: 'file://promptfoo.json',
  javascript: 'file://promptfoo_generator.mjs',
  python: 'file://promptfoo_generator.py:tests',
};
const lines = (await ask(version)).split('\n').filter(Boolean).map((line) => JSON.parse(line));
for (const [kind, tests] of Object.entries(sources)) {
  const config = {prompts: ['{{input}}'], providers: ['file://promptfoo_system.mjs'], tests};
  fs.rmSync(`${kind}.results.json`, {force: true});
  fs.writeFileSync(`${kind}.config.json`, JSON.stringify(config));
  const told = spawnSync(bin, ['eval', '-c', `${kind}.config.json`, '-o', `${kind}.results.json`,
    '--no-cache', '--no-table', '--no-progress-bar', '--no-write'], {encoding: 'utf8'});
  if (!fs.existsSync(`${kind}.results.json`)) throw new Error(`${kind}: ${told.stdout}\n${told.stderr}`);
  const file = fs.readFileSync(`${kind}.results.json`, 'utf8');
  const rows = JSON.parse(file).results.results;
  for (const row of rows) {
    const wanted = lines.find((line) => line.id === row.testCase.metadata.case_id);
    // What the system was asked: our texts hold templates, which have to arrive as they are.
    if (row.prompt.raw !== wanted.input.messages[0].content)
      throw new Error(`${kind}: asked ${JSON.stringify(row.prompt.raw)} for ${JSON.stringify(wanted)}`);
  }
  const answer = JSON.parse(await ask(`${version}/runs?format=promptfoo&run_key=${kind}-${process.pid}`, file));
  const {expected, complete, unknown, errors} = answer.coverage;
  if (!complete || unknown.length || errors || Math.abs(answer.pass_rate - (expected - 1) / expected) > 1e-9)
    throw new Error(`${kind}: ${JSON.stringify(answer).slice(0, 2000)}`);
  if (process.env.KEEP) fs.copyFileSync(`${kind}.results.json`, path.join(process.env.KEEP, `promptfoo-${kind}.json`));
  console.log(kind, answer.decision, answer.pass_rate);
}
