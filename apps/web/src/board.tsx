import { useState } from 'react';
import type { Category } from '#directory';
import { send, useRead } from './api.js';
import { CATEGORIES } from './categories.js';
import { today, useDays } from './days.js';
import { Form, type FormProps } from './form.js';
import { useSpeech } from './language.js';
import { at, Await, Empty } from './parts.js';

const DAY_MS = 86_400_000;
const AHEAD_DAYS = 60;

/** A button, and the form that it opens. */
export function Deed({ main = true, ...form }: Omit<FormProps, 'close'> & { main?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className={main ? 'main' : ''} onClick={() => setOpen(true)}>
        {form.title}
      </button>
      {open && <Form {...form} close={() => setOpen(false)} />}
    </>
  );
}

interface ScheduleProps {
  group: string;
  /** The number of the session that needs another day, and the day that is proposed. */
  move?: number;
  day?: string;
}

/** The next session of a group, or another day for one, among the working days ahead; Tuesdays are offered first. */
export function Schedule({ group, move, day: proposed }: ScheduleProps) {
  const { t, day } = useSpeech();
  const until = today(new Date(Date.now() + AHEAD_DAYS * DAY_MS));
  const days = useDays('offices', today(), until);
  const open = (days.data?.items ?? []).filter(({ off }) => !off).map(({ date }) => date);
  const tuesday = (date: string) => (new Date(date).getUTCDay() === 2 ? 0 : 1);
  return (
    <Deed
      main={move === undefined}
      title={move ? t('روز دیگر', 'Another day') : t('برنامه‌ریزی جلسهٔ بعد', 'Schedule the next session')}
      action={t('برنامه‌ریزی شود', 'Schedule')}
      note={
        move ? undefined : t('شمارهٔ جلسه را سامانه می‌دهد، بی‌جاافتادگی.', 'The engine gives the number, without gaps.')
      }
      fields={[
        {
          name: 'date',
          label: t('روز', 'Day'),
          kind: 'select',
          options: open.toSorted((a, b) => tuesday(a) - tuesday(b)).map((date) => [date, day(date, true)]),
          initial: proposed,
        },
      ]}
      submit={(values, key) =>
        move
          ? send(['workingGroup', group], 'RescheduleSession', { number: move, ...values }, key)
          : send(['workingGroup', group], 'ScheduleSession', values, key)
      }
    />
  );
}

export function OpenIt({ session }: { session: string }) {
  const { t } = useSpeech();
  return (
    <Deed
      title={t('گشودن جلسه', 'Open the session')}
      action={t('گشوده شود', 'Open')}
      fields={[
        {
          name: 'attendance',
          label: t('حاضران', 'Present'),
          kind: 'long',
          initial: 'governor\nsecretary',
          hint: t('هر سطر یک نام.', 'One a line.'),
        },
      ]}
      submit={({ attendance = '' }, key) => {
        const names = attendance.split('\n').map((name) => name.trim());
        return send(['session', session], 'OpenSession', { attendance: names.filter(Boolean) }, key);
      }}
    />
  );
}

/** Reviewed cases that wait for an agenda. */
export function Table({ session }: { session: string }) {
  const { t } = useSpeech();
  const ready = useRead<{ items: { id: string; title: string; category: Category }[] }>(
    'cases?status=reviewed&limit=100',
  );
  return (
    <section aria-labelledby="ready">
      <h3 id="ready">{t('آمادهٔ دستور جلسه', 'Ready for the agenda')}</h3>
      <Await of={ready}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('پروندهٔ بررسی‌شده‌ای در انتظار نیست.', 'No reviewed case is waiting.')}</Empty>
          ) : (
            <ul>
              {items.map(({ id, title, category }) => (
                <li key={id} className="row">
                  <span>
                    <a href={at('cases', id)}>{title}</a> <small>{t(...CATEGORIES[category])}</small>
                  </span>
                  <Deed
                    main={false}
                    title={t('در دستور بگذار', 'Put on the agenda')}
                    about={title}
                    action={t('در دستور گذاشته شود', 'Put it on')}
                    fields={[]}
                    submit={(_, key) => send(['case', id], 'TableCase', { session }, key)}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Await>
    </section>
  );
}

const CHANNELS: readonly (readonly [string, string, string])[] = [
  ['desk', 'میز خدمت', 'Desk'],
  ['phone', 'تلفن', 'Phone'],
  ['portal', 'درگاه', 'Portal'],
  ['chamber', 'اتاق بازرگانی', 'Chamber'],
  ['agency', 'دستگاه', 'Agency'],
];

/** Intake: a matter becomes a case. */
export function OpenCase() {
  const { t } = useSpeech();
  return (
    <Deed
      title={t('پروندهٔ تازه', 'New case')}
      action={t('گشوده شود', 'Open')}
      fields={[
        { name: 'title', label: t('عنوان', 'Title') },
        { name: 'category', label: t('موضوع', 'Subject'), kind: 'select', options: Object.entries(CATEGORIES).map(([id, name]) => [id, t(...name)]) }, // prettier-ignore
        { name: 'channel', label: t('از کدام راه', 'Channel'), kind: 'select', options: CHANNELS.map(([id, fa, en]) => [id, t(fa, en)]) }, // prettier-ignore
        { name: 'unit', label: t('شناسهٔ واحد', 'Unit id'), optional: true },
        { name: 'statement', label: t('شرح', 'Statement'), kind: 'long' },
      ]}
      // The id comes of the key, so that sending again opens no second case.
      submit={async (values, key) => {
        const id = `c-${key.slice(0, 8)}`;
        await send(['case', id], 'OpenCase', values, key);
        location.hash = at('cases', id);
      }}
    />
  );
}

/** The expert's word, without which nothing gets on an agenda. */
export function Review({ of }: { of: string }) {
  const { t } = useSpeech();
  return (
    <div className="deeds">
      <Deed
        title={t('نظر کارشناسی', 'Technical review')}
        action={t('ثبت شود', 'Record')}
        fields={[
          { name: 'technicalNote', label: t('نظر فنی', 'Technical note'), kind: 'long' },
          { name: 'recommendation', label: t('پیشنهاد', 'Recommendation'), kind: 'long' },
        ]}
        submit={(values, key) => send(['case', of], 'ReviewCase', { ...values, checklist: [] }, key)}
      />
    </div>
  );
}
