import { useMemo, useState, type FormEvent } from 'react';
import type { LadderVersion } from '#directory';
import { useRead, type Me } from './api.js';
import { Draft } from './draft.js';
import { useSpeech } from './language.js';
import { at, Await, Empty } from './parts.js';
import { drawn, spanOf, type Rung } from './rungs.js';
import { Terms } from './terms.js';
import { actionWords, offsetWords, Track } from './track.js';

interface LadderItem {
  id: string;
  versions: LadderVersion[];
}

const MAY_DEFINE: readonly string[] = ['admin', 'governor'];
const ID = /^[A-Za-z0-9._-]{1,100}$/;

/** Who is told of what, and when: as pictures, and where the reader may, as pictures to be changed. */
export default function Ladders({ me, id = 'standard' }: { me: Me; id?: string }) {
  const { t } = useSpeech();
  const found = useRead<{ items: LadderItem[] }>('ladders?limit=500');
  const may = MAY_DEFINE.includes(me.role);
  return (
    <>
      <header className="head">
        <h1>{t('نردبان پیگیری و مهلت‌ها', 'Ladders and terms')}</h1>
        <div className="row">
          <div className="tabs" role="group" aria-label={t('نردبان‌ها', 'Ladders')}>
            {found.data?.items.map((one) => (
              <a key={one.id} href={at('ladders', one.id)} aria-current={one.id === id ? 'page' : undefined} dir="ltr">
                {one.id}
              </a>
            ))}
          </div>
          {may && <NewLadder taken={found.data?.items.map((one) => one.id) ?? []} />}
        </div>
        <p className="about">
          {t(
            'آنچه در جریان است نردبانی را که با آن صادر شده نگه می‌دارد؛ نسخهٔ تازه برای مصوبه‌های بعدی است.',
            'What is running keeps the ladder it was issued with; a new version is for what comes later.',
          )}
        </p>
      </header>
      <Await of={found}>
        {({ items }) => {
          const versions = items.find((one) => one.id === id)?.versions ?? [];
          if (versions.length === 0 && !may)
            return <Empty>{t('چنین نردبانی نیست.', 'There is no such ladder.')}</Empty>;
          return <Ladder key={`${id} ${versions.length}`} id={id} versions={versions} may={may} />;
        }}
      </Await>
      <Terms me={me} />
    </>
  );
}

function NewLadder({ taken }: { taken: readonly string[] }) {
  const { t } = useSpeech();
  const [name, setName] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    location.hash = at('ladders', name.trim());
  };
  return (
    <form className="row start" onSubmit={submit}>
      <label>
        {t('نردبان تازه', 'New ladder')}{' '}
        <input
          dir="ltr"
          size={14}
          required
          pattern="[A-Za-z0-9._\-]{1,100}"
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
      </label>
      <button type="submit" disabled={!ID.test(name.trim()) || taken.includes(name.trim())}>
        {t('آغاز', 'Begin')}
      </button>
    </form>
  );
}

function Ladder({ id, versions, may }: { id: string; versions: readonly LadderVersion[]; may: boolean }) {
  const { t, n, day } = useSpeech();
  const [shown, setShown] = useState<number>();
  const force = versions.at(-1);
  const compared = versions.find(({ version }) => version === shown) ?? force;
  const picture = useMemo(
    () => compared && { rungs: drawn(compared), repeat: compared.repeat?.workingDays },
    [compared],
  );
  const span = spanOf(...(picture ? [picture] : []));
  const nameOf = ({ version, at: since, by }: LadderVersion) =>
    [
      version === force!.version ? t(`نسخهٔ ${n(version)}، در اجرا`, `Version ${version}, in force`) : t(`نسخهٔ ${n(version)}`, `Version ${version}`), // prettier-ignore
      since ? `${day(since, true)} · ${by}` : t('با سامانه آمده', 'built in'),
    ].join(' · ');
  return (
    <>
      {picture && (
        <section className="panel" aria-labelledby="force">
          <div className="row">
            <h2 id="force">
              {t('نردبان', 'Ladder')} <span dir="ltr">{id}</span>
            </h2>
            {versions.length > 1 && (
              <label>
                {t('نسخه', 'Version')}{' '}
                <select value={compared!.version} onChange={({ target }) => setShown(Number(target.value))}>
                  {versions.toReversed().map((one) => (
                    <option key={one.version} value={one.version}>
                      {nameOf(one)}
                    </option>
                  ))}
                </select>
              </label>
            )}
          </div>
          <Track name={nameOf(compared!)} {...picture} span={span} />
          <Rungs of={picture.rungs} repeat={picture.repeat} />
        </section>
      )}
      {may && <Draft id={id} force={force} />}
    </>
  );
}

function Rungs({ of, repeat }: { of: readonly Rung[]; repeat?: number }) {
  const speech = useSpeech();
  const { t, n } = speech;
  return (
    <ol className="rungs">
      {of.map((one) => (
        <li key={one.key}>
          <b>{offsetWords(one, speech)}</b> {actionWords(one, speech)}
          {one.legalBasis && <small> {one.legalBasis}</small>}
        </li>
      ))}
      {repeat && <li>{t(`و سپس هر ${n(repeat)} روز کاری دوباره`, `and again every ${repeat} working days`)}</li>}
    </ol>
  );
}
