/** What offices attach to a claim: scans, photographs, letters, tables. Nothing that a browser or a shell would run. */
export const MEDIA_TYPES = [
  'application/pdf',
  'image/png',
  'image/jpeg',
  'image/tiff',
  'image/webp',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'text/plain',
  'text/csv',
] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

export const isMediaType = (text: string): text is MediaType => (MEDIA_TYPES as readonly string[]).includes(text);

/** How much of a file's beginning and end {@link Sniffer} keeps: a ZIP's list of entries stands at its end. */
const EDGE_BYTES = 64 * 1024;

/** Office documents are ZIP files; what they are is said by the name of their main part. */
const MAIN_PART: Partial<Record<MediaType, string>> = {
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'word/document.xml',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xl/workbook.xml',
};
const MACROS = 'vbaProject.bin';

/** Looks at the bytes of a file as they pass, and says at the end whether they are what they were declared to be. */
export class Sniffer {
  private head = Buffer.alloc(0);
  private tail = Buffer.alloc(0);
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private isText = true;

  constructor(private readonly declared: MediaType) {}

  take(chunk: Uint8Array): void {
    if (this.head.length < EDGE_BYTES) this.head = Buffer.concat([this.head, chunk]).subarray(0, EDGE_BYTES);
    this.tail = Buffer.concat([this.tail, chunk]).subarray(-EDGE_BYTES);
    if (this.declared.startsWith('text/') && this.isText) this.isText = this.decodes(chunk);
  }

  /** What is wrong with the bytes, as the end of a sentence; undefined when nothing is. */
  fault(): string | undefined {
    if (this.declared.startsWith('text/')) return this.isText && this.decodes() ? undefined : 'are not UTF-8 text';
    const part = MAIN_PART[this.declared];
    if (part !== undefined) {
      const entries = this.tail.toString('latin1');
      if (!this.begins('PK\x03\x04') || !entries.includes(part)) return 'are no such document';
      return entries.includes(MACROS) ? 'are a document with macros, which are programs' : undefined;
    }
    return this.isPicture() ? undefined : 'begin differently from such a file';
  }

  private isPicture(): boolean {
    switch (this.declared) {
      case 'application/pdf':
        return this.begins('%PDF-');
      case 'image/png':
        return this.begins('\x89PNG\r\n\x1a\n');
      case 'image/jpeg':
        return this.begins('\xff\xd8\xff');
      case 'image/tiff':
        return this.begins('II*\0') || this.begins('MM\0*');
      case 'image/webp':
        return this.begins('RIFF') && this.head.toString('latin1', 8, 12) === 'WEBP';
      default:
        return false;
    }
  }

  private begins(magic: string): boolean {
    return this.head.toString('latin1', 0, magic.length) === magic;
  }

  private decodes(chunk?: Uint8Array): boolean {
    try {
      return !this.decoder.decode(chunk, { stream: chunk !== undefined }).includes('\0');
    } catch {
      return false;
    }
  }
}
