/** One thing to tell, as the outbox holds it. */
export interface Item {
  type: string;
  /** Or the case, where it is about one. */
  resolution: string;
  obligation: string;
  /** The rung, the duty, or who is silent. */
  detail: string;
  due_at: string;
  number: string | null;
  agency: string | null;
  action: string | null;
  /** Who answered for the office when this fell to it; absent for agencies and vacant offices. */
  holder?: string;
}

const WORDS: Record<string, readonly [fa: string, en: string]> = {
  ObligationEscalated: ['ارجاع به شما', 'escalated to you'],
  DutyMissed: ['وظیفهٔ انجام‌نشده', 'duty not done'],
  DeadlineMissed: ['مهلت گذشت', 'deadline missed'],
  AgencyReminded: ['یادآوری', 'reminder'],
  'ask-again': ['ارجاع بی‌پاسخ؛ دوباره بپرسید', 'no answer yet, ask again'],
  'check-outcome': ['نتیجه را بررسی کنید', 'check the outcome'],
};

/** A letter stays readable: the rest is counted, and stands in the system. */
const MAX_LINES = 200;

const digits = new Intl.NumberFormat('fa-IR');
const jalali = new Intl.DateTimeFormat('fa-IR-u-ca-persian', {
  timeZone: 'Asia/Tehran',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
});

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** The letter for these items, Persian first. The subject holds numbers only, so nothing that was typed gets into a header. */
export function letterOf(items: readonly Item[]): { subject: string; text: string } {
  const subject = `پیگیر: ${digits.format(items.length)} مورد برای پیگیری (Peygir: ${items.length} to follow up)`;
  const order = Object.keys(WORDS);
  const sorted = items.toSorted(
    (a, b) => order.indexOf(a.type) - order.indexOf(b.type) || (a.due_at < b.due_at ? -1 : 1),
  );
  const lines = sorted.slice(0, MAX_LINES).map((item) => {
    const [fa, en] = WORDS[item.type]!;
    const silent = item.type === 'ask-again' ? item.detail : null;
    const what = [silent, item.agency, item.action]
      .filter((part) => part !== null)
      .map(oneLine)
      .join(': ');
    const which = [item.resolution, item.obligation, item.detail].filter(Boolean).join(' / ');
    return [
      `• ${fa} — ${item.type === 'check-outcome' ? 'پروندهٔ' : 'مصوبهٔ'} ${item.number ?? item.resolution}${what && ` — ${what}`}`,
      `  سررسید ${jalali.format(new Date(item.due_at))}${item.holder ? ` — در تصدی ${oneLine(item.holder)}` : ''}`,
      `  ${en}: ${which}, due ${item.due_at}${item.holder ? `, held by ${oneLine(item.holder)}` : ''}`,
    ].join('\n');
  });
  const rest = items.length - lines.length;
  if (rest > 0) lines.push(`… و ${digits.format(rest)} مورد دیگر / and ${rest} more`);
  return { subject, text: `${lines.join('\n\n')}\n` };
}
