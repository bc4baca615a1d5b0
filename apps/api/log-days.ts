import { BEGINNING, comparePositions, type Database, type EventStore, type Instant, type Position, type RecordedEvent } from '#kernel'; // prettier-ignore
import { dateOf, localDay } from '#calendar';

/** On which of the two axes of time the record is looked at: what was known then, or what had happened then. */
export type Axis = 'asOf' | 'validAt';

/** How much the log tells of a day in Tehran: events that were recorded on it, and events that happened on it. */
export interface DayOfLog {
  date: string;
  asOf: number;
  validAt: number;
}

/** A run of the log, and of which days its events are. */
interface Page {
  after: Position;
  last: Position;
  days: Record<string, Record<Axis, number>>;
}

const ZONE = 'Asia/Tehran';
const EVENTS_A_PAGE = 1_000;

export const dayIn = (at: Instant): string => dateOf(localDay(at, ZONE));
export const timeOf = ({ recordedAt, metadata }: RecordedEvent, axis: Axis): Instant =>
  axis === 'asOf' ? recordedAt : metadata.occurredAt;

/**
 * Of which days each page of the log tells. Whoever wants the events of a week reads the pages that have some, and not
 * the log: it has no index by time, and what happened may have been recorded years later. Pages that are full never
 * change, so they are kept in a table; nobody's data is in it.
 */
export class LogDays {
  private pages: Page[] = [];
  private tail: Page = { after: BEGINNING, last: BEGINNING, days: {} };
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
  ) {}

  /** Up to where the log was read. */
  get head(): Position {
    return this.tail.last;
  }

  /** Reads on to the end of the log. */
  catchUp(): Promise<void> {
    return (this.reading = this.reading.catch(() => {}).then(() => this.read()));
  }

  /** Days that the log tells of, in order. */
  days(): DayOfLog[] {
    const all = new Map<string, DayOfLog>();
    for (const { days } of [...this.pages, this.tail]) {
      for (const [date, { asOf, validAt }] of Object.entries(days)) {
        const day = all.get(date) ?? { date, asOf: 0, validAt: 0 };
        all.set(date, { date, asOf: day.asOf + asOf, validAt: day.validAt + validAt });
      }
    }
    return [...all.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
  }

  /** Events after `from` (all when it is empty) and up to `to`, in the order of the log; beyond `beyond` only. */
  async *between(axis: Axis, from: Instant, to: Instant, beyond = BEGINNING): AsyncGenerator<RecordedEvent[]> {
    const first = from && dayIn(from);
    const until = dayIn(to);
    for (const { after: start, last, days } of [...this.pages, this.tail]) {
      if (comparePositions(last, beyond) <= 0) continue;
      if (!Object.entries(days).some(([date, of]) => of[axis] > 0 && date >= first && date <= until)) continue;
      for (let after = start; comparePositions(after, last) < 0;) {
        const { events, position } = await this.store.readAll(after, EVENTS_A_PAGE);
        if (events.length === 0) break;
        yield events.filter((event) => {
          const time = timeOf(event, axis);
          const here = comparePositions(event.position, last) <= 0 && comparePositions(event.position, beyond) > 0;
          return here && time > from && time <= to;
        });
        after = position;
      }
    }
  }

  private async read(): Promise<void> {
    if (this.pages.length === 0) await this.load();
    let after = this.pages.at(-1)?.last ?? BEGINNING;
    let page: Page = { after, last: after, days: {} };
    for (let count = 0; ;) {
      const { events, position } = await this.store.readAll(after, EVENTS_A_PAGE);
      if (events.length === 0) break;
      for (const event of events) {
        for (const axis of ['asOf', 'validAt'] as const) {
          (page.days[dayIn(timeOf(event, axis))] ??= { asOf: 0, validAt: 0 })[axis] += 1;
        }
      }
      page.last = after = position;
      count += events.length;
      if (count < EVENTS_A_PAGE) continue;
      await this.database.query(
        'insert into past.pages (after, last, days) values ($1, $2, $3) on conflict do nothing',
        [page.after, page.last, JSON.stringify(page.days)],
      );
      this.pages.push(page);
      page = { after, last: after, days: {} };
      count = 0;
    }
    this.tail = page;
  }

  private async load(): Promise<void> {
    const { rows } = await this.database.query<Page>('select after, last, days from past.pages');
    const known = new Map(rows.map((page) => [page.after, page]));
    for (let page = known.get(BEGINNING); page; page = known.get(page.last)) this.pages.push(page);
  }
}
