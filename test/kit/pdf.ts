import { inflateSync } from 'node:zlib';

/**
 * The text of a PDF as a reader finds it, page by page, runs in the order in which they are drawn: from the codes that
 * are drawn and the ToUnicode tables of their fonts, nothing else. Runs from right to left are turned around, as readers
 * do. It reads what pdfkit writes (no object streams).
 */
export function textOf(pdf: Buffer): string[] {
  const objects = new Map<string, string>();
  for (const [, id, body] of pdf.toString('latin1').matchAll(/(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj/gs))
    objects.set(id!, body!);
  const refs = (body: string, key: string) => new RegExp(`/${key} (\\d+) 0 R`).exec(body)?.[1] ?? '';
  const stream = (id: string) => {
    const [, packed] = /stream\n(.*)\nendstream$/s.exec(objects.get(id)!)!;
    return inflateSync(Buffer.from(packed!, 'latin1')).toString('latin1');
  };
  const pages = [...objects.values()].filter((body) => body.includes('/Type /Page\n'));
  return pages.map((page) => {
    const fonts = new Map<string, string[]>();
    for (const [, name, font] of objects.get(refs(page, 'Resources'))!.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
      const table = stream(refs(objects.get(font!)!, 'ToUnicode'));
      const codes = [...table.matchAll(/beginbfrange(.*?)endbfrange/gs)]
        .flatMap(([, range]) => [...range!.matchAll(/\[(.*?)\]/gs)])
        .flatMap(([, list]) => [...list!.matchAll(/<([^>]*)>/g)])
        .map(([, hex]) => Buffer.from(hex!.replaceAll(' ', ''), 'hex').swap16().toString('utf16le'));
      fonts.set(name!, codes);
    }
    const runs: string[] = [];
    let font: string[] = [];
    for (const [, name, shown] of stream(refs(page, 'Contents')).matchAll(/\/(F\d+) [\d.]+ Tf|\[([^\]]*)\] TJ/g)) {
      if (name) font = fonts.get(name)!;
      else runs.push(turned([...shown!.matchAll(/<([^>]*)>/g)].map(([, hex]) => decoded(hex!, font)).join('')));
    }
    return runs.join('');
  });
}

const decoded = (hex: string, font: readonly string[]): string =>
  hex
    .match(/.{4}/g)!
    .map((code) => font[parseInt(code, 16)])
    .join('');

const turned = (text: string): string =>
  /\p{Script=Arabic}(?<!\d)/u.test(text.replaceAll(/[۰-۹]/g, '')) ? [...text].reverse().join('') : text;
