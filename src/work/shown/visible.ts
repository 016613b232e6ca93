/** Characters that cannot be seen, or that change what is seen of others. */

const ANSI =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/** First and last code point, hex: fillers, joiners, marks of direction, variation selectors, tags, private use. */
const INVISIBLE_RANGES =
  'ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 2028-202e 2060-206f 2800 3164 e000-f8ff' +
  ' fe00-fe0f feff ffa0 fff9-fffc 1bca0-1bca3 1d159 1d173-1d17a e0000-e0fff f0000-10ffff'
const INVISIBLE = new RegExp(
  `[${INVISIBLE_RANGES.replace(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '')}]`,
  'gu',
)

/** Takes out escapes and characters that cannot be seen; line ends become `\n`. */
export function visible(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(ANSI, '')
    .replace(CONTROL, '')
    .replace(INVISIBLE, '')
    .toWellFormed()
}
