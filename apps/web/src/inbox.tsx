import { useState } from 'react';
import { useRead, type Me } from './api.js';
import { type AgencyName, type Scorecard } from './agencies.js';
import { today, useDays, type CalendarDay } from './days.js';
import { useSpeech } from './language.js';
import { Long } from './long.js';
import { Obligation, type Owed } from './obligation.js';
import { at, Await, DAY_MS, Empty, Figure, calendarName } from './parts.js';
import { nowMs } from './past.js';

/** What an agency owes, the nearest due first, with the working days that are left; and its own record. */
export function Inbox({ me, agency }: { me: Me; agency?: string }) {
  const { t } = useSpeech();
  const mine = agency ?? me.agency;
  const agencies = useRead<{ items: AgencyName[] }>('agencies?limit=500');
  if (me.role === 'unit' || me.role === 'admin')
    return <Empty>{t('این صفحه برای دستگاه‌هاست.', 'This page is for agencies.')}</Empty>;
  return (
    <Await of={agencies}>
      {({ items }) => {
        const chosen = items.find(({ id }) => id === mine) ?? items[0];
        if (!chosen) return <Empty>{t('هنوز دستگاهی ثبت نشده است.', 'No agency is registered yet.')}</Empty>;
        return (
          <>
            <header className="head">
              <h1>{t(`کارتابل ${chosen.name}`, `Inbox of ${chosen.name}`)}</h1>
              {items.length > 1 && (
                <label className="choose">
                  {t('دستگاه', 'Agency')}{' '}
                  <select value={chosen.id} onChange={({ target }) => (location.hash = at('inbox', target.value))}>
                    {items.map(({ id, name }) => (
                      <option key={id} value={id}>
                        {name}
                      </option>
                    ))}
                  </select>
                </label>
              )}
              <Record agency={chosen.id} />
            </header>
            <Owing key={chosen.id} agency={chosen} me={me} />
          </>
        );
      }}
    </Await>
  );
}

function Record({ agency }: { agency: string }) {
  const { t, n } = useSpeech();
  const card = useRead<Scorecard>(`agencies/${agency}/scorecard`);
  return (
    <Await of={card}>
      {({ obligations, kept, late, overdue, refuted, extensions }) => (
        <dl className="figures">
          <Figure value={n(obligations)} label={t('تکلیف', 'obligations')} />
          <Figure value={n(kept)} label={t('سر وقت', 'kept in time')} tone="good" />
          <Figure value={n(late)} label={t('با تأخیر', 'late')} />
          <Figure value={n(overdue)} label={t('مهلت گذشته', 'overdue')} tone={overdue > 0 ? 'bad' : ''} />
          <Figure value={n(refuted)} label={t('اعلام ردشده', 'refuted claims')} />
          <Figure value={n(extensions)} label={t('تمدید', 'extensions')} />
        </dl>
      )}
    </Await>
  );
}

/** The most that one read gives. */
const DAYS_AHEAD = 399;
const OPEN = 'issued,running,suspended,claimed,missed';
const CLOSED = 'met,met-late,revoked';

function Owing({ agency, me }: { agency: AgencyName; me: Me }) {
  const speech = useSpeech();
  const { t } = speech;
  const [closed, setClosed] = useState(false);
  // One read for all rows: nearly everything is counted on the agency's own calendar.
  const days = useDays(agency.calendar, today(), today(new Date(nowMs() + DAYS_AHEAD * DAY_MS)));
  return (
    <section aria-labelledby="owed">
      <div className="row">
        <h2 id="owed">{t('نزدیک‌ترین مهلت نخست', 'Nearest due first')}</h2>
        <div className="tabs" role="group" aria-label={t('کدام', 'Which')}>
          <button type="button" aria-pressed={!closed} onClick={() => setClosed(false)}>
            {t('باز', 'Open')}
          </button>
          <button type="button" aria-pressed={closed} onClick={() => setClosed(true)}>
            {t('بسته', 'Closed')}
          </button>
        </div>
      </div>
      <Long<Owed>
        key={String(closed)}
        path={`obligations?agency=${agency.id}&status=${closed ? CLOSED : OPEN}`}
        keyOf={({ resolution, obligation }) => `${resolution}/${obligation}`}
        row={(one) => (
          <Obligation
            of={one}
            me={me}
            left={<Left of={one} known={one.calendar === agency.calendar ? days.data?.items : undefined} />}
          />
        )}
        empty={
          <Empty>
            {closed
              ? t('هنوز تکلیفی بسته نشده است.', 'Nothing is closed yet.')
              : t('چیزی بدهکار نیستید. همهٔ تکلیف‌ها انجام شده‌اند.', 'Nothing is owed. Everything is done.')}
          </Empty>
        }
      />
      {!closed && (
        <p className="about">
          {t(
            `روزها با تقویم «${calendarName(agency.calendar, speech)}» شمرده می‌شوند.`,
            `Days are counted on the calendar “${calendarName(agency.calendar, speech)}”.`,
          )}
        </p>
      )}
    </section>
  );
}

/** Working days that are left, on the obligation's own calendar; today counts no more, the due day does. */
function Left({ of: { calendar, dueAt, status, suspension }, known }: { of: Owed; known?: readonly CalendarDay[] }) {
  const { t, n } = useSpeech();
  const running = dueAt !== undefined && (status === 'running' || status === 'claimed');
  const due = dueAt && today(new Date(dueAt));
  const reaches = known?.some(({ date }) => date === due);
  const own = useDays(running && !reaches ? calendar : undefined, today(), due && due > today() ? due : today());
  const days = reaches ? known!.filter(({ date }) => date <= due!) : own.data?.items;
  if (suspension?.remaining && 'workingDays' in suspension.remaining) {
    const { workingDays } = suspension.remaining;
    return <small>{t(`${n(workingDays)} روز کاری نگه داشته شده`, `${workingDays} working days kept`)}</small>;
  }
  if (!running || !days) return null;
  const left = days.filter(({ date, off }) => date > today() && !off).length;
  return (
    <b className={left <= 3 ? 'near' : 'left'}>
      {left === 0
        ? t('امروز', 'Today')
        : t(`${n(left)} روز کاری مانده`, `${left} working ${left === 1 ? 'day' : 'days'} left`)}
    </b>
  );
}
