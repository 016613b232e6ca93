/**
 * What the scripted agent can do: one recipe for each coding issue of `examples/issues.yaml`, as
 * replacements in the files of `examples/sample-repo`, and one for the task of `bzzz executor test`. A recipe is chosen by words that the issue
 * must hold; a replacement insists that its text is there exactly once, so that a file which is
 * not as expected stays untouched. Each recipe brings its test along, as AGENTS.md there asks.
 */
export type Edit = (text: string) => string

export interface Recipe {
  name: string
  /** All of them must be in the issue, in any case. */
  words: readonly string[]
  /** Steps by path, carried out in this order. */
  edits: readonly { path: string; title: string; edit: Edit }[]
  /** Last message of the turn. */
  summary: string
}

/** The recipe with the most words among those that fit; undefined when none does. */
export function findRecipe(issue: string): Recipe | undefined {
  const text = issue.toLowerCase()
  return recipes
    .filter((recipe) => recipe.words.every((word) => text.includes(word)))
    .sort((a, b) => b.words.length - a.words.length)[0]
}

const replace =
  (before: string, after: string): Edit =>
  (text) => {
    if (text.split(before).length !== 2) {
      throw new Error(`this is not there exactly once: ${before.trim().split('\n')[0] ?? ''}`)
    }
    return text.replace(before, () => after)
  }

const append =
  (more: string): Edit =>
  (text) =>
    `${text.trimEnd()}\n\n${more.trim()}\n`

const both =
  (first: Edit, second: Edit): Edit =>
  (text) =>
    second(first(text))

const titleCase = `/** "hello world" as "Hello World". */
export function titleCase(text: string): string {
  return words(text).map(capitalized).join(' ')
}`

export const recipes: readonly Recipe[] = [
  {
    // The task of `bzzz executor test`.
    name: 'greeting',
    words: ['greeting.txt', 'hello from bzzz'],
    edits: [
      {
        path: 'greeting.txt',
        title: 'Change the greeting',
        edit: replace('hello\n', 'hello from bzzz\n'),
      },
    ],
    summary: 'The greeting is as asked for.',
  },
  {
    name: 'slugify-separators',
    words: ['slugify', 'separator'],
    edits: [
      {
        path: 'src/slugify.ts',
        title: 'Join the words instead of replacing each character',
        edit: replace(
          `  return text.toLowerCase().replace(/[^a-z0-9]/g, separator)\n`,
          `  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? []\n  return words.join(separator)\n`,
        ),
      },
      {
        path: 'test/slugify.test.ts',
        title: 'Test punctuation, runs of spaces and the ends',
        edit: append(`
test('slugify puts one separator between words and none at the ends', () => {
  assert.equal(slugify('  Hello,   World! '), 'hello-world')
  assert.equal(slugify('a -- b', '_'), 'a_b')
  assert.equal(slugify('!?'), '')
})`),
      },
    ],
    summary:
      'slugify now joins the words of the text with the separator, so that runs of other characters give one separator and the ends give none.',
  },
  {
    name: 'median-even',
    words: ['median', 'even'],
    edits: [
      {
        path: 'src/stats.ts',
        title: 'Take the mean of the two middle values of an even number',
        edit: replace(
          `  return sorted[Math.floor(sorted.length / 2)] as number\n`,
          `  const half = sorted.length / 2\n  return mean(sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1))\n`,
        ),
      },
      {
        path: 'test/stats.test.ts',
        title: 'Test even numbers of values',
        edit: append(`
test('median of an even number of values is the mean of the two in the middle', () => {
  assert.equal(median([1, 2]), 1.5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
})`),
      },
    ],
    summary:
      'median now gives the mean of the two values in the middle when there is an even number of them; odd numbers are as before.',
  },
  {
    name: 'chunk-remainder',
    words: ['chunk', 'last'],
    edits: [
      {
        path: 'src/chunk.ts',
        title: 'Keep the shorter last chunk; refuse sizes that are no positive whole number',
        edit: both(
          replace(
            `/** \`list\` cut into lists of \`size\` items. */`,
            `/**\n * \`list\` cut into lists of \`size\` items; the last one has what is left.\n * Throws a RangeError when \`size\` is not a positive whole number.\n */`,
          ),
          replace(
            `  const chunks: T[][] = []\n  for (let start = 0; start + size <= list.length; start += size) {`,
            `  if (!Number.isInteger(size) || size < 1) {\n    throw new RangeError(\`size must be a positive whole number, not \${size}\`)\n  }\n  const chunks: T[][] = []\n  for (let start = 0; start < list.length; start += size) {`,
          ),
        ),
      },
      {
        path: 'test/chunk.test.ts',
        title: 'Test a remainder and bad sizes',
        edit: append(`
test('chunk keeps what is left in a shorter last part', () => {
  assert.deepEqual(chunk([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]])
  assert.deepEqual(chunk(['a'], 3), [['a']])
})

test('chunk refuses sizes that cannot be', () => {
  for (const size of [0, -1, 1.5, Number.NaN]) assert.throws(() => chunk([1], size), RangeError)
})`),
      },
    ],
    summary:
      'chunk keeps the items that do not fill a whole part in a shorter last one, and throws a RangeError for a size that is not a positive whole number.',
  },
  {
    name: 'wrap-paragraphs',
    words: ['wrap', 'paragraph'],
    edits: [
      {
        path: 'src/wrap.ts',
        title: 'Wrap each paragraph by itself',
        edit: replace(
          `/** \`text\` broken into lines of at most \`width\` characters, between words. */\nexport function wrap(text: string, width = 80): string {\n`,
          `/**\n * \`text\` broken into lines of at most \`width\` characters, between words. Paragraphs, which have\n * an empty line between them, stay apart.\n */\nexport function wrap(text: string, width = 80): string {\n  return text\n    .trim()\n    .split(/\\n\\s*\\n/)\n    .map((paragraph) => wrapParagraph(paragraph, width))\n    .join('\\n\\n')\n}\n\nfunction wrapParagraph(text: string, width: number): string {\n`,
        ),
      },
      {
        path: 'test/wrap.test.ts',
        title: 'Test text of two paragraphs',
        edit: append(`
test('wrap keeps paragraphs apart', () => {
  assert.equal(wrap('the quick\\nbrown\\n\\nfox jumps', 10), 'the quick\\nbrown\\n\\nfox jumps')
  assert.equal(wrap('one\\n \\n\\ntwo'), 'one\\n\\ntwo')
})`),
      },
    ],
    summary: 'wrap treats each paragraph by itself and keeps the empty line between two of them.',
  },
  {
    name: 'truncate-length',
    words: ['truncate', 'longer'],
    edits: [
      {
        path: 'src/truncate.ts',
        title: 'Leave room for the ellipsis',
        edit: replace(
          `  return text.slice(0, max).trimEnd() + ellipsis\n`,
          `  return text.slice(0, Math.max(0, max - ellipsis.length)).trimEnd() + ellipsis.slice(0, max)\n`,
        ),
      },
      {
        path: 'test/truncate.test.ts',
        title: 'Test the length of the result',
        edit: append(`
test('truncate never gives more than max characters', () => {
  assert.equal(truncate('abcdef', 4), 'abc…')
  assert.equal(truncate('abcdef', 4, '...'), 'a...')
  assert.equal(truncate('abcdef', 2, '...'), '..')
  assert.equal(truncate('abcdef', 0), '')
})`),
      },
    ],
    summary: 'truncate counts its ellipsis: the result has at most max characters.',
  },
  {
    name: 'title-case',
    words: ['titlecase'],
    edits: [
      { path: 'src/case.ts', title: 'Add titleCase', edit: append(titleCase) },
      {
        path: 'src/index.ts',
        title: 'Export titleCase',
        edit: replace(`{ camelCase, kebabCase }`, `{ camelCase, kebabCase, titleCase }`),
      },
      {
        path: 'test/case.test.ts',
        title: 'Test titleCase',
        edit: both(
          replace(`{ camelCase, kebabCase }`, `{ camelCase, kebabCase, titleCase }`),
          append(`
test('titleCase begins each word with a capital', () => {
  assert.equal(titleCase('hello big-world'), 'Hello Big World')
  assert.equal(titleCase('helloWorld'), 'Hello World')
  assert.equal(titleCase(''), '')
})`),
        ),
      },
    ],
    summary: 'Added titleCase beside camelCase and kebabCase, with its export and its test.',
  },
  {
    name: 'title-case-readme',
    words: ['titlecase', 'readme', 'asks for changes'],
    edits: [
      {
        path: 'README.md',
        title: 'Show titleCase beside the other examples',
        edit: both(
          replace(
            `{ median, parseDuration, slugify }`,
            `{ median, parseDuration, slugify, titleCase }`,
          ),
          replace(
            `parseDuration('1h 30m') // 5400000\n`,
            `parseDuration('1h 30m') // 5400000\ntitleCase('hello world') // 'Hello World'\n`,
          ),
        ),
      },
    ],
    summary: 'The README shows titleCase beside the other examples.',
  },
  {
    name: 'parse-duration-months',
    words: ['parseduration', 'month'],
    edits: [
      {
        path: 'src/parse-duration.ts',
        title: 'Add months of 30 days to the units',
        edit: both(
          replace(`  w: 7 * DAY,\n`, `  w: 7 * DAY,\n  mo: 30 * DAY,\n`),
          replace(`Units are ms, s, m, h, d and w.`, `Units are ms, s, m, h, d, w and mo.`),
        ),
      },
      {
        path: 'test/parse-duration.test.ts',
        title: 'Test months',
        edit: append(`
test('parseDuration accepts months', () => {
  assert.equal(parseDuration('2mo'), 60 * 86_400_000)
})`),
      },
    ],
    summary: 'parseDuration accepts months, which it takes for 30 days.',
  },
]
