import { Malformed } from '#audit';
import { exitCode, sentences } from './report.js';
import { verify, type Source } from './verify.js';

/** The page of verify.html: takes the folder from the reader's own disk, and fetches nothing. */
declare const document: any;

const chosen = (files: Iterable<File & { webkitRelativePath: string }>): Source => {
  // The first part of a path is the chosen folder's own name.
  const byPath = new Map([...files].map((file) => [file.webkitRelativePath.replace(/^[^/]*\//, ''), file]));
  return {
    async read(path, limit) {
      const file = byPath.get(path);
      if (!file) return undefined;
      if (file.size > limit) throw new Malformed(`${path} has ${file.size} bytes; ${limit} are expected at most`);
      return new Uint8Array(await file.arrayBuffer());
    },
  };
};

const element = (id: string) => document.getElementById(id);
element('folder').addEventListener('change', async ({ target }: { target: { files: Iterable<never> } }) => {
  const out = element('out');
  out.textContent = '…';
  const since = element('since').files[0];
  const report = await verify(
    chosen(target.files),
    { key: element('key').value.trim() || undefined, since: since && (await since.text()) },
    (done, of) => (element('bar').value = done / of),
  );
  const code = exitCode(report);
  out.textContent = [...sentences(report), '', code === 0 ? 'OK · درست است' : `NOT OK · نادرست (${code})`].join('\n');
  out.dataset.code = code;
});
