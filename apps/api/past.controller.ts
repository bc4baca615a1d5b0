import { Controller, Get, Inject, Query } from '@nestjs/common';
import { IsIn, IsString } from 'class-validator';
import { kinds, Refused, Scoped, shaped, sql, type Actor, type Fragment } from '#kernel';
import { API, type ApiDeps } from './api.js';
import { Who } from './edge.js';
import type { DayOfLog } from './log-days.js';
import { momentOf, type Moment, type Past } from './past.js';

/** More than these are counted, not listed. */
const MAX_ITEMS = 500;

export class Between {
  @IsIn(['asOf', 'validAt']) axis!: Moment['axis'];
  @IsString() from!: string;
  @IsString() to!: string;
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
export class PastController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  @Get()
  async overview(@Who() actor: Actor): Promise<{ days: DayOfLog[] }> {
    this.past.admit(actor);
    return { days: await this.past.days() };
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
