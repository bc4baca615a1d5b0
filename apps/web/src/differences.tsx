import type { Changed, Outline } from '../../api/past.controller.js';
import type { Status } from '#resolutions';
import { useRead } from './api.js';
import { DateField } from './date-field.js';
import { today } from './days.js';
import { useSpeech } from './language.js';
import { endOf, type Moment } from './past.js';
import { at, Await, Empty, office, Pill } from './parts.js';

interface DifferencesProps {
  axis?: string;
  from?: string;
  to?: string;
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** What is different in the record between two days. */
export default function Differences({ axis: asked, from: first, to: second }: DifferencesProps) {
  const { t, n, day } = useSpeech();
  const axis: Moment['axis'] = asked === 'asOf' ? 'asOf' : 'validAt';
  const to = second && DAY.test(second) ? second : today();
  const from = first && DAY.test(first) ? first : to;
  const go = (a: string, b: string) => (location.hash = at('differences', axis, a, b));
  const found = useRead<{ count: number; items: Changed[] }>(
    `past/differences?axis=${axis}&from=${endOf(from)}&to=${endOf(to)}`,
  );
  return (
    <>
      <header className="head">
        <h1>{t('تفاوت دو روز', 'Between two days')}</h1>
        <div className="row start">
          <DateField label={t('از پایان', 'From the end of')} value={from} max={to} change={(date) => go(date, to)} />
          <DateField label={t('تا پایان', 'to the end of')} value={to} min={from} change={(date) => go(from, date)} />
        </div>
        <p className="about">
          {axis === 'asOf'
            ? t('آنچه در هر روز دانسته بود.', 'What was known on each day.')
            : t('آنچه تا هر روز رخ داده بود.', 'What had happened by each day.')}
        </p>
      </header>
      <Await of={found}>
        {({ count, items }) =>
          count === 0 ? (
            <Empty>{t('هیچ چیز فرق نکرده است.', 'Nothing is different.')}</Empty>
          ) : (
            <>
              <p role="status">
                {t(
                  `${n(count)} تفاوت میان ${day(from, true)} و ${day(to, true)}`,
                  `${count} differences between ${day(from, true)} and ${day(to, true)}`,
                )}
                {count > items.length && t(`؛ ${n(items.length)} تا نشان داده شده`, `; ${items.length} of them shown`)}
              </p>
              {(['session', 'case', 'resolution', 'obligation'] as const).map((kind) => (
                <Kind key={kind} kind={kind} items={items.filter((one) => one.kind === kind)} />
              ))}
            </>
          )
        }
      </Await>
    </>
  );
}

function Kind({ kind, items }: { kind: Outline['kind']; items: readonly Changed[] }) {
  const { t, n } = useSpeech();
  if (items.length === 0) return null;
  const names = {
    session: t('جلسه‌ها', 'Sessions'),
    case: t('پرونده‌ها', 'Cases'),
    resolution: t('مصوبه‌ها', 'Resolutions'),
    obligation: t('تکلیف‌ها', 'Obligations'),
  };
  const address = ({ id }: Changed) =>
    at(...(kind === 'obligation' ? ['obligations', ...id.split('/')] : [`${kind}s`, id]));
  return (
    <section aria-labelledby={kind}>
      <h2 id={kind}>
        {names[kind]} <small>{n(items.length)}</small>
      </h2>
      <table className="list">
        <thead>
          <tr>
            <th scope="col">{t('چه', 'What')}</th>
            <th scope="col">{t('پیش‌تر', 'Before')}</th>
            <th scope="col">{t('سپس', 'After')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                <a href={address(one)}>
                  {kind === 'session' ? t(`جلسهٔ ${n(one.title)}`, `Session ${one.title}`) : n(one.title)}
                </a>
                <small>
                  <bdi>{one.id}</bdi>
                </small>
              </th>
              <td data-label={t('پیش‌تر', 'Before')}>
                <State of={one.from} />
              </td>
              <td data-label={t('سپس', 'After')}>
                <State of={one.to} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const WORDS: Record<string, [string, string]> = {
  scheduled: ['برنامه‌ریزی‌شده', 'scheduled'],
  open: ['در جریان', 'open'],
  signed: ['امضاشده', 'signed'],
  opened: ['گشوده', 'opened'],
  reviewed: ['بررسی‌شده', 'reviewed'],
  tabled: ['در دستور', 'tabled'],
  closed: ['بسته', 'closed'],
  issued: ['صادرشده', 'issued'],
  communicated: ['ابلاغ‌شده', 'communicated'],
  fulfilled: ['انجام‌شده', 'fulfilled'],
  revoked: ['لغوشده', 'revoked'],
};

function State({ of }: { of?: Outline }) {
  const speech = useSpeech();
  const { t, day, n, moment } = speech;
  if (!of) return <span className="about">{t('نبود', 'not there')}</span>;
  const word = WORDS[of.status];
  return (
    <>
      {of.kind === 'obligation' ? <Pill status={of.status as Status} /> : word ? t(...word) : of.status}
      {of.session && <small> · {t(`جلسهٔ ${n(of.session)}`, of.session)}</small>}
      {of.dueAt && <small> · {of.kind === 'session' ? day(of.dueAt) : moment(of.dueAt)}</small>}
      {of.escalatedTo && <small> · {t(`تا ${office(of.escalatedTo, speech)}`, `up to ${of.escalatedTo}`)}</small>}
    </>
  );
}
