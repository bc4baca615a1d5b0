import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { IsIn, IsString } from 'class-validator';
import {
  BEGINNING,
  comparePositions,
  kinds,
  Refused,
  Scoped,
  shaped,
  sql,
  type Actor,
  type Fragment,
  type Position,
} from '#kernel';
import { localDay, dateOf } from '#calendar';
import { API, type ApiDeps } from './api.js';
import { Who } from './edge.js';
import { momentOf, type Moment, type Past } from './past.js';

const ZONE = 'Asia/Tehran';
const PAGE = 500;
/** More than these are counted, not listed. */
const MAX_ITEMS = 500;

export class Between {
  @IsIn(['asOf', 'validAt']) axis!: Moment['axis'];
  @IsString() from!: string;
  @IsString() to!: string;
}

/** How much the log tells of a day in Tehran: events that were recorded on it, and events that happened on it. */
export interface DayOfLog {
  date: string;
  asOf: number;
  validAt: number;
}

/** Something of the record, as far as two moments are compared by it. */
export interface Outline {
  kind: 'session' | 'case' | 'resolution' | 'obligation';
  id: string;
  title: string;
  /** What is compared. */
  status: string;
  dueAt?: string;
  escalatedTo?: string;
  session?: string;
}

export interface Changed {
  kind: Outline['kind'];
  id: string;
  title: string;
  /** Absent when it was not there yet. */
  from?: Outline;
  to?: Outline;
}

/** The time machine: which days there are, and what is different between two of them. */
@Controller('v1/past')
@ApiExcludeController()
export class PastController {
  private readonly days = new Map<string, DayOfLog>();
  private position: Position = BEGINNING;

  constructor(@Inject(API) private readonly api: ApiDeps) {}

  @Get()
  async overview(@Who() actor: Actor): Promise<{ days: DayOfLog[] }> {
    this.past.admit(actor);
    const { store } = this.api.decide;
    for (;;) {
      const { events, position } = await store.readAll(this.position, PAGE);
      // Another request may have counted the same page meanwhile.
      if (events[0] && comparePositions(events[0].position, this.position) <= 0) continue;
      this.position = position;
      if (events.length === 0) break;
      for (const { recordedAt, metadata } of events) {
        this.day(recordedAt).asOf += 1;
        this.day(metadata.occurredAt).validAt += 1;
      }
    }
    return { days: [...this.days.values()].sort((a, b) => (a.date < b.date ? -1 : 1)) };
  }

  @Get('differences')
  async differences(@Query() query: object, @Who() actor: Actor) {
    this.past.admit(actor);
    const { axis, from, to } = shaped(Between, { ...query });
    const outlines = (at: string) =>
      this.past.read(momentOf({ [axis]: at }), (past) => outlinesOf(new Scoped(actor, past)));
    const before = await outlines(from);
    const after = await outlines(to);
    const changed: Changed[] = [];
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const [a, b] = [before.get(key), after.get(key)];
      if (a && b && (['status', 'dueAt', 'escalatedTo', 'session'] as const).every((name) => a[name] === b[name]))
        continue;
      const { kind, id, title } = (b ?? a)!;
      changed.push({ kind, id, title, ...(a && { from: a }), ...(b && { to: b }) });
    }
    return { axis, from, to, count: changed.length, items: changed.slice(0, MAX_ITEMS) };
  }

  private get past(): Past {
    const { past } = this.api;
    if (!past) throw Refused.notFound('This server keeps no past.');
    return past;
  }

  private day(at: string): DayOfLog {
    const date = dateOf(localDay(at, ZONE));
    let day = this.days.get(date);
    if (!day) this.days.set(date, (day = { date, asOf: 0, validAt: 0 }));
    return day;
  }
}

const none = sql`null`;
const OUTLINES: readonly Fragment[] = [
  sql`select 'session' as kind, r.id, r.doc->>'number' as title, r.status, r.date as "dueAt", ${none} as "escalatedTo", ${none} as session from ${kinds.sessions} r`,
  sql`select 'case' as kind, r.id, r.doc->'state'->'intake'->>'title' as title, r.status, ${none} as "dueAt", ${none} as "escalatedTo", r.session from ${kinds.cases} r`,
  sql`select 'resolution' as kind, r.id, r.doc->>'number' as title, r.status, ${none} as "dueAt", ${none} as "escalatedTo", ${none} as session from ${kinds.resolutions} r`,
  sql`select 'obligation' as kind, r.id, concat(r.doc->>'number', ' · ', r.doc->>'action') as title, r.status, r.due_at as "dueAt", r.escalated_to as "escalatedTo", ${none} as session from ${kinds.obligations} r`,
];

async function outlinesOf(scoped: Scoped): Promise<Map<string, Outline>> {
  const found = new Map<string, Outline>();
  for (const statement of OUTLINES) {
    for (const row of await scoped.rows<Outline>(sql`${statement} order by 2`)) found.set(`${row.kind} ${row.id}`, row);
  }
  return found;
}
