import {
  BEGINNING,
  byCodePoint,
  comparePositions,
  factOf,
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

/** What the log says of every clock, and what the tables say that is not so. */
export interface Completeness {
  /** Up to here both were compared. */
  position: Position;
  /** Obligations that are not final, of all resolutions. */
  openObligations: number;
  /** Alarms that have to stand in `due`. */
  armed: number;
  /** One sentence for each row that is missing, wrong or orphaned. */
  faults: string[];
}

const PAGE = 1_000;

type DueRow = Omit<Armed, 'at'> & { at: Date; next_attempt_at: Date };

/**
 * The proof that nothing was forgotten: every clock is folded afresh from the log up to where the deadline projection
 * stands, and compared with its tables, row by row, in one snapshot of the database. It holds every resolution in
 * memory, about 2 KB for each.
 */
export async function completeness(database: Database, store: EventStore): Promise<Completeness> {
  const standing = async (sql: Sql): Promise<Position> => {
    const { rows } = await sql.query<{ position: Position }>('select position from checkpoints where name = $1', [
      deadlines().name,
    ]);
    return rows[0]?.position ?? BEGINNING;
  };
  // The long way outside the transaction, so that it does not stand open for it; inside only what came meanwhile.
  const fold = new Fold(store);
  await fold.to(await standing(database));
  return database.transaction(async (sql) => {
    await sql.query('set transaction isolation level repeatable read, read only');
    const position = await standing(sql);
    await fold.to(position);
    const wanted = new Map(fold.armed().map((armed) => [keyOf(armed), armed]));
    const obligations = [...fold.clocks.values()].flatMap(({ state }) => state.obligations);
    const armed = wanted.size;
    const faults = [...(await clockFaults(sql, fold.clocks)), ...(await dueFaults(sql, wanted))];
    return { position, openObligations: obligations.filter((o) => !isFinal(o)).length, armed, faults };
  });
}

/** Folds as the projection does, but from nothing and in memory. */
class Fold {
  clocks = new Map<string, Clock>();
  private calendars = new Map<string, CalendarHistory>();
  private position = BEGINNING;

  constructor(private readonly store: EventStore) {}

  async to(until: Position): Promise<void> {
    if (comparePositions(until, this.position) < 0) {
      // The projection was sent back to its beginning meanwhile.
      this.clocks = new Map();
      this.calendars = new Map();
      this.position = BEGINNING;
    }
    while (comparePositions(this.position, until) < 0) {
      const { events } = await this.store.readAll(this.position, PAGE);
      const due = events.filter(({ position }) => comparePositions(position, until) <= 0);
      due.forEach((event) => this.take(event));
      this.position = due.length > 0 && due.length === events.length ? due.at(-1)!.position : until;
    }
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

/** The waker tries again within half a minute; clocks of nodes differ a little. */
const LONGEST_WAIT_MS = 120_000;

const keyOf = ({ stream, obligation }: Pick<Armed, 'stream' | 'obligation'>): string => `${stream} ${obligation}`;
const nameOf = ({ stream, obligation }: Pick<Armed, 'stream' | 'obligation'>): string =>
  obligation ? `obligation ${obligation} of ${stream}` : stream;
