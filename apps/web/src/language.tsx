import { digits } from './digits.js';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';

export type Language = 'fa' | 'en';

const ZONE = 'Asia/Tehran';
const DATE: Record<Language, string> = { fa: 'fa-IR-u-ca-persian', en: 'en-GB' };

export interface Speech {
  language: Language;
  /** The text in the language of the reader; both stand side by side in the code so that neither is forgotten. */
  t: (fa: string, en: string) => string;
  /** A number, or a text with numbers in it, in the digits of the language. */
  n: (value: number | string) => string;
  /** A date or an instant as people say it, in the province's zone: «سه‌شنبه ۳ شهریور» or "Tue 25 Aug". */
  day: (at: string, year?: boolean) => string;
  /** Date and time of day. */
  moment: (at: string) => string;
  setLanguage: (language: Language) => void;
}

/** From parts: the order of the whole date differs between engines. */
export function spokenDay(at: string, language: Language, year = false): string {
  const plain = at.length === 10;
  const options: Intl.DateTimeFormatOptions = {
    weekday: language === 'fa' ? 'long' : 'short',
    day: 'numeric',
    month: language === 'fa' ? 'long' : 'short',
    year: 'numeric',
    timeZone: plain ? 'UTC' : ZONE,
  };
  const parts = new Intl.DateTimeFormat(DATE[language], options).formatToParts(new Date(at));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return [part('weekday'), part('day'), part('month'), ...(year ? [part('year')] : [])].join(' ');
}

export function speech(language: Language, setLanguage: (language: Language) => void = () => {}): Speech {
  const time = new Intl.DateTimeFormat(language === 'fa' ? 'fa-IR' : 'en-GB', {
    timeZone: ZONE,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return {
    language,
    setLanguage,
    t: (fa, en) => (language === 'fa' ? fa : en),
    n: (value) => digits(value, language),
    day: (at, year) => spokenDay(at, language, year),
    moment: (at) => `${spokenDay(at, language)}${language === 'fa' ? '، ' : ', '}${time.format(new Date(at))}`,
  };
}

const Spoken = createContext<Speech>(speech('fa'));
export const useSpeech = (): Speech => useContext(Spoken);

const KEPT = 'peygir.language';

export function Speaking({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(() => (localStorage.getItem(KEPT) === 'en' ? 'en' : 'fa'));
  useEffect(() => {
    localStorage.setItem(KEPT, language);
    document.documentElement.lang = language;
    document.documentElement.dir = language === 'fa' ? 'rtl' : 'ltr';
  }, [language]);
  return <Spoken value={speech(language, setLanguage)}>{children}</Spoken>;
}
