/**
 * Texts of errors for people elsewhere: where a file lies on this machine is nobody's business there.
 * A path is what begins with "/" or "~/" and has at least two parts, so `/bzzz ask`, URLs and the paths
 * within a repository stay.
 */
const MARK = '(local path)'
const QUOTED = /(['"`])(?:file:\/\/)?~?\/[^'"`\n]+\/[^'"`\n]*\1/g
const BARE =
  /(?:file:\/\/|(?<![\w.~/]))(?:~|\/[^\s/'"`<>|:;,()[\]]+)(?:\/[^\s/'"`<>|:;,()[\]]+)+\/?/g

/** An unquoted path with a space in it is taken out up to the space. */
export function withoutLocalPaths(text: string): string {
  // A full stop after a path ends the sentence.
  return text
    .replace(QUOTED, MARK)
    .replace(BARE, (path) => (path.endsWith('.') ? `${MARK}.` : MARK))
}
