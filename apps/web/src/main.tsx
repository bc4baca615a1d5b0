import 'vazirmatn/Vazirmatn-Variable-font-face.css';
import './style.css';
import './record.css';
import { lazy, StrictMode, Suspense, useEffect, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { signOut, useRead, type Me } from './api.js';
import { CasePage } from './case.js';
import { Cases } from './cases.js';
import { today } from './days.js';
import { Desk } from './desk.js';
import { Guard } from './fault.js';
import { ResolutionPage, UnitPage } from './found.js';
import { Inbox } from './inbox.js';
import { Live } from './live.js';
import { Speaking, useSpeech } from './language.js';
import { ObligationPage } from './obligation.js';
import { at, Await, Empty, office, Waiting } from './parts.js';
import { addressed, lookAt, usePast } from './past.js';
import { ReferralPage } from './referrals.js';
import { SearchBox, SearchPage } from './search.js';
import { Board } from './secretary.js';
import { SessionPage, Sessions } from './sessions.js';
import { isDoor, SignedOut } from './signed-out.js';

/** Pages that not everybody opens come when they are opened. */
const AuditorsRoom = lazy(() => import('./auditor.js'));
const CalendarPage = lazy(() => import('./calendar.js'));
const Differences = lazy(() => import('./differences.js'));
const Ladders = lazy(() => import('./ladders.js'));
const TimeMachine = lazy(() => import('./time-machine.js'));

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
  const parts = () => addressed().map(decoded);
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
  secretary: ['board', 'sessions', 'desk', 'cases', 'inbox', 'calendar', 'ladders'],
  oversight: ['desk', 'sessions', 'cases', 'inbox', 'audit', 'calendar', 'ladders'],
  agency: ['inbox', 'cases', 'calendar'],
  unit: ['cases', 'calendar'],
  admin: ['calendar', 'ladders'],
};
const PROVINCE = ['desk', 'sessions', 'cases', 'inbox', 'calendar', 'ladders'] as const;
/** Who reads the whole record, and so can turn it back. */
const TURNS_BACK: readonly string[] = ['governor', 'deputy', 'secretary', 'expert', 'oversight'];

function App() {
  const { t } = useSpeech();
  const address = useAddress();
  const me = useRead<Me>('session');
  const past = usePast();
  const [door = ''] = address;
  // Whoever was signed in keeps the page, and what was typed on it, when the session ends.
  if (isDoor(door) || (me.error?.status === 401 && !me.data)) return <SignedOut why={door} />;
  // That nobody answers is said once, by what listens for changes.
  const error = me.data && me.error?.code === 'offline' ? undefined : me.error;
  return (
    <Await of={{ ...me, error }}>
      {(found) => {
        const pages = PAGES[found.role] ?? PROVINCE;
        // A link to a day that somebody was sent who does not read the province: the page as it is.
        if (past && !TURNS_BACK.includes(found.role)) return <Present />;
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
            <main id="main" tabIndex={-1} data-address={address.join('/')}>
              <Guard page={address.join('/')}>
                <Suspense fallback={<Waiting />}>
                  {past && <TimeMachine moment={past} />}
                  {/* What is past is looked at; nothing is done about it. */}
                  <Page page={page} rest={rest} me={past ? { ...found, role: 'engine' } : found} />
                </Suspense>
              </Guard>
            </main>
          </>
        );
      }}
    </Await>
  );
}

function Present() {
  useEffect(() => lookAt(undefined), []);
  return <Waiting />;
}

interface PageProps {
  page: string;
  rest: readonly string[];
  me: Me;
}

function Page({ page, rest: [first, second, third], me }: PageProps): ReactNode {
  const { t } = useSpeech();
  if (page === 'desk') return <Desk me={me} />;
  if (page === 'board') return <Board me={me} />;
  if (page === 'inbox') return <Inbox me={me} agency={first} />;
  if (page === 'search') return <SearchPage query={first ?? ''} />;
  if (page === 'resolutions' && first) return <ResolutionPage key={first} id={first} me={me} />;
  if (page === 'referrals' && first) return <ReferralPage key={first} id={first} me={me} />;
  if (page === 'units' && first) return <UnitPage key={first} id={first} />;
  if (page === 'calendar') return <CalendarPage key={first} me={me} id={first} />;
  if (page === 'ladders') return <Ladders key={first} me={me} id={first} />;
  if (page === 'audit') return <AuditorsRoom room={first} stream={second} revision={third} />;
  if (page === 'differences') return <Differences axis={first} from={second} to={third} />;
  if (page === 'sessions') return first ? <SessionPage key={first} id={first} me={me} /> : <Sessions me={me} />;
  if (page === 'cases') return first ? <CasePage key={first} id={first} me={me} /> : <Cases me={me} />;
  if (page === 'obligations' && first && second) {
    return <ObligationPage key={`${first}/${second}`} resolution={first} obligation={second} me={me} />;
  }
  return (
    <Empty>
      {t('چنین صفحه‌ای نیست.', 'There is no such page.')} <a href={at('')}>{t('صفحهٔ نخست', 'The first page')}</a>
    </Empty>
  );
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
  const past = usePast();
  const own = useRead<{ name: string }>(me.agency && `agencies/${me.agency}`);
  const names: Record<string, string> = {
    board: t('میز دبیر', 'Board'),
    desk: t('میز', 'Desk'),
    sessions: t('جلسه‌ها', 'Sessions'),
    cases: t('پرونده‌ها', 'Cases'),
    inbox: t('کارتابل دستگاه', 'Inbox'),
    calendar: t('تقویم', 'Calendar'),
    search: t('جست‌وجو', 'Search'),
    ladders: t('نردبان‌ها', 'Ladders'),
    audit: t('اتاق حسابرس', 'Audit'),
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
          {me.agency && ` · ${own.data?.name ?? me.agency}`}
        </span>
        {TURNS_BACK.includes(me.role) && (
          <button
            type="button"
            aria-pressed={past !== undefined}
            onClick={() => lookAt(past ? undefined : { axis: 'validAt', date: today() })}
          >
            {t('ماشین زمان', 'Time machine')}
          </button>
        )}
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
