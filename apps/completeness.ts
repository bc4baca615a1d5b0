import {
  BEGINNING,
  byCodePoint,
  comparePositions,
  factOf,
  hasTable,
  sameJson,
  splitStream,
  type Database,
  type EventStore,
  type Position,
  type RecordedEvent,
  type Sql,
} from '#kernel';
import { CalendarHistory } from '#calendar';
import { calendarDecider, DEFAULT_CALENDAR } from '#directory';
import {
  armedOf,
  deadlines,
  evolve,
  isFinal,
  isOpen,
  OF_CLOCKS,
  type Armed,
  type Clock,
  type State,
} from '#resolutions';
import { Waitings, watchesProjection, watchRow } from '#watches';
import { watches } from '#apps/province';

/** What the log says of every clock, and what the tables say that is not so. */
export interface Completeness {
  /** Up to here both were compared. */
  position: Position;
  /** Obligations that are not final, of all resolutions. */
  openObligations: number;
  /** Alarms that have to stand in `due`. */
  armed: number;
  /** What is waited for outside resolutions. */
  waited: number;
  /** One sentence for each row that is missing, wrong or orphaned: of clocks and alarms, and of what is waited for. */
  faults: string[];
  waitingFaults: string[];
}

/** How far each of the two has come that are compared with the log. */
type Standing = Record<'deadlines' | 'watches', Position>;

const PAGE = 1_000;

type DueRow = Omit<Armed, 'at'> & { at: Date; next_attempt_at: Date };

/**
 * The proof that nothing was forgotten: every clock is folded afresh from the log up to where the deadline projection
 * stands, and compared with its tables, row by row, in one snapshot of the database. It holds every resolution in
 * memory, about 2 KB for each.
 */
export async function completeness(database: Database, store: EventStore): Promise<Completeness> {
  const standing = async (sql: Sql): Promise<Standing> => {
    const { rows } = await sql.query<{ name: keyof Standing; position: Position }>(
      'select name, position from checkpoints where name = any($1)',
      [[deadlines().name, watchesProjection(watches).name]],
    );
    const found = Object.fromEntries(rows.map(({ name, position }) => [name, position]));
    return { deadlines: BEGINNING, watches: BEGINNING, ...found };
  };
  // The long way outside the transaction, so that it does not stand open for it; inside only what came meanwhile.
  const fold = new Fold(store);
  await fold.to(await standing(database));
  return database.transaction(async (sql) => {
    await sql.query('set transaction isolation level repeatable read, read only');
    const position = await standing(sql);
    await fold.to(position);
    const waitingFaults = await waitedFaults(sql, fold.waitings);
    const wanted = new Map(fold.armed().map((armed) => [keyOf(armed), armed]));
    const obligations = [...fold.clocks.values()].flatMap(({ state }) => state.obligations);
    const armed = wanted.size;
    const faults = [...(await clockFaults(sql, fold.clocks)), ...(await dueFaults(sql, wanted))];
    const openObligations = obligations.filter((o) => !isFinal(o)).length;
    const waited = fold.waitings.all.size;
    return { position: position.deadlines, openObligations, armed, waited, faults, waitingFaults };
  });
}

/** Folds as the projections do, but from nothing and in memory; each as far as its projection has come. */
class Fold {
  clocks = new Map<string, Clock>();
  waitings = new Waitings(watches);
  private calendars = new Map<string, CalendarHistory>();
  private at: Standing = { deadlines: BEGINNING, watches: BEGINNING };

  constructor(private readonly store: EventStore) {}

  async to(until: Standing): Promise<void> {
    if (isBefore(until.deadlines, this.at.deadlines) || isBefore(until.watches, this.at.watches)) {
      // A projection was sent back to its beginning meanwhile.
      this.clocks = new Map();
      this.calendars = new Map();
      this.waitings = new Waitings(watches);
      this.at = { deadlines: BEGINNING, watches: BEGINNING };
    }
    const wants = (name: keyof Standing, { position }: RecordedEvent) =>
      isBefore(this.at[name], position) && !isBefore(until[name], position);
    const end = isBefore(until.deadlines, until.watches) ? until.watches : until.deadlines;
    let from = isBefore(this.at.deadlines, this.at.watches) ? this.at.deadlines : this.at.watches;
    while (isBefore(from, end)) {
      const { events, position } = await this.store.readAll(from, PAGE);
      for (const event of events) {
        if (wants('deadlines', event)) this.take(event);
        if (wants('watches', event)) this.waitings.take(event);
      }
      from = events.length > 0 ? position : end;
    }
    this.at = until;
  }

  armed(): Armed[] {
    const views = new Map([...this.calendars].map(([id, history]) => [id, history.view()]));
    const view = (id: string) => views.get(id) ?? new CalendarHistory(id).view();
    return [...this.clocks.values()].flatMap((clock) => armedOf(clock, view, DEFAULT_CALENDAR));
  }

  private take(event: RecordedEvent): void {
    const { stream, metadata } = event;
    const [aggregate, id] = splitStream(stream);
    if (!OF_CLOCKS.includes(aggregate)) return;
    if (aggregate === calendarDecider.aggregate) {
      this.calendars.set(id, calendarDecider.evolve(this.calendars.get(id), factOf(event), event)!);
      return;
    }
    const state: State = evolve(this.clocks.get(stream)?.state, factOf(event), event);
    if (state) this.clocks.set(stream, { stream, state, import: metadata.import ?? null });
  }
}

async function waitedFaults(sql: Sql, { all }: Waitings): Promise<string[]> {
  if (!(await hasTable(sql, 'read_watches'))) return ['The table of what is waited for is missing.'];
  const faults: string[] = [];
  const unseen = new Map(all);
  for (let after = ''; ;) {
    const { rows } = await sql.query<{ id: string; doc: object }>(
      'select id, doc from read_watches where id > $1 order by id limit $2',
      [after, PAGE],
    );
    for (const { id, doc } of rows) {
      const known = unseen.get(id);
      unseen.delete(id);
      if (!known) faults.push(`Nobody waits for ${id}, as the log tells it.`);
      else if (!sameJson(doc, watchRow(known))) faults.push(`What is waited for as ${id} is not what the log gives.`);
    }
    if (rows.length < PAGE) break;
    after = rows.at(-1)!.id;
  }
  for (const id of unseen.keys()) faults.push(`${id} is waited for and would never be asked for.`);
  return faults.sort(byCodePoint);
}

async function clockFaults(sql: Sql, clocks: ReadonlyMap<string, Clock>): Promise<string[]> {
  const faults: string[] = [];
  const unseen = new Set(clocks.keys());
  for (let after = ''; ;) {
    const { rows } = await sql.query<Clock & { open: boolean }>(
      'select stream, state, open, import from clocks where stream > $1 order by stream limit $2',
      [after, PAGE],
    );
    for (const row of rows) {
      const known = clocks.get(row.stream);
      unseen.delete(row.stream);
      if (!known) faults.push(`The clock of ${row.stream} is orphaned: the log has no such resolution.`);
      else if (row.open !== isOpen(known.state) || row.import !== known.import || !sameJson(row.state, known.state)) {
        faults.push(`The clock of ${row.stream} is not what the log gives.`);
      }
    }
    if (rows.length < PAGE) break;
    after = rows.at(-1)!.stream;
  }
  for (const stream of unseen) faults.push(`${stream} has no clock.`);
  return faults.sort(byCodePoint);
}

/** Takes what it finds out of `wanted`. */
async function dueFaults(sql: Sql, wanted: Map<string, Armed>): Promise<string[]> {
  const faults: string[] = [];
  for (let after = ['', '']; ;) {
    const { rows } = await sql.query<DueRow>(
      `select stream, obligation, at, what, import, next_attempt_at from due
       where (stream, obligation) > ($1, $2) order by stream, obligation limit $3`,
      [...after, PAGE],
    );
    for (const row of rows) {
      const known = wanted.get(keyOf(row));
      wanted.delete(keyOf(row));
      const at = row.at.toISOString();
      if (!known) faults.push(`The alarm of ${nameOf(row)} (${row.what}, ${at}) is orphaned: nothing is armed there.`);
      else if (known.at !== at || known.what !== row.what || known.import !== row.import) {
        faults.push(
          `The alarm of ${nameOf(row)} says ${row.what} at ${at}; the log gives ${known.what} at ${known.at}.`,
        );
      } else if (row.next_attempt_at.getTime() - Math.max(row.at.getTime(), Date.now()) > LONGEST_WAIT_MS) {
        faults.push(`The alarm of ${nameOf(row)} would not be tried before ${row.next_attempt_at.toISOString()}.`);
      }
    }
    if (rows.length < PAGE) break;
    const { stream, obligation } = rows.at(-1)!;
    after = [stream, obligation];
  }
  for (const missing of wanted.values()) {
    faults.push(`${nameOf(missing)} has no alarm; ${missing.what} at ${missing.at} would never fire.`);
  }
  return faults.sort(byCodePoint);
}

const isBefore = (a: Position, b: Position): boolean => comparePositions(a, b) < 0;

/** The waker tries again within half a minute; clocks of nodes differ a little. */
const LONGEST_WAIT_MS = 120_000;

const keyOf = ({ stream, obligation }: Pick<Armed, 'stream' | 'obligation'>): string => `${stream} ${obligation}`;
const nameOf = ({ stream, obligation }: Pick<Armed, 'stream' | 'obligation'>): string =>
  obligation ? `obligation ${obligation} of ${stream}` : stream;
