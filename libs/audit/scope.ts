import { splitStream, streamOf } from '#kernel';
import type { Leaf } from './leaf.js';

export const SCOPES = ['all', 'case', 'agency', 'session'] as const;
export interface Scope {
  kind: (typeof SCOPES)[number];
  /** Of the case, agency or session. */
  id?: string;
}

/** What everything else is judged by, and therefore in every export: calendars, ladders, agencies, who held which office. */
const GROUND = ['calendar', 'ladder', 'agency', 'workingGroup'];

type Linking = Pick<Leaf, 'stream' | 'type' | 'data'>;

/** The streams that an event says belong together with its own: visit → case → session → resolution → referral. */
export function linksOf({ stream, type, data }: Linking): string[] {
  const to = (aggregate: string, id: unknown) => (typeof id === 'string' ? [streamOf(aggregate, id)] : []);
  const [, own] = splitStream(stream);
  switch (type) {
    case 'CaseOpened':
      return [...to('visit', data.visit), ...to('unit', data.unit)];
    case 'CaseTabled':
      return to('session', data.session);
    case 'ResolutionLinked':
      return to('resolution', data.resolution);
    case 'ResolutionAdopted':
      return [...to('case', data.case), `resolution-${own}-${data.ordinal}`];
    case 'ResolutionIssued':
      return [...to('case', data.case), ...to('session', data.session)];
    case 'ReferredToNational':
      return [`nationalReferral-${own}-${data.obligation}-${data.n}`];
    case 'ReferredToOversight':
      return [`oversightReferral-${own}-${data.obligation}-${data.n}`];
    case 'ReferralOpened':
      return to('resolution', data.resolution);
    default:
      return [];
  }
}

/**
 * Whether a link is followed. A session leads to its resolutions only from itself: else one case would bring along
 * every case of its session. A unit leads nowhere, and a visit only from itself.
 */
export function leads(from: string, to: string, isRoot: boolean): boolean {
  const [kind, towards] = [splitStream(from)[0], splitStream(to)[0]];
  if (kind === 'unit' || (kind === 'visit' && !isRoot)) return false;
  return kind !== 'session' || (isRoot && towards !== 'unit');
}

/** Which streams belong to a scope, with everything that is linked to them. */
export class Selection {
  /** Streams that speak of one another, both ways. */
  private readonly links = new Map<string, Set<string>>();
  private readonly roots = new Set<string>();
  /** Erasures, and whose they are. */
  private readonly erasures = new Map<string, string>();

  constructor(private readonly scope: Scope) {
    if (scope.id !== undefined) this.roots.add(streamOf(scope.kind, scope.id));
  }

  /** Call it for every event first. */
  see(event: Linking): void {
    const { stream, type, data } = event;
    if (type === 'DataErased') this.erasures.set(stream, data.stream);
    for (const linked of linksOf(event)) {
      this.linksFrom(linked).add(stream);
      this.linksFrom(stream).add(linked);
    }
    const owners = type === 'ResolutionIssued' ? data.obligations : type === 'ObligationReassigned' ? [data] : [];
    if (this.scope.kind === 'agency' && owners.some((o: { agency: string }) => o.agency === this.scope.id)) {
      this.roots.add(stream);
    }
  }

  private linksFrom(stream: string): Set<string> {
    let links = this.links.get(stream);
    if (!links) this.links.set(stream, (links = new Set()));
    return links;
  }

  /** Decides over all that was seen. */
  close(): (stream: string) => boolean {
    if (this.scope.kind === 'all') return () => true;
    const chosen = new Set(this.roots);
    const open = [...chosen];
    for (let stream = open.pop(); stream !== undefined; stream = open.pop()) {
      for (const linked of this.links.get(stream) ?? []) {
        if (!chosen.has(linked) && leads(stream, linked, this.roots.has(stream))) {
          chosen.add(linked);
          open.push(linked);
        }
      }
    }
    const within = (stream: string) => chosen.has(stream) || GROUND.includes(splitStream(stream)[0]);
    // Why something of it cannot be read any more belongs to it.
    return (stream) => within(stream) || within(this.erasures.get(stream) ?? stream);
  }
}
