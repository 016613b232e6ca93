/** The languages of a repository, by the names of its files. Pure. */
const byExtension: Readonly<Record<string, string>> = {
  c: 'c',
  cc: 'cpp',
  cpp: 'cpp',
  cs: 'csharp',
  cts: 'typescript',
  cjs: 'javascript',
  dart: 'dart',
  ex: 'elixir',
  exs: 'elixir',
  go: 'go',
  h: 'c',
  hpp: 'cpp',
  java: 'java',
  js: 'javascript',
  jsx: 'javascript',
  kt: 'kotlin',
  lua: 'lua',
  mjs: 'javascript',
  mts: 'typescript',
  php: 'php',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  scala: 'scala',
  sh: 'shell',
  swift: 'swift',
  ts: 'typescript',
  tsx: 'typescript',
  zig: 'zig',
}
/** Languages that are named at most, and the part of all known files that one must have. */
const most = 3
const least = 0.2

/** The most used first; those with too few files are left out. */
export function languagesOf(paths: Iterable<string>): string[] {
  const counts = new Map<string, number>()
  let all = 0
  for (const path of paths) {
    if (/(^|\/)(node_modules|vendor|third_party)\//.test(path)) continue
    const extension = /\.([A-Za-z0-9]{1,6})$/.exec(path)?.[1]?.toLowerCase() ?? ''
    const language = Object.hasOwn(byExtension, extension) ? byExtension[extension] : undefined
    if (language === undefined) continue
    all += 1
    counts.set(language, (counts.get(language) ?? 0) + 1)
  }
  return [...counts]
    .filter(([, count]) => count >= least * all)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([language]) => language)
}
