import { unzipSync } from 'fflate';
import { useState, type FormEvent } from 'react';
import { Malformed } from '#audit';
import { CODES, exitCode, STAGES, type Report } from '#apps/verifier/report';
import { verify, type Source } from '#apps/verifier/verify';
import { fetched, sentence, type Refusal } from './api.js';
import { useSpeech } from './language.js';

const SCOPES = ['all', 'case', 'agency', 'session'] as const;
/** Unpacked, together. */
const MAX_BYTES = 1_000_000_000;
const BREATH_MS = 50;

const within = (bytes: number, path: string, limit: number): void => {
  if (bytes > limit) throw new Malformed(`${path} has ${bytes} bytes; ${limit} are expected at most`);
};

/** Between two files the page may draw. */
function breathing(source: Source): Source {
  let last = performance.now();
  return {
    async read(path, limit) {
      if (performance.now() - last > BREATH_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        last = performance.now();
      }
      return source.read(path, limit);
    },
  };
}

/** A chosen folder; the first part of each path is its own name. */
function folderOf(files: Iterable<File>): Source {
  const byPath = new Map([...files].map((file) => [file.webkitRelativePath.replace(/^[^/]*\//, ''), file]));
  return {
    async read(path, limit) {
      const file = byPath.get(path);
      if (!file) return undefined;
      within(file.size, path, limit);
      return new Uint8Array(await file.arrayBuffer());
    },
  };
}

/** A zip, unpacked here. @throws Malformed */
async function zipOf(file: Blob): Promise<Source> {
  let bytes = 0;
  const files = unzipSync(new Uint8Array(await file.arrayBuffer()), {
    filter: ({ name, originalSize }) => {
      within((bytes += originalSize), name, MAX_BYTES);
      return true;
    },
  });
  return {
    async read(path, limit) {
      const content = Object.hasOwn(files, path) ? files[path] : undefined;
      if (content) within(content.length, path, limit);
      return content;
    },
  };
}

interface Verdict {
  report?: Report;
  done: number;
  of: number;
  busy: boolean;
  /** The file could not even be opened. */
  wrong?: string;
}
const IDLE: Verdict = { done: 0, of: 1, busy: false };

/** An export is made and taken home; any export, this one or an old one, is verified in the browser alone. */
export function Verification() {
  const { t } = useSpeech();
  const [key, setKey] = useState('');
  const [since, setSince] = useState<File>();
  const [verdict, setVerdict] = useState(IDLE);
  const run = async (open: () => Source | Promise<Source>) => {
    setVerdict({ ...IDLE, busy: true });
    try {
      const source = breathing(await open());
      const brought = { key: key.trim() || undefined, since: await since?.text() };
      const report = await verify(source, brought, (done, of) => setVerdict({ done, of, busy: true }));
      setVerdict({ done: 1, of: 1, busy: false, report });
    } catch (error) {
      setVerdict({ ...IDLE, wrong: (error as Error).message });
    }
  };
  return (
    <div className="two">
      <Export check={(zip) => void run(() => zipOf(zip))} />
      <section className="panel" aria-labelledby="verify">
        <h2 id="verify">{t('راستی‌آزمایی', 'Verification')}</h2>
        <p className="about">{t('هیچ چیز از این مرورگر فرستاده یا گرفته نمی‌شود.', 'Nothing is sent or fetched.')}</p>
        <label className="field">
          {t('کلید دفتر از روی کاغذ', "The log's key, from paper")}
          <input dir="ltr" value={key} onChange={({ target }) => setKey(target.value)} />
        </label>
        <label className="field">
          {t('مهر بازدید پیشین (اختیاری)', 'The checkpoint of your last visit (optional)')}
          <input type="file" onChange={({ target }) => setSince(target.files?.[0])} />
        </label>
        <label className="field">
          {t('فایل خروجی (zip)', 'The export (zip)')}
          <input
            type="file"
            accept=".zip,application/zip"
            disabled={verdict.busy}
            onChange={({ target }) => target.files?.[0] && void run(() => zipOf(target.files![0]!))}
          />
        </label>
        <label className="field">
          {t('یا پوشهٔ خروجی', 'or the folder')}
          <input
            type="file"
            {...{ webkitdirectory: '' }}
            disabled={verdict.busy}
            onChange={({ target }) => target.files?.length && void run(() => folderOf(target.files!))}
          />
        </label>
        <Outcome of={verdict} />
      </section>
    </div>
  );
}

function Export({ check }: { check: (zip: Blob) => void }) {
  const speech = useSpeech();
  const { t, n } = speech;
  const [scope, setScope] = useState<(typeof SCOPES)[number]>('all');
  const [id, setId] = useState('');
  const [state, setState] = useState<{ busy?: boolean; zip?: Blob; name?: string; error?: Refusal }>({});
  const names = {
    all: t('همهٔ دفتر', 'The whole log'),
    case: t('یک پرونده', 'A case'),
    agency: t('یک دستگاه', 'An agency'),
    session: t('یک جلسه', 'A session'),
  };
  const make = async (event: FormEvent) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      const of = scope === 'all' ? '' : `&id=${encodeURIComponent(id.trim())}`;
      const answer = await fetched(`export?scope=${scope}${of}`);
      const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'peygir.zip';
      const zip = await answer.blob();
      setState({ zip, name });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(zip);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      setState({ error: error as Refusal });
    }
  };
  return (
    <form className="panel" onSubmit={(event) => void make(event)} aria-labelledby="export">
      <h2 id="export">{t('خروجی', 'Export')}</h2>
      <p className="about">
        {t(
          'پوشه‌ای که خود را ثابت می‌کند، با راستی‌آزمای خودش. سرِ دفتر برای آن مهر می‌شود.',
          'A folder that proves itself, with a verifier of its own. The head of the log is signed for it.',
        )}
      </p>
      <label className="field">
        {t('چه چیز', 'What')}
        <select value={scope} onChange={({ target }) => setScope(target.value as typeof scope)}>
          {SCOPES.map((each) => (
            <option key={each} value={each}>
              {names[each]}
            </option>
          ))}
        </select>
      </label>
      {scope !== 'all' && (
        <label className="field">
          {t('شناسه', 'Id')}
          <input dir="ltr" required value={id} onChange={({ target }) => setId(target.value)} />
        </label>
      )}
      {state.error && (
        <p className="notice is-bad" role="alert">
          {sentence(state.error, speech)}
        </p>
      )}
      {state.zip && (
        <p className="notice is-good" role="status">
          {t(
            `${state.name} · ${n(Math.ceil(state.zip.size / 1024))} کیلوبایت`,
            `${state.name} · ${Math.ceil(state.zip.size / 1024)} kB`,
          )}
        </p>
      )}
      {state.busy && (
        <p role="status">
          {t('خروجی ساخته و مهر می‌شود؛ دفتر بزرگ زمان می‌برد…', 'Being made and signed; a large log takes its time…')}
          <progress />
        </p>
      )}
      <div className="buttons">
        <button type="submit" className="main" disabled={state.busy}>
          {t('بساز و ببر', 'Make and download')}
        </button>
        {state.zip && (
          <button type="button" onClick={() => check(state.zip!)}>
            {t('همین را بیازما', 'Verify this one')}
          </button>
        )}
      </div>
    </form>
  );
}

/** The ten stages with what each of them found. */
function Outcome({ of: { report, done, of, busy, wrong } }: { of: Verdict }) {
  const { t, n } = useSpeech();
  if (wrong !== undefined) {
    return (
      <p className="notice is-bad" role="alert">
        ✗ {t('این فایل خروجی نیست:', 'This is no export:')} <bdi>{wrong}</bdi>
      </p>
    );
  }
  if (busy) return <progress max={of} value={done} aria-label={t('پیشرفت راستی‌آزمایی', 'Progress')} />;
  if (!report) return null;
  const good = exitCode(report) === 0;
  const unreadable = report.findings.filter(({ code }) => CODES[code][0] === 0);
  return (
    <>
      <p className={`notice ${good ? 'is-good' : 'is-bad'}`} role="status">
        <b>{good ? t('✓ درست است.', '✓ It holds.') : t('✗ نادرست است.', '✗ It does not hold.')}</b>{' '}
        {report.checkpoint && t(`${n(report.checkpoint.entries)} رویداد`, `${report.checkpoint.entries} entries`)}
      </p>
      {unreadable.map(({ code, detail }, index) => (
        <p key={index} className="overdue">
          {t(CODES[code][2], CODES[code][1])} <bdi>{detail}</bdi>
        </p>
      ))}
      <ol className="checks">
        {STAGES.map(([name, english, persian], index) => {
          const wrong = report.findings.filter(({ code }) => CODES[code][0] === index + 1);
          if (report.stages <= index && wrong.length === 0) return null;
          return (
            <li key={name} className={wrong.length === 0 ? 'holds' : 'overdue'}>
              {wrong.length === 0 ? '✓' : '✗'} {t(persian, english)}
              {wrong.map(({ code, detail }, each) => (
                <small key={each}>
                  {t(CODES[code][2], CODES[code][1])} <bdi>{detail}</bdi>
                </small>
              ))}
            </li>
          );
        })}
      </ol>
      {report.notes.map((note) => (
        <p key={note} className="about" lang="en" dir="ltr">
          {note}
        </p>
      ))}
      {report.checkpoint && good && (
        <p>
          <a href={`data:text/plain;charset=utf-8,${encodeURIComponent(report.checkpoint.note)}`} download="checkpoint">
            {t('مهر را برای بازدید بعد ببرید', 'Take the checkpoint home for your next visit')}
          </a>
        </p>
      )}
    </>
  );
}
