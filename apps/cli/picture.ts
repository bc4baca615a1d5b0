import { createHash } from 'node:crypto';
import { BEGINNING, type EventStore, type RecordedEvent, type Role } from '#kernel';
import { Failure } from './failure.js';
import type { RefusedLine } from './load.js';

/** An obligation as the reads show it, as far as the picture needs it. */
interface Owed {
  resolution: string;
  number: string;
  agency: string;
  agencyName: string | null;
  action: string;
  status: string;
  open: boolean;
  dueAt: string;
  escalatedTo?: string;
}

/** What became of a province's Tuesdays: the numbers of the read models, and of the log where the numbers are of events. */
export interface Picture {
  until: string;
  workingGroup: string | null;
  sessions: number;
  cases: number;
  casesInNinth: number | null;
  visitsOfNinth: number | null;
  averageCasesPerSession: number | null;
  events: Record<string, number>;
  obligationStatus: Record<string, number>;
  escalatedTo: Record<string, number>;
  refused: number;
  refusedCommands: RefusedLine[];
  alarmsSha256: string;
  /** Open obligations, the longest overdue first. */
  withGovernor: Owed[];
  withInspection: number;
  /** Reminders and escalations, by who was told, and by who was not and why. */
  told: Record<string, number>;
  notTold: Record<string, number>;
}

interface Summary {
  id: string;
  sessions: number;
  held: number;
  averageCasesPerSession: number | null;
  bySession: { number: number; cases: number; visits: number }[];
}

const NINTH = 9;

export async function picture(of: {
  url: string;
  store: EventStore;
  refused: RefusedLine[];
  token(role: Role): Promise<string>;
}): Promise<Picture> {
  const until = new Date().toISOString();
  const reader = new Reader(of.url, await of.token('governor'));
  const sessions = await reader.all<{ workingGroup: string }>('sessions');
  const groups = await Promise.all(
    [...new Set(sessions.map(({ workingGroup }) => workingGroup))].map((id) =>
      reader.get<Summary>(`working-groups/${id}/summary`),
    ),
  );
  const main = groups.toSorted((a, b) => b.sessions - a.sessions)[0];
  const ninth = main?.bySession.find(({ number }) => number === NINTH);
  const obligations = await reader.all<Owed>('obligations');
  const open = obligations.filter(({ open }) => open);
  const events = await everything(of.store);
  const notices = (type: string) => events.filter((event) => event.type === type && event.data.final !== false);
  return {
    until,
    workingGroup: main?.id ?? null,
    sessions: sessions.length,
    cases: (await reader.all('cases')).length,
    casesInNinth: ninth?.cases ?? null,
    visitsOfNinth: ninth?.visits ?? null,
    averageCasesPerSession: main?.averageCasesPerSession ?? null,
    events: counted(events, ({ type }) => type),
    obligationStatus: counted(obligations, ({ status }) => status),
    escalatedTo: counted(
      events.filter(({ type }) => type === 'ObligationEscalated'),
      ({ data }) => data.to,
    ),
    refused: of.refused.length,
    refusedCommands: of.refused,
    alarmsSha256: alarmsSha256(events),
    withGovernor: open.filter(({ escalatedTo }) => escalatedTo === 'governor').map(short),
    withInspection: open.filter(({ escalatedTo }) => escalatedTo === 'inspection').length,
    told: sum(notices('NoticeSent'), ({ data }) => data.recipient),
    notTold: sum(notices('NoticeFailed'), ({ data }) => `${data.recipient} (${data.reason})`),
  };
}

const short = ({ resolution, number, agency, agencyName, action, status, open, dueAt, escalatedTo }: Owed): Owed => ({
  resolution,
  number,
  agency,
  agencyName,
  action,
  status,
  open,
  dueAt,
  escalatedTo,
});

const ALARMS = ['AgencyReminded', 'DeadlineMissed', 'ObligationEscalated', 'DeadlineMoved', 'DutyMissed'];

/** Every alarm that ever fired, as one number to compare: the same whether it was simulated, loaded or lived through. */
export function alarmsSha256(events: readonly RecordedEvent[]): string {
  const lines = events
    .filter(({ type }) => ALARMS.includes(type))
    .map(({ stream, type, data, metadata }) =>
      [
        metadata.occurredAt,
        stream,
        type,
        data.obligation ?? '',
        data.rung ?? data.duty ?? '',
        data.to ?? '',
        data.dueAt ?? '',
      ].join(' '),
    );
  return createHash('sha256').update(lines.sort(byText).join('\n')).digest('hex');
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function everything(store: EventStore): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = [];
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, 1_000);
    if (events.length === 0) return all;
    all.push(...events);
    after = position;
  }
}

const counted = <T>(items: readonly T[], key: (item: T) => string): Record<string, number> =>
  items.reduce<Record<string, number>>((sum, item) => ({ ...sum, [key(item)]: (sum[key(item)] ?? 0) + 1 }), {});

const sum = (notices: readonly RecordedEvent[], key: (event: RecordedEvent) => string): Record<string, number> =>
  notices.reduce<Record<string, number>>(
    (sum, event) => ({ ...sum, [key(event)]: (sum[key(event)] ?? 0) + event.data.events.length }),
    {},
  );

/** Reads through HTTP, as anybody would. */
class Reader {
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/v1/${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    const body = (await response.json()) as T & { detail?: string };
    if (!response.ok) throw new Failure(`/v1/${path} answers ${response.status}: ${body.detail}`);
    return body;
  }

  async all<T>(list: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor = ''; ;) {
      const page = await this.get<{ items: T[]; next?: string }>(`${list}?limit=500${cursor && `&cursor=${cursor}`}`);
      items.push(...page.items);
      if (!page.next) return items;
      cursor = page.next;
    }
  }
}

const SHOWN = 10;

/** The picture for people. */
export function paint(of: Picture, mail: boolean): string {
  const list = (numbers: Record<string, number>) =>
    Object.entries(numbers)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const total = (numbers: Record<string, number>) => Object.values(numbers).reduce((a, b) => a + b, 0);
  const lines = [
    '',
    `${of.sessions} sessions, ${of.cases} cases, ${number(of.averageCasesPerSession)} a session on average` +
      (of.casesInNinth === null ? '' : `; the ninth with ${of.casesInNinth} cases and ${of.visitsOfNinth} visits`),
    `Obligations        ${list(of.obligationStatus)}`,
    `Escalated          ${list(of.escalatedTo)} times`,
    `Refused commands   ${of.refused}`,
    `Told               ${total(of.told)}`,
  ];
  if (total(of.notTold) > 0) {
    lines.push(
      `Nobody was told    ${total(of.notTold)} reminders and escalations${mail ? '' : ': SMTP_URL is not set'}, recorded as such:`,
      `                   ${list(of.notTold)}`,
    );
  }
  lines.push(
    '',
    `With the governor  ${of.withGovernor.length} open, the longest overdue first (${of.withInspection} more went on to inspection):`,
  );
  for (const { number, resolution, agency, agencyName, action, dueAt } of of.withGovernor.slice(0, SHOWN)) {
    const days = Math.floor((Date.parse(of.until) - Date.parse(dueAt)) / 86_400_000);
    lines.push(
      `  ${String(days).padStart(3)} days  ${resolution.padEnd(18)} ${number.padEnd(5)} ${agencyName ?? agency}: ${action}`,
    );
  }
  if (of.withGovernor.length > SHOWN) lines.push(`  … and ${of.withGovernor.length - SHOWN} more`);
  return lines.join('\n');
}

const number = (value: number | null): string => (value === null ? '–' : String(Math.round(value * 10) / 10));
