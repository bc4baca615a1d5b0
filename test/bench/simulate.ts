/** The nine Economic Tuesdays on the virtual clock, on one core; beside it, reading the lines and writing the events as JSON. */
import { readFileSync } from 'node:fs';
import type { RecordedEvent } from '#kernel';
import { parseLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { inTurns, limitRate, median, perSecond, rate, report } from './kit.js';
import { tuesdays, TUESDAYS, UNTIL } from './log.kit.js';

const ROUNDS = 7;
const TARGET = 50_000;

const text = readFileSync(TUESDAYS, 'utf8');
const lines = parseLines(text, TUESDAYS);
const events = await tuesdays();
const write = (event: RecordedEvent) => JSON.stringify(event).length;
const found = await inTurns(ROUNDS, {
  product: () =>
    perSecond(async () => {
      let count = 0;
      const simulation = new Simulation((event) => (write(event), count++));
      for (const line of parseLines(text, TUESDAYS)) await simulation.send(line);
      await simulation.advance(UNTIL);
      return count;
    }),
  limit: () =>
    perSecond(() => {
      text.split('\n').map((line) => line && (JSON.parse(line) as unknown));
      events.forEach(write);
      return events.length;
    }),
});
const [product, limit] = [median(found.product), median(found.limit)];
const perMinute = (product * 60 * lines.length) / events.length;
report(
  `simulate ${lines.length} commands, ${events.length} events`,
  `${rate(product)} events, ${Math.round(perMinute).toLocaleString('en')} commands a minute`,
  { met: perMinute >= TARGET, is: `at least ${TARGET.toLocaleString('en')} a minute` },
  limitRate('JSON.parse of the lines, JSON.stringify of the events', limit, product),
);
