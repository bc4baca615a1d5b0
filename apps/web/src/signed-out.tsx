import { useEffect, useState } from 'react';
import { wayIn } from './api.js';
import { useSpeech } from './language.js';

/** Where a sign-in that failed ends, and why. */
const WHYS: Record<string, [string, string]> = {
  'used-link': [
    'این پیوند پیش‌تر به کار رفته یا از اجرای پیشین است. هر پیوند تنها یک بار کار می‌کند.',
    'This link was used before, or belongs to an earlier run. Each link works once.',
  ],
  'not-signed-in': [
    'ورود به پایان نرسید. دوباره آغاز کنید؛ اگر باز هم نشد، از مدیر سامانه بپرسید.',
    'Signing in did not come to its end. Begin again; if it fails once more, ask the administrator.',
  ],
  'no-role': [
    'شما شناخته شدید، ولی در این استان نقشی ندارید. مدیر سامانه باید نقش شما را در سامانهٔ ورود ثبت کند.',
    'You are known, but have no role in this province. The administrator has to give you one at the identity provider.',
  ],
};
export const isDoor = (address: string): boolean => Object.hasOwn(WHYS, address);

/** Nobody is signed in: how to, in a sentence. */
export function SignedOut({ why }: { why: string }) {
  const { t, language, setLanguage } = useSpeech();
  const [way, setWay] = useState<Awaited<ReturnType<typeof wayIn>>>();
  useEffect(() => void wayIn().then(setWay, () => setWay('token')), []);
  return (
    <main className="door">
      <h1>{t('پیگیر', 'Peygir')}</h1>
      <p>{t('پیگیری مصوبات تا انجام.', 'Sees to it that what was resolved is done.')}</p>
      {isDoor(why) && (
        <p className="notice is-bad" role="alert">
          {t(...WHYS[why]!)}
        </p>
      )}
      {way === 'provider' && (
        <a className="main" href="/sign-in">
          {t('ورود', 'Sign in')}
        </a>
      )}
      {way === 'link' && (
        <p className="notice">
          {t(
            'برای ورود، یکی از پیوندهایی را که «npm run demo» در پایانه نوشته است باز کنید: برای هر نقش یکی، و پس از هر ورود پیوند تازه‌ای نوشته می‌شود.',
            'To sign in, open one of the links that “npm run demo” has printed in the terminal: one for each role; after each sign-in a new one is printed.',
          )}
        </p>
      )}
      {way === 'token' && (
        <p className="notice">
          {t(
            'این سامانه هنوز به سامانهٔ ورود وصل نشده است: مدیر آن باید OIDC_ISSUER و OIDC_CLIENT_ID را تنظیم کند. برای دیدن نمونه، «npm run demo» را اجرا کنید.',
            'No identity provider is connected yet: the administrator sets OIDC_ISSUER and OIDC_CLIENT_ID. To look at an example, run “npm run demo”.',
          )}
        </p>
      )}
      <button
        type="button"
        lang={language === 'fa' ? 'en' : 'fa'}
        onClick={() => setLanguage(language === 'fa' ? 'en' : 'fa')}
      >
        {t('English', 'فارسی')}
      </button>
    </main>
  );
}
