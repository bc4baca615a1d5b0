import { useState, type FormEvent } from 'react';
import type { LadderVersion } from '#directory';
import type { Difference } from '#resolutions';
import { sentence, useDeed, whatIf, type Refusal } from './api.js';
import { Comparison, Dates } from './compared.js';
import { plainDigits } from './digits.js';
import { useSpeech, type Speech } from './language.js';
import { office } from './parts.js';
import { body, drawn, inOrder, newKey, spanOf, type Rung } from './rungs.js';
import { Track } from './track.js';

const RECIPIENTS = ['agency', 'secretary', 'deputy', 'governor', 'inspection'];

/** A new version in the making: drawn beside the one in force, compared, and only then adopted. */
export function Draft({ id, force }: { id: string; force?: LadderVersion }) {
  const speech = useSpeech();
  const { t, n } = speech;
  const deed = useDeed();
  const start = () => ({
    rungs: force ? drawn(force) : [aRung([], 5)],
    repeat: force ? (force.repeat?.workingDays ?? 0) : 10,
  });
  const [draft, setDraft] = useState(start);
  const [state, setState] = useState<{ of?: string; found?: Difference[]; error?: Refusal; sent?: Rung[]; busy?: boolean; done?: boolean }>({}); // prettier-ignore
  const { rungs, repeat } = draft;
  const sending = inOrder(rungs);
  const data = body(sending, repeat || undefined);
  const of = JSON.stringify(data);
  const same = force !== undefined && of === JSON.stringify(body(drawn(force), force.repeat?.workingDays));
  const found = state.of === of ? state.found : undefined;
  const refused = state.of === of ? faultsOf(state.error, state.sent ?? []) : undefined;
  const patch = (key: number, change: Partial<Rung>) =>
    setDraft({ ...draft, rungs: rungs.map((one) => (one.key === key ? { ...one, ...change } : one)) });
  const remove = (key: number) => setDraft({ ...draft, rungs: rungs.filter((one) => one.key !== key) });
  const move = (key: number, days: number) => patch(key, { days, side: days < 0 ? 'before' : 'after' });

  const run = async (event: FormEvent) => {
    event.preventDefault();
    setState({ ...state, busy: true, error: undefined });
    try {
      if (!found) {
        const { differences } = await whatIf<{ differences: Difference[] }>('DefineLadder', id, data);
        setState({ of, found: differences });
      } else {
        await deed(['ladder', id], 'DefineLadder', data);
        setState({ done: true });
      }
    } catch (error) {
      setState({ of, found, error: error as Refusal, sent: sending });
    }
  };
  return (
    <form className="panel draft" onSubmit={(event) => void run(event)} aria-labelledby="draft" noValidate>
      <h2 id="draft">{t('نسخهٔ تازه', 'A new version')}</h2>
      <p className="about">
        {t(
          'پله را بکشید، یا با کلیدهای جهت جابه‌جا و با Delete حذف کنید. پلهٔ «پایان مهلت» در هر نردبانی هست.',
          'Drag a rung, or move it with the arrow keys and take it away with Delete. The rung “due” is in every ladder.',
        )}
      </p>
      <Track
        name={t('پیش‌نویس', 'Draft')}
        rungs={rungs}
        repeat={repeat}
        span={spanOf(draft, ...(force ? [{ rungs: drawn(force) }] : []))}
        move={move}
        remove={remove}
        wrong={new Set(refused?.byRung.keys())}
      />
      <ol className="rungs edit">
        {rungs.map((one, index) => (
          <RungRow
            key={one.key}
            of={one}
            place={index + 1}
            fault={refused?.byRung.get(one.key)}
            patch={(change) => patch(one.key, change)}
            remove={() => remove(one.key)}
          />
        ))}
      </ol>
      <div className="row start">
        <button type="button" onClick={() => setDraft({ ...draft, rungs: [...rungs, aRung(rungs)] })}>
          {t('پلهٔ دیگر', 'Add a rung')}
        </button>
        <label>
          {t(
            'تکرار پس از پلهٔ آخر، هر چند روز کاری (۰: هرگز)',
            'Repeat after the last rung, every … working days (0: never)',
          )}{' '}
          <input
            className="short"
            inputMode="numeric"
            value={n(repeat)}
            onChange={({ target }) =>
              setDraft({ ...draft, repeat: Number(plainDigits(target.value).replaceAll(/\D/g, '')) })
            }
          />
        </label>
      </div>
      {refused?.rest && (
        <p className="notice is-bad" role="alert">
          {refused.rest(speech)}
        </p>
      )}
      {state.done && (
        <p className="notice is-good" role="status">
          {t('نسخهٔ تازه در اجراست.', 'The new version is in force.')}
        </p>
      )}
      {found && <Comparison of={found} />}
      {force && <Dates force={drawn(force)} draft={rungs} />}
      <div className="buttons">
        <button type="submit" className="main" disabled={state.busy || same}>
          {found
            ? t('این نسخه به اجرا درآید', 'Adopt this version')
            : t('با نسخهٔ در اجرا بسنج', 'Compare with the version in force')}
        </button>
        <button type="button" disabled={same} onClick={() => (setDraft(start()), setState({}))}>
          {t('از نو', 'Start over')}
        </button>
      </div>
      {same && !state.done && (
        <p className="about">{t('هنوز فرقی با نسخهٔ در اجرا ندارد.', 'It is still the version in force.')}</p>
      )}
    </form>
  );
}

/** A rung after all others, under a name of its own. */
function aRung(among: readonly Rung[], days = Math.max(0, ...among.map((one) => one.days ?? 0)) + 5): Rung {
  let count = among.length + 1;
  while (among.some(({ id }) => id === `rung-${count}`)) count += 1;
  return { key: newKey(), id: `rung-${count}`, days, side: 'after', action: 'escalate', to: 'governor' };
}

interface RungRowProps {
  of: Rung;
  place: number;
  fault?: string;
  patch: (change: Partial<Rung>) => void;
  remove: () => void;
}

function RungRow({ of: one, place, fault, patch, remove }: RungRowProps) {
  const speech = useSpeech();
  const { t, n } = speech;
  const name = t(`پلهٔ ${n(place)}`, `Rung ${place}`);
  const shown = one.days === undefined ? (one.duration ?? '') : n(Math.abs(one.days));
  const offset = (text: string) => {
    const plain = plainDigits(text);
    if (/^\d{0,3}$/.test(plain)) patch({ days: (one.side === 'before' ? -1 : 1) * Number(plain), duration: undefined });
    else patch({ days: undefined, duration: plain.toUpperCase() });
  };
  const turn = (side: Rung['side']) =>
    patch({ side, ...(one.days !== undefined && { days: (side === 'before' ? -1 : 1) * Math.abs(one.days) }) });
  return (
    <li className={fault ? 'is-wrong' : ''}>
      <fieldset>
        <legend>{name}</legend>
        <label>
          {t('نام', 'Id')}{' '}
          <input
            dir="ltr"
            size={12}
            value={one.id}
            aria-invalid={fault !== undefined}
            onChange={({ target }) => patch({ id: target.value })}
          />
        </label>
        <label>
          {t('روز کاری یا PT72H', 'Working days or PT72H')}{' '}
          <input className="short" value={shown} onChange={({ target }) => offset(target.value)} />
        </label>
        <label>
          {t('کی', 'When')}{' '}
          <select value={one.side} onChange={({ target }) => turn(target.value as Rung['side'])}>
            <option value="before">{t('پیش از مهلت', 'before the due instant')}</option>
            <option value="after">{t('پس از مهلت', 'after it')}</option>
          </select>
        </label>
        <label>
          {t('کار', 'Action')}{' '}
          <select value={one.action} onChange={({ target }) => patch({ action: target.value as Rung['action'] })}>
            <option value="remind">{t('یادآوری', 'remind')}</option>
            <option value="escalate">{t('گزارش به بالا', 'escalate')}</option>
          </select>
        </label>
        <label>
          {t('به', 'To')}{' '}
          <select value={one.to} onChange={({ target }) => patch({ to: target.value })}>
            {[...new Set([...RECIPIENTS, one.to])].map((each) => (
              <option key={each} value={each}>
                {office(each, speech)}
              </option>
            ))}
          </select>
        </label>
        <label className="wide">
          {t('مبنای قانونی', 'Legal basis')}{' '}
          <input value={one.legalBasis ?? ''} onChange={({ target }) => patch({ legalBasis: target.value })} />
        </label>
        <button type="button" onClick={remove} aria-label={t(`حذف ${name}`, `Remove ${name.toLowerCase()}`)}>
          {t('حذف', 'Remove')}
        </button>
      </fieldset>
      {fault && (
        <p className="overdue" role="alert">
          {fault}
        </p>
      )}
    </li>
  );
}

/** A refusal, taken apart: what concerns a rung stands at that rung. */
function faultsOf(error: Refusal | undefined, sent: readonly Rung[]) {
  if (!error) return undefined;
  const byRung = new Map<number, string>();
  let told = false;
  for (const { path, reason } of error.errors) {
    const index = /^(?:data\.)?rungs(?:\[(\d+)\]|\.(\d+))/.exec(path);
    const rung = index && sent[Number(index[1] ?? index[2])];
    if (!rung) continue;
    byRung.set(rung.key, [byRung.get(rung.key), reason].filter(Boolean).join('; '));
    told = true;
  }
  const left = error.errors.filter(({ path }) => !/rungs[[.]\d/.test(path));
  return { byRung, rest: told && left.length === 0 ? undefined : (speech: Speech) => sentence(error, speech) };
}
