/**
 * What is wrong with a text that is no YAML, in words that name the place and say what to do; the
 * library's own name its parser's parts. By its codes, so that a new version changes no message here.
 */
export interface YamlProblem {
  message: string
  /** What would be right there. */
  allowed?: string
}

const quoted = 'the value in quotation marks'
const plain = 'values without & * and !'

const texts: Readonly<Record<string, YamlProblem>> = {
  TAB_AS_INDENT: { message: 'a tab stands where the line is indented', allowed: 'spaces' },
  DUPLICATE_KEY: {
    message: 'the same option stands here a second time',
    allowed: 'each option once',
  },
  BAD_INDENT: {
    message: 'this line is not indented as those that it belongs to',
    allowed: 'the same number of spaces',
  },
  BAD_DQ_ESCAPE: {
    message: 'a backslash in "…" stands before a character that it cannot stand before',
    allowed: "'…', where a backslash is just that, or \\\\",
  },
  BAD_SCALAR_START: { message: 'a value cannot begin with this character', allowed: quoted },
  BLOCK_AS_IMPLICIT_KEY: { message: 'a second “: ” stands in this line', allowed: quoted },
  MULTILINE_IMPLICIT_KEY: {
    message: 'an option without “: ” stands here, or a text goes on in a line where it cannot',
    allowed: '`option: value`',
  },
  KEY_OVER_1024_CHARS: { message: 'the name of this option is too long' },
  NON_STRING_KEY: { message: 'the name of an option is no text', allowed: quoted },
  MULTIPLE_DOCS: { message: 'a second document begins here', allowed: 'one, without ---' },
  BAD_DIRECTIVE: { message: 'this line begins with %', allowed: quoted },
  BAD_COLLECTION_TYPE: { message: 'a tag (!) does not fit this value', allowed: plain },
  TAG_RESOLVE_FAILED: { message: 'this tag (!) is not known', allowed: plain },
  BAD_ALIAS: { message: 'an alias (*) or anchor (&) has no proper name', allowed: quoted },
  ALIAS_PROPS: { message: 'an alias (*) stands with an anchor or a tag', allowed: plain },
  MULTIPLE_ANCHORS: { message: 'two anchors (&) stand at one value', allowed: plain },
  MULTIPLE_TAGS: { message: 'two tags (!) stand at one value', allowed: plain },
  BAD_PROP_ORDER: { message: 'an anchor (&) or tag (!) stands in the wrong place', allowed: plain },
  RESOURCE_EXHAUSTION: { message: 'it is nested too deeply' },
  UNEXPECTED_TOKEN: { message: 'something stands here that fits nothing before it' },
}

const missing: YamlProblem = {
  message: 'a comma, a colon, or a space after one of them is missing here',
}
const unquoted: YamlProblem = {
  message: 'a quotation mark is not closed',
  allowed: 'as many as were opened',
}

/** `code`, `message`: of an error of the library `yaml`. */
export function yamlProblem({ code, message }: { code: string; message: string }): YamlProblem {
  if (code === 'MISSING_CHAR') return /closing .*quote/.test(message) ? unquoted : missing
  return texts[code] ?? { message: 'this is not YAML' }
}
