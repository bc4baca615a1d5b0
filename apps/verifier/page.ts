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
  element('keep').hidden = true;
  const since = element('since').files[0];
  const receipts = [...(element('receipts').files as Iterable<File>)].map(async (file) => ({
    name: file.name,
    text: await file.text(),
  }));
  const report = await verify(
    chosen(target.files),
    {
      key: element('key').value.trim() || undefined,
      since: since && (await since.text()),
      receipts: await Promise.all(receipts),
    },
    (done, of) => (element('bar').value = done / of),
  );
  const code = exitCode(report);
  out.textContent = [...sentences(report), '', code === 0 ? 'OK · درست است' : `NOT OK · نادرست (${code})`].join('\n');
  out.dataset.code = code;
  if (code === 0 && report.checkpoint) {
    element('keep').href = URL.createObjectURL(new Blob([report.checkpoint.note]));
    element('keep').hidden = false;
  }
});
