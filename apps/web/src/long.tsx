import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { onChange, read, type Refusal } from './api.js';
import { useSpeech } from './language.js';
import { Await } from './parts.js';
import { onDay, usePast } from './past.js';

const PAGE = 100;
/** How many rows before the end of what was read the next page is asked for. */
const AHEAD = 60;
/** Up to here a list is read anew when something changes; beyond, its reader decides. */
const MAX_ANEW = 3;

interface Page<T> {
  items: T[];
  next?: string;
}

interface Pages<T> {
  path: string;
  items?: T[];
  /** How many pages `items` are. */
  count: number;
  next?: string;
  error?: Refusal;
  /** Something changed since, and nothing was read anew. */
  old?: boolean;
}

/** A list of any length, page by page as the reader gets on. */
function usePages<T>(path: string) {
  const [state, setState] = useState<Pages<T>>({ path, count: 0 });
  const now = useRef(state);
  const turn = useRef(0);
  const set = useCallback((next: Pages<T>) => setState((now.current = next)), []);
  const moment = usePast();
  const page = useCallback(
    (cursor?: string) => {
      const asked = `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${cursor ? `&cursor=${cursor}` : ''}`;
      return read<Page<T>>(onDay(asked, moment));
    },
    [path, moment],
  );
  /** The first `count` pages, anew. */
  const load = useCallback(
    async (count: number) => {
      const mine = ++turn.current;
      const known = now.current.path === path ? now.current : { path, count: 0 };
      try {
        let items: T[] = [];
        let next: string | undefined;
        let read = 0;
        do {
          const found = await page(next);
          items = items.concat(found.items);
          next = found.next;
          read += 1;
        } while (next && read < count);
        if (mine === turn.current) set({ path, items, next, count: read });
      } catch (error) {
        if (mine === turn.current) set({ ...known, error: error as Refusal });
      }
    },
    [path, page, set],
  );
  const more = useCallback(async () => {
    const { items, next, count, path: of } = now.current;
    if (!items || !next || of !== path) return;
    const mine = ++turn.current;
    // Asked for once: what is on its way is not asked for again.
    set({ ...now.current, next: undefined });
    try {
      const found = await page(next);
      if (mine === turn.current)
        set({ ...now.current, items: items.concat(found.items), next: found.next, count: count + 1 });
    } catch (error) {
      if (mine === turn.current) set({ ...now.current, next, error: error as Refusal });
    }
  }, [path, page, set]);
  useEffect(() => {
    void load(1);
    const stop = onChange(() => {
      const { count } = now.current;
      if (count <= MAX_ANEW) void load(Math.max(1, count));
      else set({ ...now.current, old: true });
    });
    return () => {
      turn.current += 1;
      stop();
    };
  }, [load, set]);
  const own = state.path === path ? state : { path, count: 0 };
  return { ...own, more, anew: () => void load(1) };
}

interface LongProps<T> {
  /** A list of the API, without `limit` and `cursor`. */
  path: string;
  keyOf: (item: T) => string;
  row: (item: T, index: number) => ReactNode;
  /** What stands there when there is nothing. */
  empty: ReactNode;
  /** Hears how many there are, with a `+` when there are more. */
  onCount?: (count: string) => void;
  /** Height of a row before it is measured, in px. */
  estimate?: number;
}

/** A list in which only what is to be seen is on the page, so that a hundred thousand rows scroll as ten do. */
export function Long<T>({ path, keyOf, row, empty, onCount, estimate = 58 }: LongProps<T>) {
  const { t, n } = useSpeech();
  const { items = [], next, error, count, old, more, anew } = usePages<T>(path);
  const list = useRef<HTMLOListElement>(null);
  const [margin, setMargin] = useState(0);
  // What stands above the list may grow or shrink; not with every row that is scrolled by.
  useLayoutEffect(() => {
    const measure = () => list.current && setMargin(Math.round(list.current.getBoundingClientRect().top + scrollY));
    const watched = new ResizeObserver(measure);
    watched.observe(document.body);
    measure();
    return () => watched.disconnect();
  }, [items.length]);
  const virtual = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => estimate,
    getItemKey: (index) => keyOf(items[index]!),
    overscan: 6,
    useFlushSync: false,
    scrollMargin: margin,
    gap: 10,
  });
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= items.length - AHEAD && !error) void more();
  }, [last, items.length, error, more]);
  const total = count === 0 ? undefined : `${items.length}${next ? '+' : ''}`;
  useEffect(() => {
    if (total !== undefined) onCount?.(total);
  }, [total, onCount]);
  return (
    <Await of={{ data: count === 0 ? undefined : items, error, again: error && count > 0 ? () => void more() : anew }}>
      {() =>
        items.length === 0 ? (
          empty
        ) : (
          <>
            {old && (
              <p className="notice" role="status">
                {t('این فهرست دگرگون شده است.', 'This list has changed since.')}{' '}
                <button type="button" onClick={() => (anew(), scrollTo(0, 0))}>
                  {t('از نو بخوان', 'Read it anew')}
                </button>
              </p>
            )}
            <ol ref={list} className="long" style={{ height: virtual.getTotalSize() }}>
              {rows.map(({ key, index, start }) => (
                <li
                  key={key}
                  ref={virtual.measureElement}
                  data-index={index}
                  aria-posinset={index + 1}
                  aria-setsize={next ? -1 : items.length}
                  style={{ transform: `translateY(${start - margin}px)` }}
                >
                  <Row item={items[index]!} index={index} row={row} />
                </li>
              ))}
            </ol>
            {next && (
              <p className="about">
                {t(
                  `${n(items.length)} تا اینجا؛ بقیه هنگام پیمایش می‌آیند.`,
                  `${items.length} so far; the rest comes as you scroll.`,
                )}
              </p>
            )}
          </>
        )
      }
    </Await>
  );
}

interface RowProps<T> {
  item: T;
  index: number;
  row: (item: T, index: number) => ReactNode;
}

/** Drawn anew only when it changes, not whenever the list scrolls. */
const Row = memo(({ item, index, row }: RowProps<unknown>) => row(item, index)) as unknown as <T>(
  props: RowProps<T>,
) => ReactNode;
