import { useId, useLayoutEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import { sentence, type Refusal } from './api.js';
import { plainDigits } from './digits.js';
import { useSpeech } from './language.js';

export interface Field {
  name: string;
  label: string;
  kind?: 'text' | 'long' | 'days' | 'number' | 'term' | 'file' | 'select' | 'several';
  /** Of a `select`, or of `several` (whose value is those that were chosen, with spaces between): value and name. */
  options?: readonly (readonly [string, string])[];
  /** What stands there before anything is typed. */
  initial?: string;
  optional?: boolean;
  hint?: string;
}

export type Values = Record<string, string>;

export interface FormProps {
  title: string;
  about?: string;
  fields: readonly Field[];
  action: string;
  /** Asks for more fields of a kind: another obligation. */
  more?: { label: string; run: () => void };
  /** Hears of what is typed or chosen, for fields that depend on others. */
  onChange?: (name: string, value: string) => void;
  /** What it does, said before it is done. */
  note?: string;
  /** `key` stays the same while nothing was changed, so that sending again after a lost answer is no second deed. */
  submit: (values: Values, key: string, files: readonly File[], progress: (share: number) => void) => Promise<unknown>;
  close: () => void;
}

/** A question with one answer, in a dialog. What was typed stays when something fails. */
export function Form({ title, about, fields, action, more, onChange, note, submit, close }: FormProps) {
  const speech = useSpeech();
  const { t } = speech;
  const dialog = useRef<HTMLDialogElement>(null);
  const [values, setValues] = useState<Values>({});
  // What was chosen may be among the options no longer, when they depend on another field.
  const valueOf = ({ name, kind, initial, options }: Field) => {
    const value = values[name] ?? initial;
    if (kind === 'several') return inOrder(options, (id) => chosenIn(value).includes(id));
    return options?.every(([id]) => id !== value) ? (options[0]?.[0] ?? '') : (value ?? '');
  };
  const [files, setFiles] = useState<readonly File[]>([]);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const [state, setState] = useState<'open' | 'sending' | Refusal>('open');
  /** From 0 to 1, of what takes long. */
  const [share, setShare] = useState<number>();
  const id = useId();

  // Closed while it is still on the page, so that the focus goes back to where it came from.
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);

  const change = (name: string, value: string) => {
    setValues((before) => ({ ...before, [name]: value }));
    setKey(crypto.randomUUID());
    onChange?.(name, value);
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setState('sending');
    const given = fields.flatMap((field) => {
      const value = valueOf(field).trim();
      return value === ''
        ? []
        : [[field.name, ['days', 'number', 'term'].includes(field.kind ?? '') ? plainDigits(value) : value]];
    });
    try {
      await submit(Object.fromEntries(given) as Values, key, files, setShare);
      close();
    } catch (error) {
      setState(error as Refusal);
      setShare(undefined);
    }
  };
  /** From a field of many lines, too, in which Enter means another line. */
  const sendByKey = (event: KeyboardEvent<HTMLFormElement>) => {
    if (event.key === 'Enter' && event.ctrlKey) event.currentTarget.requestSubmit();
  };

  // What the engine calls `obligations[0].agency` is a field of this form, with a name that its reader knows.
  const errors = typeof state === 'object' ? state.errors : [];
  const fieldOf = (path: string) => {
    const [, index, last] = /(?:\[(\d+)\])?\.?(\w+)$/.exec(path.replace(/\.(workingDays|duration)$/, '')) ?? [];
    const wanted = last === 'workingDays' ? ['workingDays', 'term'] : [last];
    const among = wanted.flatMap((name) => [name, `${name}${Number(index ?? path.match(/\[(\d+)\]/)?.[1] ?? 0) + 1}`]);
    return fields.find(({ name }) => among.includes(name));
  };
  const named = errors.map(({ path, reason }) => ({ path: fieldOf(path)?.label ?? path, reason }));
  const isWrong = (name: string) => errors.some(({ path }) => fieldOf(path)?.name === name);

  return (
    <dialog ref={dialog} className="form" aria-labelledby={`${id}-heading`} onCancel={close}>
      <form onSubmit={(event) => void send(event)} onKeyDown={sendByKey}>
        <h2 id={`${id}-heading`}>{title}</h2>
        {about && <p className="about">{about}</p>}
        {fields.map((field) => {
          const { name, label, kind = 'text', options, optional, hint } = field;
          const common = {
            id: id + name,
            name,
            required: !optional,
            'aria-invalid': isWrong(name) || undefined,
            'aria-describedby': hint ? `${id + name}hint` : undefined,
          };
          const text = {
            ...common,
            value: valueOf(field),
            onChange: (event: { target: { value: string } }) => change(name, event.target.value),
          };
          if (kind === 'several') {
            const chosen = chosenIn(text.value);
            const turn = (one: string) => (id: string) => (id === one ? !chosen.includes(id) : chosen.includes(id));
            return (
              <fieldset className="field" key={name} aria-describedby={common['aria-describedby']}>
                <legend>{label}</legend>
                {options?.map(([one, words]) => (
                  <label key={one}>
                    <input
                      type="checkbox"
                      checked={chosen.includes(one)}
                      aria-invalid={common['aria-invalid']}
                      onChange={() => change(name, inOrder(options, turn(one)))}
                    />{' '}
                    {words}
                  </label>
                ))}
                {hint && (
                  <p className="hint" id={`${id + name}hint`}>
                    {hint}
                  </p>
                )}
              </fieldset>
            );
          }
          return (
            <div className="field" key={name}>
              <label htmlFor={id + name}>
                {label}
                {optional && <small> ({t('اختیاری', 'optional')})</small>}
              </label>
              {kind === 'long' && <textarea rows={4} maxLength={4000} {...text} />}
              {kind === 'text' && <input maxLength={1000} {...text} />}
              {(kind === 'days' || kind === 'number') && (
                <input
                  inputMode="numeric"
                  pattern={`[0-9۰-۹٠-٩]{1,${kind === 'days' ? 3 : 7}}`}
                  className="short"
                  {...text}
                />
              )}
              {kind === 'term' && (
                <input pattern="[0-9۰-۹٠-٩]{1,3}|[Pp][0-9A-Za-z]{2,38}" className="short" {...text} />
              )}
              {kind === 'select' && (
                <select {...text}>
                  {options?.map(([value, label]) => (
                    <option key={value} value={value}>
                      {label}
                    </option>
                  ))}
                </select>
              )}
              {kind === 'file' && (
                <input
                  type="file"
                  multiple
                  {...common}
                  onChange={(event) => {
                    setFiles([...(event.target.files ?? [])]);
                    setKey(crypto.randomUUID());
                  }}
                />
              )}
              {hint && (
                <p className="hint" id={`${id + name}hint`}>
                  {hint}
                </p>
              )}
            </div>
          );
        })}
        {note && <p className="about">{note}</p>}
        {typeof state === 'object' && (
          <p className="notice is-bad" role="alert">
            {sentence({ ...state, errors: named }, speech)}
          </p>
        )}
        {state === 'sending' && share !== undefined && (
          <progress value={share} aria-label={t('پیشرفت فرستادن', 'Progress of sending')} />
        )}
        <div className="buttons">
          <button type="submit" className="main" disabled={state === 'sending'}>
            {state === 'sending' ? t('در حال فرستادن…', 'Sending…') : action}
          </button>
          {more && (
            <button type="button" onClick={more.run}>
              {more.label}
            </button>
          )}
          <button type="button" onClick={close}>
            {t('انصراف', 'Cancel')}
          </button>
        </div>
      </form>
    </dialog>
  );
}

const chosenIn = (value = ''): string[] => value.split(' ').filter(Boolean);
const inOrder = (options: Field['options'], isChosen: (id: string) => boolean): string =>
  (options ?? []).flatMap(([id]) => (isChosen(id) ? [id] : [])).join(' ');
