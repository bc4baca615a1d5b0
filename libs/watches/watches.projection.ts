import { saveDocuments, schemaOf, textColumn, type Projection } from '#kernel';
import { askedNotBefore } from '#calendar';
import { askId, touchedBy, typesOf, Waitings, type Waiting, type Watch } from './watch.js';

/** Beside what is waited for stands what follows from it, so that it can be looked for. */
export const watchRow = (waiting: Waiting) => ({ ...waiting, ask: askId(waiting), notBefore: askedNotBefore(waiting) });

const TABLE = {
  table: 'read_watches',
  columns: {
    owner: textColumn(`doc->>'owner'`),
    since: textColumn(`doc->>'since'`),
    ask: textColumn(`doc->>'ask'`),
    not_before: textColumn(`doc->>'notBefore'`),
    import: textColumn(`doc->>'import'`),
  },
  indexes: ['(owner, since, id)', '(ask)', '(not_before)'],
};

/** One row for each thing that is waited for. When it is asked for next is worked out whenever somebody looks. */
export const watchesProjection = (watches: readonly Watch[]): Projection => ({
  name: 'watches',
  version: 2,
  schema: schemaOf(TABLE),
  tables: [TABLE.table],
  on: typesOf(watches),
  async apply(events, sql) {
    const { ids, asks } = touchedBy(watches, events);
    const { rows } = await sql.query<{ id: string; doc: ReturnType<typeof watchRow> }>(
      `select id, doc from ${TABLE.table} where id = any($1) or ask = any($2)`,
      [ids, asks],
    );
    const waitings = new Waitings(
      watches,
      rows.map(({ id, doc: { ask: _, notBefore: __, ...waiting } }) => [id, waiting] as const),
    );
    const touched = [...new Set(events.flatMap((event) => waitings.take(event)))];
    const kept = touched.flatMap((id) => {
      const waiting = waitings.all.get(id);
      return waiting ? [[id, watchRow(waiting)] as const] : [];
    });
    await sql.query(`delete from ${TABLE.table} where id = any($1)`, [touched]);
    await saveDocuments(sql, TABLE.table, new Map(kept));
  },
});
