import { useEffect, useState } from 'react';
import { refresh } from './api.js';
import { useSpeech } from './language.js';

/** The server speaks every 15 seconds at least; whoever has heard nothing for so long hears nothing at all. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Reads the page anew whenever something changed that this reader may see. A browser has few connections to one server:
 * a page that nobody looks at closes its own, and is read anew when somebody comes back.
 * @returns since when what is on the page may be old; undefined while it is not.
 */
function useLive(): Date | undefined {
  const [since, setSince] = useState<Date>();
  useEffect(() => {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pause = FIRST_PAUSE_MS;
    const stale = () => setSince((before) => before ?? new Date());
    const close = () => {
      source?.close();
      source = undefined;
      clearTimeout(timer);
    };
    const again = () => {
      stale();
      close();
      // Perhaps only this way is closed: what can be read is read.
      refresh();
      timer = setTimeout(open, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(again, SILENCE_MS);
      pause = FIRST_PAUSE_MS;
    };
    const on = (type: string, listener: (data: { behind?: boolean }) => void) =>
      source!.addEventListener(type, ({ data }: MessageEvent<string>) => {
        heard();
        listener(JSON.parse(data) as { behind?: boolean });
      });
    function open() {
      close();
      source = new EventSource('/v1/live');
      const anew = () => {
        setSince(undefined);
        refresh();
      };
      on('ready', anew);
      on('reset', anew);
      on('message', refresh);
      on('beat', ({ behind }) => (behind ? stale() : setSince(undefined)));
      source.addEventListener('error', again);
      timer = setTimeout(again, SILENCE_MS);
    }
    const look = () => (document.visibilityState === 'visible' ? open() : close());
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      close();
    };
  }, []);
  return since;
}

/** Says when what is on the page may be old, and that it is being mended. */
export function Live() {
  const since = useLive();
  const { t, n } = useSpeech();
  const time = since && n(since.toTimeString().slice(0, 5));
  return (
    <div className="live" role="status">
      {since && (
        <p className="notice is-bad">
          {t(
            `ارتباط زنده قطع است؛ آنچه می‌بینید از ساعت ${time} است. خودش دوباره وصل می‌شود.`,
            `The live connection is down; what you see is as of ${time}. It reconnects by itself.`,
          )}
        </p>
      )}
    </div>
  );
}
