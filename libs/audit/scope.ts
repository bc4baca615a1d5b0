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

/** Which streams belong to a scope, with everything that is linked to them: visit → case → session → resolution → referral. */
export class Selection {
  /** Streams that speak of one another, both ways. */
  private readonly links = new Map<string, Set<string>>();
  private readonly roots = new Set<string>();

  constructor(private readonly scope: Scope) {
    if (scope.id !== undefined) this.roots.add(streamOf(scope.kind, scope.id));
  }

  /** Call it for every event first. */
  see({ stream, type, data }: Pick<Leaf, 'stream' | 'type' | 'data'>): void {
    const link = (aggregate: string, id: unknown) => {
      if (typeof id === 'string') this.linksOf(streamOf(aggregate, id)).add(stream);
      if (typeof id === 'string') this.linksOf(stream).add(streamOf(aggregate, id));
    };
    switch (type) {
      case 'CaseOpened':
        link('visit', data.visit);
        link('unit', data.unit);
        break;
      case 'CaseTabled':
        link('session', data.session);
        break;
      case 'ResolutionIssued':
        link('case', data.case);
        link('session', data.session);
        break;
      case 'ReferralOpened':
        link('resolution', data.resolution);
    }
    const owners = type === 'ResolutionIssued' ? data.obligations : type === 'ObligationReassigned' ? [data] : [];
    if (this.scope.kind === 'agency' && owners.some((o: { agency: string }) => o.agency === this.scope.id)) {
      this.roots.add(stream);
    }
  }

  private linksOf(stream: string): Set<string> {
    let links = this.links.get(stream);
    if (!links) this.links.set(stream, (links = new Set()));
    return links;
  }

  /** Decides over all that was seen. */
  close(): (stream: string) => boolean {
    if (this.scope.kind === 'all') return () => true;
    const chosen = new Set(this.roots);
    // A session leads to its resolutions only from itself: else one case would bring along every case of its session.
    const through = (from: string, to: string): boolean => {
      const [kind, towards] = [splitStream(from)[0], splitStream(to)[0]];
      if (kind === 'unit' || (kind === 'visit' && !this.roots.has(from))) return false;
      return kind !== 'session' || (this.roots.has(from) && towards !== 'unit');
    };
    const open = [...chosen];
    for (let stream = open.pop(); stream !== undefined; stream = open.pop()) {
      for (const linked of this.links.get(stream) ?? []) {
        if (!chosen.has(linked) && through(stream, linked)) {
          chosen.add(linked);
          open.push(linked);
        }
      }
    }
    return (stream) => chosen.has(stream) || GROUND.includes(splitStream(stream)[0]);
  }
}
