import { useEffect, useState } from 'react';
import { base64, climb, leafHash, parseLeaf, parseProof, parseSignedCheckpoint, parseVkey, sameHash, whoSigned, type Leaf, type Step } from '#audit'; // prettier-ignore
import { fetched, post, useRead, type Refusal } from './api.js';
import { useSpeech } from './language.js';
import { at, Await } from './parts.js';

interface Proven {
  leaf: Leaf;
  hash: string;
  index: number;
  size: number;
  steps: Step[];
  root: string;
  /** The event is the one that was asked for, the way leads to the root, and the log signed the root. */
  same: boolean;
  leads: boolean;
  signed: boolean;
}

/** Reckons a proof (c2sp.org/tlog-proof) here, with the verifier's own code. @throws Malformed */
async function reckon(text: string, key: string, stream: string, revision: string): Promise<Proven> {
  const { index, hashes, checkpoint, extra } = parseProof(text);
  const { note, checkpoint: signed } = parseSignedCheckpoint(checkpoint);
  const leaf = parseLeaf(extra!);
  const hash = leafHash(extra!);
  const steps = climb(index, signed.size, hash, hashes);
  return {
    leaf,
    hash: base64(hash),
    index,
    size: signed.size,
    steps: steps ?? [],
    root: base64(signed.root),
    same: leaf.stream === stream && String(leaf.revision) === revision,
    leads: steps !== undefined && sameHash(steps.at(-1)?.above ?? hash, signed.root),
    signed: (await whoSigned(note, [parseVkey(key)])).by.length === 1,
  };
}

/** The proof of one event: from the event up to the root that the log has signed, every step reckoned in the browser. */
export function Proof({ stream, revision }: { stream: string; revision: string }) {
  const { t } = useSpeech();
  const log = useRead<{ key: string }>('checkpoints');
  const [paper, setPaper] = useState('');
  const [state, setState] = useState<{ proven?: Proven; text?: string; error?: Refusal; wrong?: string }>({});
  const [turn, again] = useState(0);
  const key = paper.trim() || log.data?.key;
  useEffect(() => {
    if (!key) return;
    let current = true;
    const work = async () => {
      const text = await (await fetched(`proofs/${stream}/${revision}`)).text();
      try {
        return { text, proven: await reckon(text, key, stream, revision) };
      } catch (error) {
        return { text, wrong: (error as Error).message };
      }
    };
    work().then(
      (found) => current && setState(found),
      (error: Refusal) => current && setState({ error }),
    );
    return () => void (current = false);
  }, [stream, revision, key, turn]);
  const seal = () => void post('checkpoints', {}).then(() => again(turn + 1), (error: Refusal) => setState({ error })); // prettier-ignore
  return (
    <section className="panel" aria-labelledby="proof">
      <h2 id="proof">
        {t('اثبات رویداد', 'Proof of an event')} <small dir="ltr">{`${stream} · ${revision}`}</small>
      </h2>
      <label className="field">
        {t('کلید دفتر از روی کاغذ، اگر دارید', "The log's key from paper, if you have it")}
        <input dir="ltr" value={paper} onChange={({ target }) => setPaper(target.value)} placeholder={log.data?.key} />
      </label>
      {state.error?.code === 'no-checkpoint' && (
        <div className="buttons">
          <button type="button" className="main" onClick={seal}>
            {t('سرِ دفتر اکنون مهر شود', 'Sign the head now')}
          </button>
        </div>
      )}
      {state.wrong && (
        <p className="notice is-bad" role="alert">
          ✗ {t('این اثبات خواندنی نیست:', 'The proof cannot be read:')} {state.wrong}
        </p>
      )}
      {!state.wrong && (
        <Await of={{ data: state.proven, error: state.error ?? log.error, again: () => again(turn + 1) }}>
          {(proven) => <Way of={proven} text={state.text!} />}
        </Await>
      )}
      <p>
        <a href={at('audit', 'events')}>{t('بازگشت به رویدادها', 'Back to the events')}</a>
      </p>
    </section>
  );
}

function Way({ of, text }: { of: Proven; text: string }) {
  const { t, n } = useSpeech();
  const good = of.same && of.leads && of.signed;
  const checks: [boolean, string][] = [
    [of.same, t('این همان رویداد است', 'It is this event')],
    [of.leads, t('راه از رویداد به ریشه می‌رسد', 'The way leads from the event to the root')],
    [of.signed, t('کلید دفتر این ریشه را امضا کرده است', "The log's key has signed this root")],
  ];
  const save = `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`;
  return (
    <>
      <p className={`notice ${good ? 'is-good' : 'is-bad'}`} role="status">
        <b>
          {good ? t('✓ اثبات درست است.', '✓ The proof holds.') : t('✗ اثبات نادرست است.', '✗ The proof does not hold.')}
        </b>{' '}
        {t('همه در همین مرورگر حساب شد.', 'All of it was reckoned in this browser.')}
      </p>
      <ul className="checks">
        {checks.map(([holds, what]) => (
          <li key={what} className={holds ? 'holds' : 'overdue'}>
            {holds ? '✓' : '✗'} {what}
          </li>
        ))}
      </ul>
      <ol className="way" dir="ltr">
        <li>
          <small>
            {t(`رویداد شمارهٔ ${n(of.index)} از ${n(of.size)}`, `entry ${of.index} of ${of.size}`)} · SHA-256
          </small>
          <code>{of.hash}</code>
        </li>
        {of.steps.map(({ sibling, side, above }, index) => (
          <li key={index} className={`is-${side}`}>
            <small>{side === 'left' ? t('همسایهٔ چپ', 'left sibling') : t('همسایهٔ راست', 'right sibling')}</small>
            <code className="sibling">{base64(sibling)}</code>
            <small>{t('گرهِ بالا', 'node above')}</small>
            <code>{base64(above)}</code>
          </li>
        ))}
        <li className="root">
          <small>{t('ریشهٔ امضاشده', 'signed root')}</small>
          <code>{of.root}</code>
        </li>
      </ol>
      <details>
        <summary>{t('رویداد، چنان که در برگ دفتر است', 'The event as it stands in the log')}</summary>
        <pre dir="ltr" tabIndex={0} aria-label={t('رویداد', 'Event')}>
          {JSON.stringify(of.leaf, null, 1)}
        </pre>
      </details>
      <p>
        <a href={save} download={`${of.leaf.stream}-${of.leaf.revision}.tlog-proof`}>
          {t('رسید را ببرید', 'Take the receipt home')}
        </a>
      </p>
    </>
  );
}
