import type { Leaf } from '#audit';

/** Turns the direction of text around, so that it reads as something else. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/;
/** Takes no place at all. ZWNJ is Persian spelling, and marks of direction come with what is pasted: those are let be. */
const UNSEEN = /\u034f|[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u115f\u1160\u3164\uffa0]/;
const LATIN_LETTER = /\p{Script=Latin}/u;
const LIKE_LATIN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
/** Two scripts that look alike within one word. */
const isMixed = (text: string): boolean =>
  LIKE_LATIN.test(text) && text.split(/\s+/).some((word) => LIKE_LATIN.test(word) && LATIN_LETTER.test(word));
const STREAM = /^[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9._-]{1,100}$/;
const ID = /^[A-Za-z0-9._-]{1,100}$/;
/** Members of an event's data that name something by its id. */
const IDS = ['agency', 'unit', 'case', 'session', 'visit', 'resolution', 'obligation', 'workingGroup', 'calendar', 'ladder']; // prettier-ignore

const LOOKS = 'АВЕЅІЈКМНОРСТУХаеорсуіјѕхһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρ';
const LATIN = 'ABESIJKMHOPCTYXaeopcyijsxhdqwABEZHIKMNOPTYXovp';
const latin = new Map([...LOOKS].map((letter, index) => [letter, LATIN[index]!]));

/** What an eye makes of it, where that is plain Latin; undefined for Persian, which is often typed in two ways by honest people. */
function seenAs(name: string): string | undefined {
  const seen = [...name.normalize('NFKD').replaceAll(/[\u200b-\u200f\u061c]/g, '')]
    .map((c) => latin.get(c) ?? c)
    .join('');
  return /^[\x20-\x7e]*$/.test(seen) ? seen : undefined;
}

/** Names that read as others: turned around, with letters that nobody sees, or with those of another script. */
export class Names {
  /** How each name that was seen is written: of those who act, and of agencies. */
  private readonly written = new Map<string, string>();

  /** What is deceiving about an event's names, if anything is. */
  deceiving({ stream, type, data, metadata: { actor } }: Leaf): string | undefined {
    const texts = [stream, actor.id, actor.onBehalfOf?.id, data.name, data.person].filter(isText);
    const ids = [actor.agency, actor.unit, ...IDS.map((key) => data[key])];
    if (Array.isArray(data.obligations)) ids.push(...data.obligations.flatMap((o: any) => [o?.id, o?.agency]));
    const wrong =
      texts.find((text) => TURNING.test(text) || UNSEEN.test(text) || isMixed(text)) ??
      ids.find((id) => isText(id) && !ID.test(id)) ??
      (STREAM.test(stream) ? undefined : stream);
    if (wrong !== undefined) return `${JSON.stringify(wrong)} does not read as it is written`;
    const twin =
      this.twin('person', actor.id) ??
      (isText(data.person) ? this.twin('person', data.person) : undefined) ??
      (type === 'AgencyRegistered' && isText(data.name) ? this.twin('agency', data.name) : undefined);
    return twin && `${JSON.stringify(twin[0])} reads as ${JSON.stringify(twin[1])}, and is another`;
  }

  private twin(kind: string, name: string): [string, string] | undefined {
    if (this.written.get(`${kind} ${name}`) === name) return undefined;
    const seen = `${kind} ${seenAs(name) ?? name}`;
    const before = this.written.get(seen);
    this.written.set(seen, before ?? name);
    return before === undefined || before === name ? undefined : [name, before];
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
