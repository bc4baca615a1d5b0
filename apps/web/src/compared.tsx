import { useState } from 'react';
import type { Difference } from '#resolutions';
import { today, useDays } from './days.js';
import { plainDigits } from './digits.js';
import { useSpeech } from './language.js';
import { at } from './parts.js';
import { inOrder, type Rung } from './rungs.js';
import { actionWords } from './track.js';

/** What the two versions would make of what is running, if nobody did anything else. */
export function Comparison({ of }: { of: readonly Difference[] }) {
  const { t, n, moment } = useSpeech();
  if (of.length === 0) {
    return (
      <p className="notice is-good" role="status">
        {t('برای آنچه اکنون در جریان است فرقی نمی‌کرد.', 'It would make no difference to what is running now.')}
      </p>
    );
  }
  const count = (kind: Difference['difference']) => of.filter(({ difference }) => difference === kind).length;
  const words = {
    appears: t('می‌آید', 'comes'),
    vanishes: t('دیگر نمی‌آید', 'comes no more'),
    moves: t('جابه‌جا می‌شود', 'moves'),
    deadline: t('مهلت', 'deadline'),
    status: t('وضعیت', 'status'),
  };
  return (
    <div className="notice" role="status">
      <p>
        <b>
          {t(
            `اگر آنچه در جریان است این نردبان را داشت، تا ۱۲۰ روز: ${n(count('appears'))} پله می‌آمد، ${n(count('vanishes'))} پله نمی‌آمد و ${n(count('moves'))} پله جابه‌جا می‌شد.`,
            `If what is running had this ladder, within 120 days ${count('appears')} rungs would come, ${count('vanishes')} would not and ${count('moves')} would move.`,
          )}
        </b>
      </p>
      <ul className="moves">
        {of.slice(0, 60).map((one, index) => (
          <li key={index}>
            <a href={at('obligations', one.resolution, one.obligation)}>{n(one.resolution)}</a> {words[one.difference]}
            {'what' in one && <span dir="ltr"> {one.what}</span>} {'at' in one && moment(one.at)}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Both versions in days of the calendar, for something that is communicated today. */
export function Dates({ force, draft }: { force: readonly Rung[]; draft: readonly Rung[] }) {
  const speech = useSpeech();
  const { t, n, day } = speech;
  const [term, setTerm] = useState(15);
  const from = today();
  const to = new Date(Date.parse(from) + 399 * 86_400_000).toISOString().slice(0, 10);
  const days = useDays('offices', from, to);
  const working = days.data?.items.filter(({ date, off }) => date > from && !off).map(({ date }) => date);
  const dateOf = (one?: Rung) => {
    const date = one?.days !== undefined && working?.[term - 1 + one.days];
    return date ? day(date) : '—';
  };
  const ids = [...new Set([...inOrder(draft), ...force].map(({ id }) => id))];
  return (
    <details className="story">
      <summary>{t('به روز: اگر امروز ابلاغ شود', 'In days: if it is communicated today')}</summary>
      <label>
        {t('مهلت، روز کاری', 'Term, working days')}{' '}
        <input
          className="short"
          inputMode="numeric"
          value={n(term)}
          onChange={({ target }) => setTerm(Math.min(250, Number(plainDigits(target.value).replaceAll(/\D/g, ''))))}
        />
      </label>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('پله', 'Rung')}</th>
            <th scope="col">{t('در اجرا', 'In force')}</th>
            <th scope="col">{t('پیش‌نویس', 'Draft')}</th>
          </tr>
        </thead>
        <tbody>
          {ids.map((id) => {
            const [a, b] = [force.find((one) => one.id === id), draft.find((one) => one.id === id)];
            return (
              <tr key={id}>
                <th scope="row">{actionWords((b ?? a)!, speech)}</th>
                <td>{dateOf(a)}</td>
                <td>{dateOf(a) === dateOf(b) ? dateOf(b) : <b>{dateOf(b)}</b>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}
