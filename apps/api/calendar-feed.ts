import { StreamableFile } from '@nestjs/common';
import ical, { ICalCalendarMethod, type ICalEventData } from 'ical-generator';
import { DateTime } from 'luxon';
import { DEFAULT_CALENDAR, agencyQuery, calendarQuery } from '#directory';
import { Id, kinds, Scoped, sql, type Actor, type Instant, type Query } from '#kernel';
import { dutiesQuery, obligationsQuery } from '#resolutions';

/**
 * Deadlines as calendars subscribe to them (RFC 5545). One event for each deadline that stands, at its instant: who
 * subscribes gets them all each time, so what was met, suspended or revoked is simply no longer there. An event keeps its
 * UID for as long as the deadline lives, and its SEQUENCE grows whenever it is moved.
 */
class FeedParams {
  @Id() id!: string;
}
class OfficeFeedParams {
  @Id() office!: string;
}

/** The nearest; a calendar with more of them is of use to nobody. */
const MOST = 2_000;
const PAGE = 500;

/** Tehran keeps no summer time since 2022; whatever the reader's device believes of it, this says so. */
const TEHRAN = 'Asia/Tehran';
const VTIMEZONE = [
  'BEGIN:VTIMEZONE',
  `TZID:${TEHRAN}`,
  'BEGIN:STANDARD',
  'DTSTART:20220922T000000',
  'TZOFFSETFROM:+0330',
  'TZOFFSETTO:+0330',
  'TZNAME:+0330',
  'END:STANDARD',
  'END:VTIMEZONE',
].join('\r\n');

interface Owed {
  resolution: string;
  obligation: string;
  number: string;
  agency: string;
  agencyName: string | null;
  action: string;
  acceptance: string;
  status: string;
  dueAt?: Instant;
  dues: number;
}
interface Owing {
  duty: string;
  resolution?: string;
  obligation?: string;
  since: Instant;
  dueAt?: Instant;
  [about: string]: unknown;
}
interface Page<Item> {
  items: Item[];
  next?: string;
}
type Sql = Parameters<Query['run']>[2];

const STATUSES: Readonly<Record<string, string>> = {
  running: 'در جریان',
  claimed: 'ادعای انجام، در انتظار راستی‌آزمایی',
  missed: 'مهلت گذشته',
};
const DUTIES: Readonly<Record<string, string>> = {
  communicate: 'ابلاغ مصوبه',
  verify: 'راستی‌آزمایی',
  'decide-extension': 'تصمیم دربارهٔ تمدید',
  'review-suspension': 'بازبینی توقف',
  'ask-again': 'پرسش دوباره از مرجع',
  'check-outcome': 'بررسی نتیجه',
  'undelivered-notice': 'اطلاع‌رسانی ناموفق',
};

export const feedQueries = (province: string): Query[] => [
  {
    path: 'agencies/:id/calendar.ics',
    summary:
      'The deadlines of an agency, for calendars to subscribe to; Basic authentication with a token as password.',
    type: 'text/calendar',
    params: FeedParams,
    projections: obligationsQuery.projections,
    async run({ id }: FeedParams, reader, database) {
      if (!(await agencyQuery.run({ id }, reader, database))) return undefined;
      return feed(id, (await owed({ agency: id }, reader, database)).map(ofObligation(province)));
    },
  },
  {
    path: 'offices/:office/calendar.ics',
    summary: 'What an office owes to the process, and every deadline of the province, for calendars to subscribe to.',
    type: 'text/calendar',
    params: OfficeFeedParams,
    projections: dutiesQuery().projections,
    async run({ office }: OfficeFeedParams, reader, database) {
      const duties = await owing(office, reader, database);
      if (!duties) return undefined;
      const calendar = (await calendarQuery.run({ id: DEFAULT_CALENDAR }, reader, database)) as
        { revision: number } | undefined;
      const all = await owed({}, reader, database);
      return feed(office, [
        ...duties.flatMap((one) => ofDuty(one, calendar?.revision ?? 0, province)),
        ...all.map(ofObligation(province)),
      ]);
    },
  },
];

async function owed(which: { agency?: string }, reader: Actor, database: Sql): Promise<(Owed & { dueAt: Instant })[]> {
  // Refused as such to whom all obligations are closed, not as an empty calendar.
  await new Scoped(reader, database).row(sql`select 1 from ${kinds.obligations} r limit 0`);
  const found = await pages<Owed>((page) =>
    obligationsQuery.run({ ...which, ...page, status: 'running,claimed,missed' }, reader, database),
  );
  return found!.filter((one): one is Owed & { dueAt: Instant } => one.dueAt !== undefined);
}

const owing = (office: string, reader: Actor, database: Sql): Promise<Owing[] | undefined> =>
  pages<Owing>((page) => dutiesQuery().run({ office, ...page }, reader, database));

async function pages<Item>(
  ask: (page: { limit: string; cursor?: string }) => Promise<object | undefined>,
): Promise<Item[] | undefined> {
  const all: Item[] = [];
  for (let cursor: string | undefined; all.length < MOST;) {
    const found = (await ask({ limit: String(PAGE), ...(cursor && { cursor }) })) as Page<Item> | undefined;
    if (!found) return undefined;
    all.push(...found.items);
    if (!found.next) break;
    cursor = found.next;
  }
  return all;
}

const ofObligation =
  (province: string) =>
  ({
    resolution,
    obligation,
    number,
    agency,
    agencyName,
    action,
    acceptance,
    status,
    dueAt,
    dues,
  }: Owed & { dueAt: Instant }): ICalEventData =>
    event(`${resolution}/${obligation}`, province, dueAt, dues - 1, {
      summary: `${agencyName ?? agency}: ${action}`,
      description: `مصوبهٔ ${number}\nملاک انجام: ${acceptance}\nوضعیت: ${STATUSES[status]}`,
    });

function ofDuty({ duty, since, dueAt, ...about }: Owing, calendar: number, province: string): ICalEventData[] {
  if (!dueAt) return [];
  const { resolution, obligation } = about;
  const other = about['case'] ?? about['notice'];
  const of = [resolution, obligation].filter(Boolean).join('/') || (typeof other === 'string' ? other : '');
  // It is moved by the calendar alone, and a new one of its kind is another.
  const id = `${duty}/${of}/${Date.parse(since)}`;
  const summary = `${DUTIES[duty] ?? duty}: ${of}`;
  return [event(id, province, dueAt, calendar, { summary })];
}

/** A moment, not a span: due at closing time. Without DTEND it takes no time of anybody's day. */
const event = (id: string, province: string, at: Instant, sequence: number, words: object): ICalEventData => ({
  id: `${id}@${province.toLowerCase()}.peygir`,
  start: DateTime.fromISO(at),
  timezone: TEHRAN,
  sequence: Math.max(0, sequence),
  ...words,
});

function feed(name: string, events: ICalEventData[]): StreamableFile {
  const calendar = ical({
    prodId: { company: 'Peygir', product: 'deadlines', language: 'FA' },
    method: ICalCalendarMethod.PUBLISH,
    name: `پیگیر: ${name}`,
    // Events have their zone each: by a zone of the whole calendar the library would write DTSTAMP, which must be in UTC.
    timezone: { name: '', generator: () => VTIMEZONE },
    ttl: 3_600,
    events,
  });
  return new StreamableFile(Buffer.from(calendar.toString()), { type: 'text/calendar; charset=utf-8' });
}
