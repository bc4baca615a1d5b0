import { restart, Checkpoints, type Database } from '#kernel';
import { createSql } from '#stores';
import { allProjections } from '#apps/read-models';
import { searchProjection, searchQuery } from '#search';
import { as } from '#test/kit/given';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { happened } from '#test/kit/worker';

const UNITS = 20_000;
const WORDS = ['نساجی', 'سرامیک', 'شیمیایی', 'ماشین‌سازی', 'چرم', 'کاشی', 'فولاد', 'روغن', 'لبنیات', 'داروسازی'];

describe(`search among ${UNITS} units`, () => {
  let db: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
    await new Checkpoints(database).prepare();
    await database.transaction(async (sql) => {
      for (const projection of allProjections) await restart(projection, sql);
    });
    const units = Array.from({ length: UNITS }, (_, n) => ({
      ...happened('UnitRegistered', {
        name: `واحد تولیدی ${n} (${WORDS[n % 10]} ${WORDS[(n * 7) % 9]})`,
        size: 'small',
        classes: [],
        sector: WORDS[n % 10],
      }),
      stream: `unit-u-${n}`,
      revision: 0,
      position: String(n + 1),
      recordedAt: '2026-08-25T06:00:00.000Z',
    }));
    for (let at = 0; at < UNITS; at += 2_000) await searchProjection.apply(units.slice(at, at + 2_000), database);
    await database.query('analyze read_search');
  });
  afterAll(() => db?.close());

  /** The plan of what the query really asks. */
  async function plan(q: string): Promise<string> {
    let plan = '';
    const spy = {
      async query(text: string, values?: readonly unknown[]) {
        const { rows } = await database.query(`explain ${text}`, values);
        plan = rows.map((row) => Object.values(row)[0]).join('\n');
        return { rows: [], rowCount: 0 };
      },
    };
    await searchQuery.run({ q }, as('governor'), spy);
    return plan;
  }

  it('uses its index', async () => {
    expect(await plan('تولیدی 19999')).toContain('Bitmap Index Scan on read_search_0');
  });

  it('finds one among all, typed in other letters and digits', async () => {
    const before = performance.now();
    const { items } = (await searchQuery.run({ q: 'توليدي ١٩٩٩٩' }, as('governor'), database)) as any;
    expect(items).toMatchObject([{ kind: 'unit', id: 'u-19999' }]);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});
