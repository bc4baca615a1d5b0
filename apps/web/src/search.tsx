import { useEffect, useRef, useState } from 'react';
import { useRead } from './api.js';
import { useSpeech } from './language.js';
import { at, Await, Empty } from './parts.js';

const MIN_LENGTH = 2;
const TYPING_MS = 250;

/** Looks for units, cases and resolutions, however they are spelled. `/` leads here from anywhere. */
export function SearchBox({ query }: { query: string | undefined }) {
  const { t } = useSpeech();
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [typed, setTyped] = useState(query ?? '');
  useEffect(() => {
    // What was looked for before is not what another page shows.
    if (document.activeElement !== input.current) setTyped(query ?? '');
  }, [query]);
  useEffect(() => {
    const lead = (event: KeyboardEvent) => {
      const busy = (event.target as HTMLElement).closest?.('input, textarea, select, dialog');
      // By the key and not by the letter: on a Persian keyboard the same key writes another.
      if (busy || event.ctrlKey || event.metaKey || event.altKey || event.code !== 'Slash') return;
      event.preventDefault();
      input.current?.select();
    };
    addEventListener('keydown', lead);
    return () => removeEventListener('keydown', lead);
  }, []);
  const go = (text: string) => {
    clearTimeout(timer.current);
    if (text.trim().length >= MIN_LENGTH) location.hash = at('search', text.trim());
  };
  return (
    <form role="search" className="search" onSubmit={(event) => (event.preventDefault(), go(typed))}>
      <label>
        <span className="sr">{t('جست‌وجو', 'Search')}</span>
        <input
          ref={input}
          type="search"
          value={typed}
          maxLength={200}
          aria-keyshortcuts="/"
          placeholder={t('جست‌وجو ( / )', 'Search ( / )')}
          onChange={({ target }) => {
            setTyped(target.value);
            clearTimeout(timer.current);
            // Where results are shown already they follow what is typed.
            if (query !== undefined) timer.current = setTimeout(go, TYPING_MS, target.value);
          }}
        />
      </label>
    </form>
  );
}

interface Found {
  kind: 'unit' | 'case' | 'resolution';
  id: string;
  title: string;
  excerpt: string;
  at: string;
}

const KINDS: Record<Found['kind'], [string, string, string]> = {
  unit: ['واحد', 'Unit', 'units'],
  case: ['پرونده', 'Case', 'cases'],
  resolution: ['مصوبه', 'Resolution', 'resolutions'],
};

export function SearchPage({ query }: { query: string }) {
  const { t, n, day } = useSpeech();
  const asked = query.length >= MIN_LENGTH ? `search?q=${encodeURIComponent(query)}&limit=100` : undefined;
  const found = useRead<{ items: Found[] }>(asked);
  return (
    <>
      <header className="head">
        <h1>{t(`جست‌وجوی «${query}»`, `Search for “${query}”`)}</h1>
        <p className="about">
          {t(
            'نیم‌فاصله، «ي» و «ك» عربی و رقم‌ها فرقی نمی‌کنند؛ بخشی از واژه هم بس است.',
            'Spelling variants, joined words and digits of any script are found alike; part of a word will do.',
          )}
        </p>
      </header>
      {asked === undefined ? (
        <Empty>{t('دست‌کم دو حرف بنویسید.', 'Write at least two letters.')}</Empty>
      ) : (
        <Await of={found}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty>
                {t(
                  'چیزی پیدا نشد. با واژه‌ای کوتاه‌تر یا کد رهگیری بیازمایید.',
                  'Nothing was found. Try a shorter word, or the tracking code.',
                )}
              </Empty>
            ) : (
              <>
                <p role="status">{t(`${n(items.length)} یافته`, `${items.length} found`)}</p>
                <ol className="cards found">
                  {items.map(({ kind, id, title, excerpt, at: when }) => (
                    <li key={kind + id} className="card">
                      <a href={at(KINDS[kind][2], id)}>
                        <small>{t(KINDS[kind][0], KINDS[kind][1])}</small> <b>{n(title)}</b>
                      </a>
                      <p>{excerpt}</p>
                      <small>{day(when, true)}</small>
                    </li>
                  ))}
                </ol>
              </>
            )
          }
        </Await>
      )}
    </>
  );
}
