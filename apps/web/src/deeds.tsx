import { useState } from 'react';
import { type AgencyName } from './agencies.js';
import { giveEvidence, send, useRead, type Me } from './api.js';
import { Form, type FormProps, type Values } from './form.js';
import { useSpeech } from './language.js';
import { at } from './parts.js';
import type { Owed } from './obligation.js';

type Deed = Omit<FormProps, 'close' | 'about'> & { main?: boolean };

/** A term or none: the number of working days that was typed. */
const withTerm = ({ workingDays, ...rest }: Values): object =>
  workingDays === undefined ? rest : { ...rest, workingDays: Number(workingDays) };

/**
 * What this reader can do about an obligation now. Only what helps is left out here: whether it may be done is decided
 * by the API.
 */
export function Deeds({ of, me }: { of: Owed; me: Me }) {
  const [open, setOpen] = useState<Deed>();
  const { t, n } = useSpeech();
  const deeds = useDeeds(of, me);
  return (
    <div className="deeds">
      {deeds.map((deed) => (
        <button key={deed.title} type="button" className={deed.main ? 'main' : ''} onClick={() => setOpen(deed)}>
          {deed.title}
        </button>
      ))}
      <a href={at('obligations', of.resolution, of.obligation)}>{t('صفحهٔ این تکلیف', 'Its page')}</a>
      {of.case && <a href={at('cases', of.case)}>{t('پرونده', 'The case')}</a>}
      {open && (
        <Form
          {...open}
          about={`${n(of.number)} · ${of.agencyName ?? of.agency}: ${of.action}`}
          close={() => setOpen(undefined)}
        />
      )}
    </div>
  );
}

function useDeeds(of: Owed, me: Me): Deed[] {
  const { t } = useSpeech();
  const reassigns = of.open && (me.role === 'secretary' || me.role === 'governor');
  const agencies = useRead<{ items: AgencyName[] }>(reassigns ? 'agencies?limit=500' : undefined);
  if (!of.open) return [];
  const say = (command: string, data: object, key: string) =>
    send(['resolution', of.resolution], command, { obligation: of.obligation, ...data }, key);
  const days = { name: 'workingDays', kind: 'days' as const, hint: t('روز کاری، ۱ تا ۷۵۰', 'Working days, 1 to 750') };
  const reason = { name: 'reason', label: t('دلیل', 'Reason'), kind: 'long' as const };
  const referral = (command: string, title: string, body: string): Deed => ({
    title,
    action: t('ارجاع شود', 'Refer'),
    note: t(
      'ارجاع، انجام تکلیف نیست: ساعت و نردبان همچنان کار می‌کنند.',
      'Referred is not done: clock and ladder go on.',
    ),
    fields: [
      { name: 'body', label: body },
      { name: 'basis', label: t('مبنای قانونی', 'Legal basis'), kind: 'long' },
    ],
    submit: (values, key) => say(command, values, key),
  });

  const blocked = (of.blockedBy ?? []).length > 0;
  const reassignment: Deed = {
    main: blocked,
    title: t('سپردن به دستگاه دیگر', 'Reassign'),
    action: t('سپرده شود', 'Reassign'),
    note: t('مهلت تازه از همین امروز آغاز می‌شود.', 'The new term starts today.'),
    fields: [
      {
        name: 'agency',
        label: t('دستگاه', 'Agency'),
        kind: 'select',
        options: (agencies.data?.items ?? []).map(({ id, name }) => [id, name]),
        initial: of.agency,
      },
      { ...days, label: t('مهلت تازه', 'New term') },
      { ...reason, optional: true },
    ],
    submit: (values, key) => say('ReassignObligation', withTerm(values), key),
  };
  const reassign = agencies.data && (of.waitsOn || ['running', 'missed'].includes(of.status)) ? [reassignment] : [];

  if (me.role === 'governor') {
    return [
      {
        main: true,
        title: t('دستور استاندار', 'Directive'),
        action: t('دستور صادر شود', 'Issue the directive'),
        note: t('با مهلت تازه، ساعت از همین امروز از نو آغاز می‌شود.', 'With a new term the clock starts anew today.'),
        fields: [
          { name: 'text', label: t('متن دستور', 'The order'), kind: 'long' },
          { ...days, label: t('مهلت تازه', 'New term'), optional: !blocked },
        ],
        submit: (values, key) => say('IssueDirective', withTerm(values), key),
      },
      referral(
        'ReferToNational',
        t('ارجاع ملی', 'Refer nationally'),
        t('وزارتخانه یا نهاد ملی', 'Ministry or national body'),
      ),
      referral('ReferToOversight', t('ارجاع به بازرسی', 'Refer to oversight'), t('نهاد نظارتی', 'Oversight body')),
      ...reassign,
    ];
  }
  if (me.role === 'agency' && me.agency === of.agency) {
    const claim: Deed = {
      main: true,
      title: t('اعلام انجام', 'Report compliance'),
      action: t('اعلام شود', 'Report it'),
      note: t(`معیار پذیرش: ${of.acceptance}`, `Counts as done: ${of.acceptance}`),
      fields: [
        {
          name: 'files',
          label: t('مدارک', 'Evidence'),
          kind: 'file',
          hint: t(
            'اثر انگشت هر پرونده (SHA-256) در همین مرورگر حساب می‌شود.',
            'Each file is hashed (SHA-256) in this browser.',
          ),
        },
        { name: 'note', label: t('توضیح', 'Note'), kind: 'long', optional: true },
      ],
      submit: async ({ note }, key, files, progress) => {
        const all = files.reduce((sum, { size }) => sum + size, 0);
        const sent = files.map(() => 0);
        const gave = (index: number) => (bytes: number) => {
          sent[index] = bytes;
          progress(sent.reduce((sum, one) => sum + one, 0) / all);
        };
        const evidence = await Promise.all(files.map((file, index) => giveEvidence(file, gave(index))));
        await say('ReportCompliance', { evidence, note }, key);
      },
    };
    const extension: Deed = {
      title: t('درخواست تمدید', 'Ask for an extension'),
      action: t('درخواست شود', 'Ask'),
      fields: [{ ...days, label: t('چند روز کاری', 'How many working days') }, reason],
      submit: (values, key) => say('RequestExtension', withTerm(values), key),
    };
    return [...(of.claimed ? [] : [claim]), ...(of.status === 'running' ? [extension] : [])];
  }
  const deeds: Deed[] = [];
  if (of.claimed && ['secretary', 'expert', 'deputy', 'oversight'].includes(me.role)) {
    const note = { name: 'note', label: t('توضیح', 'Note'), kind: 'long' as const };
    deeds.push(
      {
        main: true,
        title: t('تأیید انجام', 'Verify'),
        action: t('تأیید شود', 'Verify'),
        fields: [{ ...note, optional: true }],
        submit: (values, key) => say('VerifyCompliance', values, key),
      },
      {
        title: t('رد اعلام انجام', 'Refute'),
        action: t('رد شود', 'Refute'),
        note: t('ساعت اصلی ادامه می‌یابد.', 'The original clock goes on.'),
        fields: [note],
        submit: (values, key) => say('RefuteCompliance', values, key),
      },
    );
  }
  if (me.role !== 'secretary' && me.role !== 'deputy') return deeds;
  const grounds = [
    { name: 'ground', label: t('دلیل قانونی', 'Legal ground'), kind: 'long' as const },
    { name: 'document', label: t('شمارهٔ سند', 'Number of the document') },
  ];
  if (of.status === 'running') {
    const asked = pending(of);
    deeds.push({
      main: asked !== undefined,
      title: t('تمدید مهلت', 'Extend'),
      action: t('تمدید شود', 'Extend'),
      note: asked && t(`دستگاه خواسته است: ${asked.reason}`, `The agency asks: ${asked.reason}`),
      fields: [
        { ...days, label: t('چند روز کاری', 'How many working days'), initial: asked?.workingDays?.toString() },
        { ...reason, initial: asked?.reason },
      ],
      submit: (values, key) => say('GrantExtension', withTerm(values), key),
    });
    if (asked) {
      deeds.push({
        title: t('رد درخواست تمدید', 'Refuse the extension'),
        action: t('رد شود', 'Refuse'),
        fields: [reason],
        submit: (values, key) => say('RefuseExtension', values, key),
      });
    }
  }
  if (of.status === 'running' || of.status === 'missed') {
    deeds.push({
      title: t('توقف مهلت', 'Suspend'),
      action: t('متوقف شود', 'Suspend'),
      note: t('آنچه از مهلت مانده است نگه داشته می‌شود.', 'What is left of the term is kept.'),
      fields: [
        ...grounds,
        {
          name: 'reviewAfter',
          label: t('بازنگری پس از چند روز کاری', 'Review after how many working days'),
          kind: 'days',
          hint: t('۱ تا ۶۰', '1 to 60'),
        },
      ],
      submit: ({ reviewAfter, ...values }, key) =>
        say('SuspendDeadline', { ...values, reviewAfter: Number(reviewAfter) }, key),
    });
  }
  if (of.status === 'suspended') {
    deeds.push({
      main: true,
      title: t('ادامهٔ مهلت', 'Resume'),
      action: t('ادامه یابد', 'Resume'),
      fields: grounds,
      submit: (values, key) => say('ResumeDeadline', values, key),
    });
  }
  return me.role === 'secretary' ? [...deeds, ...reassign] : deeds;
}

interface Request {
  at: string;
  reason: string;
  workingDays?: number;
}

/** The extension that was asked for and not decided on. */
function pending({ latest }: Owed): Request | undefined {
  const asked = latest['ExtensionRequested'] as unknown as Request | undefined;
  const decided = ['ExtensionGranted', 'ExtensionRefused'].some(
    (type) => asked && latest[type] && latest[type].at >= asked.at,
  );
  return decided ? undefined : asked;
}
