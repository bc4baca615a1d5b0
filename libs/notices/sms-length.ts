/** GSM 03.38, without what costs two places. */
const GSM = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/;

export interface SmsLength {
  encoding: 'GSM-7' | 'UCS-2';
  /** Characters as they are counted: 16-bit units in UCS-2. */
  units: number;
  /** What is paid for: one holds 70 units of UCS-2; of several each holds 67, because they are numbered. */
  segments: number;
}

/** One Persian letter makes the whole text UCS-2. */
export function smsLength(text: string): SmsLength {
  const encoding = GSM.test(text) ? 'GSM-7' : 'UCS-2';
  const [one, each] = encoding === 'GSM-7' ? [160, 153] : [70, 67];
  const units = text.length;
  return { encoding, units, segments: units <= one ? 1 : Math.ceil(units / each) };
}
