import { useSpeech } from './language.js';

/** Nobody is signed in: how to, in a sentence. */
export function SignedOut({ used }: { used: boolean }) {
  const { t, language, setLanguage } = useSpeech();
  return (
    <main className="door">
      <h1>{t('پیگیر', 'Peygir')}</h1>
      <p>{t('پیگیری مصوبات تا انجام.', 'Sees to it that what was resolved is done.')}</p>
      {used && (
        <p className="notice is-bad" role="alert">
          {t(
            'این پیوند پیش‌تر به کار رفته یا از اجرای پیشین است. هر پیوند تنها یک بار کار می‌کند.',
            'This link was used before, or belongs to an earlier run. Each link works once.',
          )}
        </p>
      )}
      <p className="notice">
        {t(
          'برای ورود، یکی از پیوندهایی را که «npm run demo» در پایانه نوشته است باز کنید: برای هر نقش یکی، و پس از هر ورود پیوند تازه‌ای نوشته می‌شود.',
          'To sign in, open one of the links that “npm run demo” has printed in the terminal: one for each role; after each sign-in a new one is printed.',
        )}
      </p>
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
