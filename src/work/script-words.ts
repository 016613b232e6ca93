/**
 * Where a word of a chore would be read as a program's text: the script after `sh -c`, `node -e` and the like, or
 * the program itself. What an issue says never belongs there: it would become commands. An argument of its own
 * cannot. Every word that is named as an interpreter counts as one, so wrappers (`env`, `timeout`, `busybox`) hide
 * nothing. What other programs make of their arguments (`make`, say) cannot be known here. Pure.
 */
import { basename } from 'node:path'

interface Interpreter {
  /** Options after which a script comes: in the same word as the first group, or in the next word. */
  code: RegExp
  /** Options whose next word is a value of theirs. */
  valued?: RegExp
  /** Options that go on between the one for the script and the script. */
  late?: true
  /** Its first word without a dash is a script, unless an option gave one (`code`) or named a file (`file`). */
  first?: { file: RegExp }
  /** Options may come after other words. */
  anywhere?: true
  /** `run` as it is right, in YAML. */
  safe?: string
}

const shell = (name: string): Interpreter => ({
  code: /^-[a-zA-Z]*c[a-zA-Z]*$/,
  valued: /^(?:[-+][a-zA-Z]*[oO]|--rcfile|--init-file)$/,
  late: true,
  safe: `[${name}, -c, 'echo "$1"', ${name}, "{{NAME}}"]`,
})
const node = (name: string): Interpreter => ({
  code: /^(?:-(?:e|p|pe)|--(?:eval|print)(?:=(.*))?)$/s,
  valued:
    /^(?:-[rC]|--(?:require|import|(?:experimental-)?loader|conditions|input-type|env-file(?:-if-exists)?))$/,
  safe: `[${name}, -e, 'console.log(process.argv[1])', "{{NAME}}"]`,
})
const python = (name: string): Interpreter => ({
  code: /^-[bBdEhiIOPqRsSuvVx]*c(.*)$/s,
  valued: /^-[bBdEhiIOPqRsSuvVx]*[WX]$/,
  safe: `[${name}, -c, 'import sys; print(sys.argv[1])', "{{NAME}}"]`,
})
const awk: Interpreter = {
  code: /^(?:-e|--source(?:=(.*))?)$/s,
  valued: /^(?:-[vFifEl]|--(?:assign|field-separator|file|include|exec|load))$/,
  first: { file: /^(?:-[fE]|--(?:file|exec))/ },
  safe: `[awk, -v, 'x={{NAME}}', 'BEGIN { print x }']`,
}
const plain: Interpreter = { code: /^(?:-[a-zA-Z]*?[eE](.*)|--(?:eval|print)(?:=(.*))?)$/s }
const command: Interpreter = {
  code: /^(?:-[a-zA-Z]*c|--(?:session-)?command(?:=(.*))?)$/s,
  anywhere: true,
}

/** By name, without directory, version and `.exe`. */
const interpreters = new Map<string, Interpreter>([
  ...['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'yash', 'csh', 'tcsh'].map(
    (name) => [name, shell(name)] as const,
  ),
  [
    'fish',
    {
      code: /^(?:-[ilnNpP]*[cC](.*)|--(?:init-)?command(?:=(.*))?)$/s,
      safe: `[fish, -c, 'echo $argv[1]', "{{NAME}}"]`,
    },
  ],
  ...['node', 'nodejs', 'bun', 'tsx'].map((name) => [name, node(name)] as const),
  ...['python', 'pypy'].map((name) => [name, python(`${name}3`)] as const),
  [
    'perl',
    {
      code: /^-(?:[acflnpsStTuUwWX0-9i]*[eE]|[mM])(.*)$/s,
      valued: /^-I$/,
      safe: `[perl, -e, 'print $ARGV[0]', "{{NAME}}"]`,
    },
  ],
  [
    'ruby',
    {
      code: /^-[acdlnpsSvwW0-9i]*e(.*)$/s,
      valued: /^-[IrCE]$/,
      safe: `[ruby, -e, 'puts ARGV[0]', "{{NAME}}"]`,
    },
  ],
  [
    'php',
    {
      code: /^(?:-[rBRE](.*)|--(?:run|process-(?:code|begin|end)))$/s,
      valued: /^-[cdz]$/,
      safe: `[php, -r, 'echo $argv[1];', "{{NAME}}"]`,
    },
  ],
  ...['lua', 'luajit', 'rscript', 'r', 'julia', 'elixir', 'osascript', 'groovy', 'scala'].map(
    (name) => [name, plain] as const,
  ),
  ['deno', { code: /^eval$/, late: true }],
  ['pwsh', { code: /^-(?:c|command|e|ec|enc|encodedcommand)$/i, anywhere: true }],
  ['powershell', { code: /^-(?:c|command|e|ec|enc|encodedcommand)$/i, anywhere: true }],
  ['env', { code: /^(?:-[iv0]*S(.*)|--split-string(?:=(.*))?)$/s, valued: /^-[uC]$/ }],
  ...['su', 'runuser', 'script', 'flock', 'sg'].map((name) => [name, command] as const),
  ...['awk', 'gawk', 'mawk', 'nawk'].map((name) => [name, awk] as const),
  [
    'sed',
    {
      code: /^(?:-[nrsuzEi]*e(.*)|--expression(?:=(.*))?)$/s,
      valued: /^-[a-zA-Z]*[fl]$/,
      first: { file: /^(?:-[a-zA-Z]*f|--file)/ },
    },
  ],
])

export interface ScriptWord {
  /** Of the word in `run`. */
  index: number
  /** What is wrong with it, and how to do it. */
  message: string
}

const HOLE = /\{\{\s*([A-Za-z][A-Za-z0-9_-]*)\s*\}\}/
/** An option that is itself chosen by who writes the issue. */
const OPEN_OPTION = /^--?[\w-]*\{\{/

/**
 * Words of `run` in which a `{{name}}` would become a part of a program. `isChosen` says of a name that its values are
 * a list of the repository's own, among which a program may be picked.
 */
export function scriptWords(
  run: readonly string[],
  isChosen: (name: string) => boolean = () => false,
): ScriptWord[] {
  const found = new Map<number, ScriptWord>()
  const program = HOLE.exec(run[0] ?? '')?.[1]
  if (program !== undefined && !isChosen(program)) {
    const message = `lets issues choose the program by {{${program}}}: name the program, or give {{${program}}} an enum`
    found.set(0, { index: 0, message })
  }
  run.forEach((word, at) => {
    const name = basename(word)
      .toLowerCase()
      .replace(/\.exe$/, '')
      .replace(/[-.\d]+$/, '')
    const interpreter = interpreters.get(name)
    if (interpreter === undefined) return
    for (const index of scriptsOf(interpreter, run, at + 1)) {
      const hole = HOLE.exec(run[index] ?? '')?.[1]
      if (hole === undefined || found.has(index)) continue
      found.set(index, { index, message: messageOf(basename(word), hole, interpreter) })
    }
  })
  return [...found.values()].sort((a, b) => a.index - b.index)
}

/** Places of the words that an interpreter reads as its script, or as an option that may name one. */
function scriptsOf(
  { code, valued, late, first, anywhere }: Interpreter,
  run: readonly string[],
  from: number,
): number[] {
  const scripts: number[] = []
  let isNext = false
  let isGiven = first === undefined
  for (let at = from; at < run.length; at += 1) {
    const word = run[at] ?? ''
    if (isNext && !(late === true && /^[-+]/.test(word))) {
      scripts.push(at)
      if (late === true) break
      isNext = false
    } else if (code.test(word)) {
      const inline = code.exec(word)?.slice(1).join('') ?? ''
      if (inline === '') isNext = true
      else scripts.push(at)
      isGiven = true
      // `-euoc pipefail SCRIPT`
      if (late === true && /^-[a-z]*o/i.test(word)) at += 1
    } else if (valued?.test(word) === true) {
      if (first?.file.test(word) === true) isGiven = true
      at += 1
    } else if (/^[-+]/.test(word)) {
      if (OPEN_OPTION.test(word)) scripts.push(at)
      if (first?.file.test(word) === true) isGiven = true
    } else if (!isGiven) {
      scripts.push(at)
      break
    } else if (anywhere !== true) break
  }
  return scripts
}

function messageOf(program: string, name: string, { safe }: Interpreter): string {
  const how =
    safe === undefined
      ? 'write a script in the repository and give it the value as an argument'
      : `give it to the script as an argument, such as run: ${safe.replaceAll('NAME', name)}`
  return `puts {{${name}}} into what ${program} runs as a script, so that the text of an issue could become commands; ${how}`
}
