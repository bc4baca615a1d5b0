/** The nine Economic Tuesdays on the virtual clock, on one core. */
import { readFileSync } from 'node:fs';
import { parseLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { median, report } from './kit.js';

const FILE = 'apps/cli/data/economic-tuesdays.ndjson';
const UNTIL = '2026-11-22T08:30:00.000Z';
const ROUNDS = 7;
const TARGET = 50_000;

const lines = parseLines(readFileSync(FILE, 'utf8'), FILE);
const perMinute: number[] = [];
let events = 0;
for (let n = 0; n < ROUNDS; n++) {
  events = 0;
  const begin = performance.now();
  const simulation = new Simulation(() => events++);
  for (const line of lines) await simulation.send(line);
  await simulation.advance(UNTIL);
  perMinute.push((lines.length * 60_000) / (performance.now() - begin));
}
const figure = median(perMinute);
report(`simulate ${lines.length} commands, ${events} events`, `${figure.toFixed(0)} commands/min`, {
  met: figure >= TARGET,
  is: `at least ${TARGET}`,
});
