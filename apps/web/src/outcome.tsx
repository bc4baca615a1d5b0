import { send, type Me } from './api.js';
import { Deed } from './board.js';
import type { CaseItem } from './cases.js';
import { today } from './days.js';
import type { Field } from './form.js';
import { useSpeech } from './language.js';

/** Closing a case, looking at its outcome later, and opening it again when that is not what it should be. */
export function Outcome({ of, me }: { of: CaseItem; me: Me }) {
  const { t, day } = useSpeech();
  const secretary = me.role === 'secretary';
  const yesOrNo = (name: string, label: string, hint?: string): Field => ({
    name,
    label,
    hint,
    kind: 'select',
    options: [
      ['yes', t('بله', 'Yes')],
      ['no', t('نه', 'No')],
    ],
  });
  if (!of.check) {
    if (!secretary) return null;
    return (
      <div className="deeds">
        <Deed
          main={false}
          title={t('بستن پرونده', 'Close the case')}
          about={of.title}
          action={t('بسته شود', 'Close')}
          fields={[
            { name: 'outcome', label: t('نتیجه', 'Outcome'), kind: 'long' },
            yesOrNo(
              'solved',
              t('مشکل حل شد؟', 'Was it solved?'),
              t('اگر حل شده باشد، نود روز دیگر نتیجه سنجیده می‌شود.', 'If so, its outcome is checked in ninety days.'),
            ),
          ]}
          submit={({ outcome, solved }, key) =>
            send(['case', of.id], 'CloseCase', { outcome, solved: solved === 'yes' }, key)
          }
        />
      </div>
    );
  }
  const { from, owed } = of.check;
  const due = from <= today();
  return (
    <>
      {owed && (
        <p className={due ? 'notice' : 'about'}>
          {due
            ? t(
                `نتیجه از ${day(from, true)} باید سنجیده شود.`,
                `Its outcome is to be checked since ${day(from, true)}.`,
              )
            : t(`نتیجه از ${day(from, true)} سنجیده می‌شود.`, `Its outcome is checked from ${day(from, true)} on.`)}
        </p>
      )}
      <div className="deeds">
        {due && (secretary || me.role === 'expert') && (
          <Deed
            main={owed}
            title={t('سنجش نتیجه', 'Check the outcome')}
            about={of.title}
            action={t('ثبت شود', 'Record')}
            fields={[
              yesOrNo('unitOpen', t('واحد کار می‌کند؟', 'Is the unit open?')),
              { name: 'jobs', label: t('شمار شاغلان', 'People who work there'), kind: 'number', optional: true },
              {
                name: 'output',
                label: t('تولید', 'Output'),
                kind: 'number',
                optional: true,
                hint: t('درصد ظرفیت، ۰ تا ۱۰۰۰', 'Percent of its capacity, 0 to 1000'),
              },
              { name: 'note', label: t('توضیح', 'Note'), kind: 'long', optional: true },
            ]}
            submit={({ unitOpen, jobs, output, note }, key) => {
              const found = {
                unitOpen: unitOpen === 'yes',
                ...(jobs && { jobs: Number(jobs) }),
                ...(output && { output: Number(output) }),
                note,
              };
              return send(['case', of.id], 'RecordOutcomeCheck', found, key);
            }}
          />
        )}
        {secretary && (
          <Deed
            main={false}
            title={t('گشودن دوباره', 'Reopen')}
            about={of.title}
            action={t('دوباره گشوده شود', 'Reopen')}
            fields={[{ name: 'reason', label: t('دلیل', 'Reason'), kind: 'long' }]}
            submit={(values, key) => send(['case', of.id], 'ReopenCase', values, key)}
          />
        )}
      </div>
    </>
  );
}
