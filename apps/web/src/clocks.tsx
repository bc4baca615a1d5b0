import type { Why } from '#resolutions';
import { useSpeech } from './language.js';
import type { Owed } from './obligation.js';
import { nowMs } from './past.js';

interface ClocksProps {
  owed: readonly Owed[];
  accounts: readonly Why[];
}

/** Every clock of a case on one scale: when it ran, when it stood still, when it was due, what rang, what ended it. */
export function Clocks({ owed, accounts }: ClocksProps) {
  const { t, day } = useSpeech();
  if (accounts.length === 0) return null;
  const lanes = accounts.map((why) => ({ why, of: owed.find((one) => one.resolution === why.resolution && one.obligation === why.obligation)! })); // prettier-ignore
  const ms = (at: string) => Date.parse(at);
  const instants = accounts.flatMap(({ chapters, steps, rungs }) => [
    ...chapters.flatMap(({ startedBy, dueAt }) => [ms(startedBy.at), ms(dueAt)]),
    ...steps.filter(({ type }) => type !== 'ResolutionIssued').map(({ at }) => ms(at)),
    ...rungs.flatMap(({ at }) => (at ? [ms(at)] : [])),
  ]);
  const now = nowMs();
  const [from, end] = [Math.min(...instants), Math.max(...instants)];
  const running = owed.some(({ open }) => open);
  const to = Math.max(from + 86_400_000, running ? Math.max(end, Math.min(now, end + (end - from) / 3)) : end);
  const x = (at: number) => `${(100 * (Math.min(at, to) - from)) / (to - from)}%`;
  const width = (a: number, b: number) => `${(100 * Math.max(0, Math.min(b, to) - a)) / (to - from)}%`;
  return (
    <figure className="panel clocks">
      <figcaption>{t('همهٔ ساعت‌ها', 'Every clock')}</figcaption>
      <ul>
        {lanes.map(({ why, of }) => {
          const settled = why.steps.find(({ type }) => type === 'ComplianceVerified' || type === 'ObligationRevoked');
          return (
            <li key={`${why.resolution}/${why.obligation}`}>
              <span className="name">{of.agencyName ?? of.agency}</span>
              <span className="lane" aria-hidden="true">
                {why.chapters.map(({ epoch, startedBy, dueAt, suspended }, index) => {
                  const next = why.chapters[index + 1];
                  const start = ms(startedBy.at);
                  const stop = suspended
                    ? ms(suspended.at)
                    : Math.min(ms(dueAt), next ? ms(next.startedBy.at) : Infinity);
                  const still = suspended && (next ? ms(next.startedBy.at) : settled ? ms(settled.at) : now);
                  return (
                    <span key={epoch}>
                      <i className="runs" style={{ insetInlineStart: x(start), width: width(start, stop) }} />
                      {still !== undefined && (
                        <i className="stands" style={{ insetInlineStart: x(stop), width: width(stop, still) }} />
                      )}
                    </span>
                  );
                })}
                {of.missedAt && (
                  <i
                    className="over"
                    style={{
                      insetInlineStart: x(ms(of.missedAt)),
                      width: width(ms(of.missedAt), settled ? ms(settled.at) : now),
                    }}
                  />
                )}
                {why.rungs
                  .filter(({ at }) => at)
                  .map((one) => (
                    <i
                      key={`${one.epoch} ${one.rung}`}
                      className={`mark is-${one.action}`}
                      style={{ insetInlineStart: x(ms(one.at!)) }}
                    />
                  ))}
                {settled && <i className="mark is-settled" style={{ insetInlineStart: x(ms(settled.at)) }} />}
              </span>
            </li>
          );
        })}
      </ul>
      <p className="scale">
        <span>{day(new Date(from).toISOString(), true)}</span>
        <span>{day(new Date(to).toISOString(), true)}</span>
      </p>
      <ul className="legend" aria-hidden="true">
        <li className="runs">{t('در مهلت', 'running')}</li>
        <li className="stands">{t('متوقف', 'suspended')}</li>
        <li className="over">{t('پس از مهلت', 'overdue')}</li>
        <li className="mark is-remind">{t('یادآوری', 'reminder')}</li>
        <li className="mark is-escalate">{t('ارجاع به بالا', 'escalation')}</li>
        <li className="mark is-settled">{t('پایان', 'settled')}</li>
      </ul>
    </figure>
  );
}
