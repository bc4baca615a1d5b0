import 'vazirmatn/Vazirmatn-Variable-font-face.css';
import './style.css';
import { StrictMode, useEffect, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { signOut, useRead, type Me } from './api.js';
import { CalendarPage } from './calendar.js';
import { CasePage, Cases } from './cases.js';
import { Desk } from './desk.js';
import { Guard } from './fault.js';
import { ResolutionPage, UnitPage } from './found.js';
import { Inbox } from './inbox.js';
import { Live } from './live.js';
import { Speaking, useSpeech } from './language.js';
import { ObligationPage } from './obligation.js';
import { at, Await, Empty, office } from './parts.js';
import { SearchBox, SearchPage } from './search.js';
import { Board } from './secretary.js';
import { SessionPage, Sessions } from './sessions.js';
import { isDoor, SignedOut } from './signed-out.js';

/** An address that somebody typed may be none. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The parts of the address after `#/`. */
function useAddress(): string[] {
  const parts = () => location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);
  const [address, setAddress] = useState(parts);
  useEffect(() => {
    const changed = () => {
      setAddress(parts());
      // Whoever types in the search box goes on typing.
      if (document.activeElement?.matches('.search input')) return;
      scrollTo(0, 0);
      document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return address;
}

/** Which pages an office sees in its bar, its own first. The API decides what it may read on them. */
const PAGES: Partial<Record<Me['role'], readonly string[]>> = {
  secretary: ['board', 'sessions', 'desk', 'cases', 'inbox', 'calendar'],
  agency: ['inbox', 'cases', 'calendar'],
  unit: ['cases', 'calendar'],
  admin: ['calendar'],
};
const PROVINCE = ['desk', 'sessions', 'cases', 'inbox', 'calendar'] as const;

function App() {
  const { t } = useSpeech();
  const address = useAddress();
  const me = useRead<Me>('session');
  const [door = ''] = address;
  // Whoever was signed in keeps the page, and what was typed on it, when the session ends.
  if (isDoor(door) || (me.error?.status === 401 && !me.data)) return <SignedOut why={door} />;
  return (
    <Await of={me}>
      {(found) => {
        const pages = PAGES[found.role] ?? PROVINCE;
        const [page = pages[0]!, ...rest] = address;
        return (
          <>
            <a
              className="skip"
              href="#main"
              onClick={(event) => (event.preventDefault(), document.querySelector('main')?.focus())}
            >
              {t('رفتن به محتوا', 'Skip to content')}
            </a>
            <Bar me={found} pages={pages} page={page} query={page === 'search' ? (rest[0] ?? '') : undefined} />
            <Live />
            <main id="main" tabIndex={-1}>
              <Guard page={address.join('/')}>
                <Page page={page} rest={rest} me={found} />
              </Guard>
            </main>
          </>
        );
      }}
    </Await>
  );
}

function Page({ page, rest: [first, second], me }: { page: string; rest: readonly string[]; me: Me }): ReactNode {
  const { t } = useSpeech();
  if (page === 'desk') return <Desk me={me} />;
  if (page === 'board') return <Board me={me} />;
  if (page === 'inbox') return <Inbox me={me} agency={first} />;
  if (page === 'search') return <SearchPage query={first ?? ''} />;
  if (page === 'resolutions' && first) return <ResolutionPage key={first} id={first} me={me} />;
  if (page === 'units' && first) return <UnitPage key={first} id={first} />;
  if (page === 'calendar') return <CalendarPage key={first} me={me} id={first} />;
  if (page === 'sessions') return first ? <SessionPage key={first} id={first} me={me} /> : <Sessions me={me} />;
  if (page === 'cases') return first ? <CasePage key={first} id={first} me={me} /> : <Cases me={me} />;
  if (page === 'obligations' && first && second) {
    return <ObligationPage key={`${first}/${second}`} resolution={first} obligation={second} me={me} />;
  }
  return <Empty>{t('چنین صفحه‌ای نیست.', 'There is no such page.')}</Empty>;
}

interface BarProps {
  me: Me;
  pages: readonly string[];
  page: string;
  /** What is being looked for. */
  query: string | undefined;
}

function Bar({ me, pages, page, query }: BarProps) {
  const speech = useSpeech();
  const { t, language, setLanguage } = speech;
  const names: Record<string, string> = {
    board: t('میز دبیر', 'Board'),
    desk: t('میز', 'Desk'),
    sessions: t('جلسه‌ها', 'Sessions'),
    cases: t('پرونده‌ها', 'Cases'),
    inbox: t('کارتابل دستگاه', 'Inbox'),
    calendar: t('تقویم', 'Calendar'),
    search: t('جست‌وجو', 'Search'),
  };
  useEffect(() => {
    document.title = [names[page], t('پیگیر', 'Peygir')].filter(Boolean).join(' · ');
  });
  return (
    <header className="top">
      <a className="brand" href="#/">
        {t('پیگیر', 'Peygir')}
      </a>
      <nav aria-label={t('صفحه‌ها', 'Pages')}>
        {pages.map((id) => (
          <a key={id} href={at(id)} aria-current={page === id ? 'page' : undefined}>
            {names[id]}
          </a>
        ))}
      </nav>
      {me.role !== 'admin' && me.role !== 'registrar' && <SearchBox query={query} />}
      <div className="me">
        <span>
          {office(me.role, speech)}
          {me.agency && ` · ${me.agency}`}
        </span>
        <button
          type="button"
          lang={language === 'fa' ? 'en' : 'fa'}
          onClick={() => setLanguage(language === 'fa' ? 'en' : 'fa')}
        >
          {t('English', 'فارسی')}
        </button>
        <button type="button" onClick={() => void signOut()}>
          {t('خروج', 'Sign out')}
        </button>
      </div>
    </header>
  );
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Speaking>
      <App />
    </Speaking>
  </StrictMode>,
);
