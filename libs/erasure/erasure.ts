import {
  ERASED,
  isOfField,
  Refused,
  sameJson,
  sealsIn,
  splitStream,
  type AnyDecider,
  type Asked,
  type Fact,
  type Message,
  type Reads,
  type RecordedEvent,
} from '#kernel';
import { EraseData } from './erasure.commands.js';

/** Which of an event's sealed values are gone. The type says which read models have to forget. */
export interface Erased {
  event: string;
  type: string;
  paths: string[];
}

/**
 * An order that sealed values be destroyed, on a legal ground. The event is the order and the proof of it; whoever
 * follows the log carries it out, at once or when it comes back (apps/worker/eraser.ts).
 */
export type ErasureEvent = Message<'DataErased', EraseData & { erased: Erased[] }>;

export type ErasureState = { status: 'none' } | { status: 'ordered'; order: EraseData };

/** Sealed values of the stream that are still there; undefined when there is no such stream. */
type Context = readonly Erased[] | undefined;

/** Of one event, so that its data stay well under 48 KiB. */
const MAX_PLACES = 300;

export const erasureDecider: AnyDecider<ErasureState, Context> = {
  aggregate: 'erasure',
  initial: { status: 'none' },

  evolve(state, { type, data }: Fact): ErasureState {
    if (type !== 'DataErased') return state;
    const { erased: _, ...order } = data as ErasureEvent['data'];
    return { status: 'ordered', order };
  },

  context: ({ data }, _state, reads) => sealedIn(data.stream, reads),

  commands: {
    EraseData: {
      data: EraseData,
      roles: ['admin'],
      decide({ id, data }: Asked<EraseData>, state, there): ErasureEvent[] {
        if (state.status === 'ordered') {
          if (sameJson(state.order, data)) return [];
          throw new Refused('already-ordered', `The erasure "${id}" was ordered already, for something else.`);
        }
        if (!there) throw Refused.notFound(`There is no stream "${data.stream}".`);
        const { fields } = data;
        const wanted = there
          .map(({ paths, ...rest }) => ({
            ...rest,
            paths: fields ? paths.filter((path) => fields.some((field) => isOfField(path, field))) : paths,
          }))
          .filter(({ paths }) => paths.length > 0);
        if (wanted.length === 0) {
          const what = fields ? `none of ${fields.join(', ')}` : 'nothing';
          throw new Refused('nothing-sealed', `In "${data.stream}" there is ${what} that could be erased.`);
        }
        return parts(wanted).map((erased) => ({ type: 'DataErased', data: { ...data, erased } }));
      },
    },
  },
};

async function sealedIn(stream: string, reads: Reads): Promise<Context> {
  const [aggregate, id] = splitStream(stream);
  // Made for this question, so that nothing of the stream is kept.
  const { state, revision } = await reads.state<readonly Erased[]>(
    {
      aggregate,
      initial: [],
      evolve: (known, _fact, event) => (event?.stored ? [...known, ...present(event)] : known),
    },
    id,
  );
  return revision < 0 ? undefined : state;
}

/** What of an event can still be read. */
function present({ id, type, stored, data }: RecordedEvent): Erased[] {
  const paths = [...sealsIn(stored, data)].flatMap(([path, , value]) => (value === ERASED ? [] : [path]));
  return paths.length > 0 ? [{ event: id, type, paths }] : [];
}

/** In runs of {@link MAX_PLACES} at most. */
function parts(all: readonly Erased[]): Erased[][] {
  const runs: Erased[][] = [[]];
  let places = 0;
  for (const { paths, ...rest } of all) {
    for (const path of paths) {
      if (places++ % MAX_PLACES === 0 && places > 1) runs.push([]);
      const run = runs.at(-1)!;
      const last = run.at(-1);
      if (last?.event === rest.event) last.paths.push(path);
      else run.push({ ...rest, paths: [path] });
    }
  }
  return runs;
}
