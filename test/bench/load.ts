/**
 * A command to a stream of 10, 100 or 1,000 events that changes nothing any more: load, settle, decide, one after the
 * other; when nothing of the stream is in memory, and when it was read before. Beside it, reading the stream's rows.
 */
import { systemClock } from '#kernel';
import { resolutionDecider } from '#resolutions';
import { createPool, createSql, migrate, PostgresEventStore } from '#stores';
import { communicate, establish, workshop } from '#test/kit/worker';
import { callers, inTurns, limitRate, rate, report, spread, together, withPostgres } from './kit.js';

const LENGTHS = [10, 100, 1_000];
const ROUNDS = 3;
const ROUND_MS = 1_000;
const AGENCY = { id: 'g', role: 'agency', agency: 'gas' } as const;

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 4 });
  const store = new PostgresEventStore(pool);
  const shop = workshop({ store, database: createSql(pool), clock: systemClock });
  await establish(shop);
  for (const length of LENGTHS) {
    const id = `r-${length}`;
    await communicate(shop, id, { workingDays: 300 });
    for (let percent = 0; (await shop.loader.load(resolutionDecider, id)).revision < length - 1; percent++) {
      await shop.say(AGENCY, 'resolution', id, 'ReportProgress', {
        obligation: 'o1',
        percent: percent % 100,
        note: '…',
      });
    }
    const again = () => shop.say('secretary', 'resolution', id, 'CommunicateResolution', { letterNumber: '1' });
    const found = await inTurns(ROUNDS, {
      cold: () => callers(1, ROUND_MS, () => (shop.loader.forget(), again())),
      warm: () => callers(1, ROUND_MS, again),
      limit: () =>
        callers(1, ROUND_MS, () =>
          pool.query('select * from log.events where stream = $1 order by revision', [`resolution-${id}`]),
        ),
    });
    const limit = together(found.limit).perSecond;
    for (const how of ['cold', 'warm'] as const) {
      const { perSecond, ms } = together(found[how]);
      const beside = limitRate('its rows read', limit, perSecond);
      report(`decided on a stream of ${length} events, ${how}`, `${rate(perSecond)}, ${spread(ms)}`, undefined, beside);
    }
  }
  await pool.end();
});
