import * as kinds from './access.js';
import type { Actor } from './messages.js';
import { compile, raw, sql } from './sql.js';

const governor: Actor = { id: 'g', role: 'governor' };
const gas: Actor = { id: 'a', role: 'agency', agency: 'gas' };

describe('a statement', () => {
  it('carries its values beside it, whatever they say', () => {
    const { text, values } = compile(
      sql`a = ${"x'; drop table y"} and ${sql`b = any(${['1', '2']})`} ${raw('order by c')}`,
      governor,
    );
    expect(text).toBe('a = $1 and b = any($2) order by c');
    expect(values).toEqual(["x'; drop table y", ['1', '2']]);
  });

  it('reads of a kind only what the reader may see', () => {
    const statement = sql`select from ${kinds.obligations} o where o.id = ${'r/o1'}`;
    expect(compile(statement, governor)).toEqual({
      text: 'select from (select t.* from read_obligations t where true) o where o.id = $1',
      values: ['r/o1'],
    });
    expect(compile(statement, gas)).toEqual({
      text: 'select from (select t.* from read_obligations t where t.agency = $1) o where o.id = $2',
      values: ['gas', 'r/o1'],
    });
  });

  it('refuses a kind that is closed to the reader', () => {
    expect(() => compile(sql`select from ${kinds.visits} v`, gas)).toThrow('The role agency may not read visits.');
  });

  it('cannot name a table, so nobody forgets whose rows they are', () => {
    expect(() => compile(sql`select * from read_obligations`, governor)).toThrow('must name a kind');
    expect(() => compile(sql`select * from folded_resolutions`, governor)).toThrow('must name a kind');
    expect(() => compile(sql`select ${raw('doc from read_cases')}`, governor)).toThrow('must name a kind');
  });
});
