import {
  BEGINNING,
  comparePositions,
  factOf,
  later,
  streamOf,
  type AnyDecider,
  type EventStore,
  type Instant,
  type Position,
  type RecordedEvent,
} from '#kernel';
import { spokenDate, spokenInstant, spokenNumber } from '#calendar';
import { agencyDecider, officeDay, officeOn, partsOfSession, unitDecider, workingGroupDecider } from '#directory';
import { caseDecider } from '#cases';
import { officeName } from '#resolutions';
import type { PrintedDocument } from '#documents';

/**
 * The log as it was known at one position. What a document says comes from here alone, so it is a function of that
 * position: whoever asks again gets the same, whatever has happened since.
 */
export class Known {
  private last: PrintedDocument['standsFor'] = { position: BEGINNING, at: '' };

  /** `until`: nothing after it is known; the end of the log when left out. */
  constructor(
    private readonly store: Pick<EventStore, 'readStream'>,
    private readonly until?: Position,
  ) {}

  async events(stream: string): Promise<RecordedEvent[]> {
    const { until } = this;
    const events = (await this.store.readStream(stream)).filter(
      ({ position }) => until === undefined || comparePositions(position, until) <= 0,
    );
    for (const { position, metadata } of events) {
      const { last } = this;
      this.last = {
        position: comparePositions(position, last.position) > 0 ? position : last.position,
        at: later(last.at, metadata.occurredAt),
      };
    }
    return events;
  }

  async state<S>(decider: Pick<AnyDecider<S>, 'aggregate' | 'initial' | 'evolve'>, id: string): Promise<S> {
    const events = await this.events(streamOf(decider.aggregate, id));
    return events.reduce((state, event) => decider.evolve(state, factOf(event), event), decider.initial);
  }

  /** The latest event that was read so far. */
  get standsFor(): PrintedDocument['standsFor'] {
    return this.last;
  }

  async agencyName(id: string): Promise<string> {
    const agency = await this.state(agencyDecider, id);
    return agency.status === 'registered' ? agency.name : id;
  }

  /** A case in words: its title, its unit, its tracking code. */
  async caseName(id: string): Promise<{ title: string; unit: string; trackingCode: string }> {
    const events = await this.events(streamOf(caseDecider.aggregate, id));
    const opened = events[0]?.data;
    const unit = opened?.unit === undefined ? undefined : await this.state(unitDecider, opened.unit);
    return {
      title: opened?.title ?? id,
      unit: unit?.status === 'registered' ? unit.unit.name : (opened?.unit ?? '—'),
      trackingCode: code(opened?.trackingCode ?? '—'),
    };
  }

  /** The working group of a session and who held its offices at an instant. */
  async groupOf(session: string, at: Instant) {
    const { group: id = session, number: ordinal } = partsOfSession(session) ?? {};
    const state = await this.state(workingGroupDecider, id);
    const group = state.status === 'established' ? state.group : undefined;
    return {
      name: group?.name ?? id,
      number: ordinal === undefined ? session : number(ordinal),
      group,
      /** «استاندار: خانم کریمی» */
      holder: (office: string) => {
        const on = state.status === 'established' ? officeOn(state, office, officeDay(at)) : undefined;
        const name = officeName(office, 'fa');
        return `${name}: ${on?.acting ?? 'متصدی ثبت نشده'}${on?.substitute ? ' (جانشین)' : ''}`;
      },
    };
  }
}

/** The province's clocks. */
const ZONE = 'Asia/Tehran';
export const instant = (at: Instant): string => spokenInstant(at, ZONE, 'fa');
export const date = (day: string): string => spokenDate(day, 'fa');
export const number = (value: number | string): string => spokenNumber(value, 'fa');

/** A number in groups, held together by a mark: after Arabic letters its groups would change places (UAX #9, W2). */
const code = (value: string): string => `\u200e${number(value)}\u200e`;

/** «۱۰ روز کاری», or the duration as it was written. */
export const term = ({ workingDays, duration }: { workingDays?: number; duration?: string }): string => {
  if (workingDays !== undefined) return `${number(workingDays)} روز کاری`;
  const [, weeks, days, hours, minutes, seconds] =
    /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration ?? '') ?? [];
  const parts = [[weeks, 'هفته'], [days, 'روز'], [hours, 'ساعت'], [minutes, 'دقیقه'], [seconds, 'ثانیه']]; // prettier-ignore
  return parts.flatMap(([count, unit]) => (count ? [`${number(count)} ${unit}`] : [])).join(' و ') || '—';
};
