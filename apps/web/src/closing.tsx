import { useState, type FormEvent } from 'react';
import type { Difference } from '#resolutions';
import { sentence, useDeed, whatIf, type Refusal } from './api.js';
import { plainDigits } from './digits.js';
import { useSpeech } from './language.js';
import { at } from './parts.js';

type Command = 'DeclareClosure' | 'CancelClosure' | 'DeclareHours';
const HOURS = /^\d\d:\d\d-\d\d:\d\d$/;

interface ChangeProps {
  calendar: string;
  dates: readonly string[];
  closed: ReadonlySet<string>;
  clear: () => void;
}

/** First what would move, then the deed. Whatever is changed in between asks for another look. */
export function Change({ calendar, dates, closed, clear }: ChangeProps) {
  const speech = useSpeech();
  const { t, n, day } = speech;
  const deed = useDeed();
  const [reason, setReason] = useState('');
  const [decree, setDecree] = useState('');
  const [hours, setHours] = useState('');
  const [wanted, setWanted] = useState<Command>('DeclareClosure');
  const [state, setState] = useState<{
    of?: string;
    found?: Difference[];
    error?: Refusal;
    busy?: boolean;
    done?: string;
  }>({});
  const opens = dates.filter((date) => closed.has(date)).length;
  const mixed = opens > 0 && opens < dates.length;
  const command: Command = opens > 0 ? 'CancelClosure' : wanted === 'CancelClosure' ? 'DeclareClosure' : wanted;
  const plain = plainDigits(hours).replaceAll(/\s/g, '').replace('–', '-');
  const said = { dates, ...(reason.trim() && { reason }), ...(decree.trim() && { decree }) };
  const data = command === 'DeclareHours' ? { ...said, hours: plain } : said;
  const of = JSON.stringify([command, data]);
  const found = state.of === of ? state.found : undefined;
  const words: Record<Command, [deed: string, done: string]> = {
    DeclareClosure: [t('تعطیلی اعلام شود', 'Declare the closure'), t('تعطیلی', 'Closed')],
    CancelClosure: [t('تعطیلی لغو شود', 'Cancel the closure'), t('لغو تعطیلی', 'Opened again')],
    DeclareHours: [t('ساعت اعلام شود', 'Declare the hours'), t('ساعت کار', 'Hours')],
  };
  const run = async (event: FormEvent) => {
    event.preventDefault();
    setState({ ...state, busy: true, error: undefined });
    try {
      if (!found) {
        const { differences } = await whatIf<{ differences: Difference[] }>(command, calendar, data);
        setState({ of, found: differences });
      } else {
        await deed(['calendar', calendar], command, data);
        setState({ done: `${words[command][1]}: ${dates.map((date) => day(date)).join(t('، ', ', '))}` });
        clear();
      }
    } catch (error) {
      setState({ of, found, error: error as Refusal });
    }
  };
  return (
    <form className="panel closure" onSubmit={(event) => void run(event)} aria-labelledby="closure">
      <h2 id="closure">
        {command === 'CancelClosure' ? t('لغو تعطیلی', 'Cancel a closure') : t('تعطیلی استان', 'Close the offices')}
      </h2>
      {state.done && (
        <p className="notice is-good" role="status">
          {state.done} {t('ثبت شد.', '(recorded).')}
        </p>
      )}
      {dates.length === 0 ? (
        <p className="empty">{t('هنوز روزی برگزیده نشده است.', 'No day is chosen yet.')}</p>
      ) : (
        <>
          <p>{dates.map((date) => day(date, true)).join(t('، ', ', '))}</p>
          {opens === 0 && (
            <div className="tabs" role="group" aria-label={t('چه کار', 'What')}>
              <button
                type="button"
                aria-pressed={command === 'DeclareClosure'}
                onClick={() => setWanted('DeclareClosure')}
              >
                {t('تعطیل', 'Close')}
              </button>
              <button type="button" aria-pressed={command === 'DeclareHours'} onClick={() => setWanted('DeclareHours')}>
                {t('ساعت دیگر', 'Other hours')}
              </button>
            </div>
          )}
          {mixed && (
            <p className="notice is-bad" role="alert">
              {t(
                'روزهای تعطیل‌شده و روزهای کاری را جداگانه برگزینید.',
                'Choose either closed days or working days, not both.',
              )}
            </p>
          )}
          {command === 'DeclareHours' && (
            <div className="field">
              <label htmlFor="hours">{t('از ساعت تا ساعت', 'From–to')}</label>
              <input
                id="hours"
                dir="ltr"
                required
                placeholder="07:30-12:00"
                value={hours}
                onChange={({ target }) => setHours(target.value)}
              />
            </div>
          )}
          <div className="field">
            <label htmlFor="reason">{t('دلیل', 'Reason')}</label>
            <input
              id="reason"
              required={command === 'DeclareClosure'}
              maxLength={500}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor="decree">{t('شمارهٔ مصوبه یا نامه', 'Decree')}</label>
            <input
              id="decree"
              required={command === 'DeclareClosure'}
              maxLength={200}
              value={decree}
              onChange={({ target }) => setDecree(target.value)}
            />
          </div>
          {found && <Moves of={found} />}
          {state.error && state.of === of && (
            <p className="notice is-bad" role="alert">
              {sentence(state.error, speech)}
            </p>
          )}
          <div className="buttons">
            <button
              type="submit"
              className="main"
              disabled={state.busy || mixed || (command === 'DeclareHours' && !HOURS.test(plain))}
            >
              {found ? words[command][0] : t('چه جابه‌جا می‌شود؟', 'What would move?')}
            </button>
            <button type="button" onClick={clear}>
              {t('پاک شود', 'Clear')}
            </button>
          </div>
          {!found && <p className="about">{t('هنوز چیزی ثبت نمی‌شود.', 'Nothing is recorded yet.')}</p>}
        </>
      )}
      <p className="sr" role="status">
        {found && t(`${n(found.length)} تغییر`, `${found.length} changes`)}
      </p>
    </form>
  );
}

function Moves({ of }: { of: readonly Difference[] }) {
  const { t, n, moment } = useSpeech();
  const deadlines = of.filter((one) => one.difference === 'deadline');
  const alarms = of.length - deadlines.length;
  if (of.length === 0)
    return <p className="notice is-good">{t('هیچ مهلت یا هشداری جابه‌جا نمی‌شود.', 'Nothing would move.')}</p>;
  return (
    <div className="notice">
      <p>
        <b>
          {t(
            `${n(deadlines.length)} مهلت و ${n(alarms)} یادآوری یا هشدار جابه‌جا می‌شود:`,
            `${deadlines.length} deadlines and ${alarms} reminders or escalations would change:`,
          )}
        </b>
      </p>
      <ul className="moves" tabIndex={0} aria-label={t('چه جابه‌جا می‌شود', 'What would move')}>
        {deadlines.map(({ resolution, obligation, from, to }) => (
          <li key={`${resolution}/${obligation}`}>
            <a href={at('obligations', resolution, obligation)}>{n(resolution)}</a>{' '}
            <span>{from ? moment(from) : '—'}</span> {t('←', '→')} <b>{to ? moment(to) : '—'}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
