import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, IsString } from 'class-validator';
import { Id, Refused, shaped, splitStream, type Actor, type Asked, type Decided, type Instant } from '#kernel';
import { CalendarHistory, plusMs, type CalendarChange } from '#calendar';
import { calendarDecider, DEFAULT_CALENDAR, ladderDecider, type Ladder } from '#directory';
import {
  calendarsOf,
  differences,
  foresee,
  type ClockContext,
  type Difference,
  type Outcome,
  type Resolution,
} from '#resolutions';
import { API, type ApiDeps } from './api.js';
import { instantOf } from './commands.controller.js';
import { Who } from './edge.js';

const COMMANDS = ['DefineCalendar', 'DeclareClosure', 'CancelClosure', 'DeclareHours', 'DefineLadder'] as const;

/** A command about to be given, and how far to look ahead. */
export class WhatIf {
  @IsIn(COMMANDS) command!: (typeof COMMANDS)[number];
  /** Of the calendar or ladder. */
  @Id() id!: string;
  /** The body that the command would have. */
  @IsObject() @Type(() => Object) data!: object;
  /** How far ahead alarms are foreseen; 120 days when left out. */
  @IsOptional() @IsString() until?: string;
}

const HORIZON_MS = 120 * 86_400_000;
const MAX_HORIZON_MS = 3 * 366 * 86_400_000;

/**
 * The dry run of a change of a calendar or a ladder on the live province: what would move, ring, and ring no more if
 * nobody did anything else. It decides and settles with the very functions that would do it, and appends nothing.
 */
@Controller('v1')
export class WhatIfController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  @Post('what-if')
  @HttpCode(200)
  async ask(@Body() body: unknown, @Who() actor: Actor): Promise<{ until: Instant; differences: Difference[] }> {
    const { command, id, data, until } = shaped(WhatIf, body);
    const { loader, clock } = this.api.decide;
    const now = clock.now();
    const end = until === undefined ? plusMs(now, HORIZON_MS) : instantOf(until, 'until');
    if (end <= now || Date.parse(end) - Date.parse(now) > MAX_HORIZON_MS) {
      throw new Refused('invalid', '"until" must lie ahead, by three years at most.', 422, [
        { path: 'until', reason: 'must lie ahead, by three years at most' },
      ]);
    }
    const decider = command === 'DefineLadder' ? ladderDecider : calendarDecider;
    const { state } = await loader.state<any>(decider, id);
    const decided = decide(decider, command, { id, data, actor, now }, state);
    const { rows } = await this.api.database.query<{ stream: string; state: Resolution }>(
      'select stream, state from clocks where open order by stream',
    );
    const calendars = await this.calendars(rows.map((row) => row.state));
    const present: ClockContext = { province: DEFAULT_CALENDAR, calendars };
    const changed: ClockContext = { ...present, calendars: changedBy(calendars, command, id, decided, now) };
    const before: Outcome = { alarms: [], obligations: [] };
    const after: Outcome = { alarms: [], obligations: [] };
    for (const { stream, state: resolution } of rows) {
      const name = splitStream(stream)[1];
      const other = command === 'DefineLadder' ? onLadder(resolution, id, decided[0]?.data as Ladder) : resolution;
      add(before, foresee(name, resolution, present, end));
      add(after, foresee(name, other, changed, end));
      // A province may have many clocks; others want to be answered meanwhile.
      await new Promise(setImmediate);
    }
    return { until: end, differences: differences(before, after) };
  }

  private async calendars(resolutions: readonly Resolution[]): Promise<Record<string, CalendarHistory>> {
    const ids = new Set(resolutions.flatMap((resolution) => calendarsOf(resolution, DEFAULT_CALENDAR)));
    const read = async (id: string) => [id, (await this.api.decide.loader.state(calendarDecider, id)).state!] as const;
    return Object.fromEntries(await Promise.all([...ids].map(read)));
  }
}

/** The decision itself: the same refusals as in earnest. */
function decide(
  decider: typeof calendarDecider | typeof ladderDecider,
  name: string,
  { id, data, actor, now }: Pick<Asked, 'id' | 'data' | 'actor' | 'now'>,
  state: any,
): Decided[] {
  const rule = decider.commands[name]!;
  const body = shaped(rule.data, data);
  if (!rule.roles.includes(actor.role)) {
    throw Refused.forbidden(`${name} may be sent by ${rule.roles.join(', ')}; not by ${actor.role}.`);
  }
  return rule.decide({ name, id, data: body, actor, now, realNow: now, importing: false }, state, undefined);
}

function changedBy(
  calendars: Record<string, CalendarHistory>,
  command: string,
  id: string,
  decided: readonly Decided[],
  at: Instant,
): Record<string, CalendarHistory> {
  const history = calendars[id];
  if (command === 'DefineLadder' || !history) return calendars;
  const after = decided.reduce((h, { type, data }, index) => {
    const revision = h.revision + 1;
    return h.with({ type, data, at, revision, position: `${Number.MAX_SAFE_INTEGER - 1 + index}` } as CalendarChange);
  }, history);
  return { ...calendars, [id]: after };
}

/** As if this ladder had been the one pinned: what is running keeps its own, so this only compares. */
const onLadder = (resolution: Resolution, ladder: string, { rungs, repeat }: Ladder): Resolution => ({
  ...resolution,
  obligations: resolution.obligations.map((o) => (o.ladder === ladder ? { ...o, rungs, repeat } : o)),
});

function add(total: Outcome, { alarms, obligations }: Outcome): void {
  total.alarms.push(...alarms);
  total.obligations.push(...obligations);
}
