import { useEffect, useId, useState } from 'react';
import { fromJalali, toJalali } from './days.js';
import { useSpeech } from './language.js';

interface DateFieldProps {
  label: string;
  /** `YYYY-MM-DD` */
  value: string;
  min?: string;
  max?: string;
  change: (date: string) => void;
}

/** A day, typed as it is written: Jalali in Persian, Gregorian in English. Only a day that there is changes anything. */
export function DateField({ label, value, min = '0', max = '9', change }: DateFieldProps) {
  const { t, n, language } = useSpeech();
  const id = useId();
  const [typed, setTyped] = useState<string>();
  useEffect(() => setTyped(undefined), [value, language]);
  if (language === 'en') {
    return (
      <label className="date">
        {label}{' '}
        <input
          type="date"
          value={value}
          min={min}
          max={max}
          onChange={({ target }) => target.value && change(target.value)}
        />
      </label>
    );
  }
  const text = typed ?? n(toJalali(value));
  const meant = fromJalali(text);
  const wrong = meant === undefined || meant < min || meant > max;
  return (
    <label className="date">
      {label}{' '}
      <input
        inputMode="numeric"
        dir="ltr"
        size={10}
        value={text}
        aria-invalid={wrong}
        aria-describedby={wrong ? id : undefined}
        onChange={({ target }) => {
          setTyped(target.value);
          const date = fromJalali(target.value);
          if (date && date >= min && date <= max) change(date);
        }}
        onBlur={() => setTyped(undefined)}
      />
      {wrong && (
        <span id={id} className="sr" role="status">
          {t('روز به صورت ۱۴۰۵/۷/۱۴ و در بازهٔ ثبت‌شده', 'A day of the record')}
        </span>
      )}
    </label>
  );
}
