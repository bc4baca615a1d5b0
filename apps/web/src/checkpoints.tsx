import { useEffect, useState } from 'react';
import { base64, parseSignedCheckpoint, parseVkey, whoSigned } from '#audit';
import { post, sentence, useRead, type Refusal } from './api.js';
import { useSpeech } from './language.js';
import { Await, Empty } from './parts.js';

const PAGE = 50;

interface Sealed {
  origin: string;
  key: string;
  rule: string;
  head: number;
  items: { size: number; note: string; reason: string; signedAt: string; witnesses: string[] }[];
}

const REASONS: Record<string, [string, string]> = {
  day: ['پایان روز', 'end of a day'],
  demand: ['به درخواست', 'on demand'],
  export: ['برای خروجی', 'for an export'],
  MinutesSigned: ['امضای صورتجلسه', 'minutes signed'],
  ResolutionCommunicated: ['ابلاغ مصوبه', 'resolution communicated'],
};

/** What the log is sealed with: every checkpoint, its signature reckoned here, and its witnesses. */
export function Checkpoints() {
  const speech = useSpeech();
  const { t, n, moment } = speech;
  const found = useRead<Sealed>('checkpoints');
  const [shown, setShown] = useState(PAGE);
  const [state, setState] = useState<'idle' | 'busy' | Refusal>('idle');
  const sign = () => {
    setState('busy');
    post('checkpoints', {}).then(
      () => (setState('idle'), found.again()),
      (error: Refusal) => setState(error),
    );
  };
  return (
    <Await of={found}>
      {({ origin, key, rule, head, items }) => (
        <>
          <section className="panel" aria-labelledby="seal">
            <h2 id="seal">{t('دفتر', 'The log')}</h2>
            <dl className="facts">
              <dt>{t('نام', 'Name')}</dt>
              <dd>
                <bdi>{origin}</bdi>
              </dd>
              <dt>{t('کلید (با نسخهٔ کاغذی بسنجید)', 'Key (compare it with the one on paper)')}</dt>
              <dd>
                <code dir="ltr">{key}</code>
              </dd>
              <dt>{t('شمار رویدادها', 'Entries')}</dt>
              <dd>{n(head)}</dd>
              <dt>{t('شاهدانی که خط‌مشی می‌خواهد', 'Witnesses that the policy asks for')}</dt>
              <dd>{rule === 'none' ? t('هیچ‌کدام', 'none') : <span dir="ltr">{rule}</span>}</dd>
            </dl>
            <div className="buttons">
              <button type="button" className="main" disabled={state === 'busy'} onClick={sign}>
                {t('سرِ دفتر اکنون مهر شود', 'Sign the head now')}
              </button>
            </div>
            {typeof state === 'object' && (
              <p className="notice is-bad" role="alert">
                {sentence(state, speech)}
              </p>
            )}
          </section>
          {items.length === 0 ? (
            <Empty>{t('هنوز مهری نیست.', 'There is no checkpoint yet.')}</Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th scope="col">{t('شمار رویدادها', 'Entries')}</th>
                  <th scope="col">{t('چرا', 'Why')}</th>
                  <th scope="col">{t('زمان مهر', 'Signed at')}</th>
                  <th scope="col">{t('ریشه', 'Root')}</th>
                  <th scope="col">{t('شاهدان', 'Witnesses')}</th>
                  <th scope="col">{t('امضا، در همین مرورگر آزموده', 'Signature, checked in this browser')}</th>
                </tr>
              </thead>
              <tbody>
                {items.slice(0, shown).map((one) => (
                  <tr key={one.size}>
                    <th scope="row">{n(one.size)}</th>
                    <td>{REASONS[one.reason] ? t(...REASONS[one.reason]!) : one.reason}</td>
                    <td data-label={t('زمان مهر', 'Signed at')}>{moment(one.signedAt)}</td>
                    <td dir="ltr">
                      <code>{base64(parseSignedCheckpoint(one.note).checkpoint.root).slice(0, 16)}…</code>
                    </td>
                    <td data-label={t('شاهدان', 'Witnesses')}>{one.witnesses.join(t('، ', ', ')) || '—'}</td>
                    <td>
                      <Holds note={one.note} by={key} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {items.length > shown && (
            <button type="button" onClick={() => setShown(shown + PAGE)}>
              {t('مهرهای پیشین', 'Earlier checkpoints')}
            </button>
          )}
        </>
      )}
    </Await>
  );
}

/** Whether the log's key signed a note: reckoned here, not asked of the server. */
function Holds({ note, by }: { note: string; by: string }) {
  const { t } = useSpeech();
  const [holds, setHolds] = useState<boolean>();
  useEffect(() => {
    let current = true;
    whoSigned(parseSignedCheckpoint(note).note, [parseVkey(by)]).then(
      (signed) => current && setHolds(signed.by.length === 1),
      () => current && setHolds(false),
    );
    return () => void (current = false);
  }, [note, by]);
  if (holds === undefined) return '…';
  return holds ? <span className="holds">✓ {t('درست', 'holds')}</span> : <b className="overdue">✗ {t('نادرست', 'forged')}</b>; // prettier-ignore
}
