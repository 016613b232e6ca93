/** `docs/cli.md` from the definitions of the commands: run this file to write it; a test compares. */
import { writeFile } from 'node:fs/promises'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { exitMeanings } from './exit.ts'
import { buildProgram } from './program.ts'

const title = '# Command line'
const intro = `Generated from the definitions in \`src/cli\`; write it anew with \`node src/cli/generate.ts\`.

Data goes to stdout, messages to stderr. With \`--json\` the data is JSON, and stderr holds nothing
but JSON: an error is \`{"error": {"code", "message", "next"}}\`, a line of an agent's log has
\`level\`; there are no messages. Global options may stand before or after the
command.

${exitTable()}`

/** The whole page. */
export function generateCliPage(): string {
  const program = buildProgram(() => Promise.resolve())
  const sections = [section(program, 'bzzz'), ...describe(program, 'bzzz')]
  return `${[title, intro, ...sections].join('\n\n')}\n`
}

function exitTable(): string {
  const rows = Object.entries(exitMeanings)
  const columns = Math.max(...rows.map(([, meaning]) => meaning.length))
  return [
    `| exit | ${'meaning'.padEnd(columns)} |`,
    `| ---: | ${'-'.repeat(columns)} |`,
    ...rows.map(([code, meaning]) => `| ${code.padStart(4)} | ${meaning.padEnd(columns)} |`),
  ].join('\n')
}

function describe(parent: CommandUnknownOpts, path: string): string[] {
  return parent.commands.flatMap((command) => {
    const name = `${path} ${command.name()}`
    return [section(command, name), ...describe(command, name)]
  })
}

function section(command: CommandUnknownOpts, name: string): string {
  command.configureHelp({ helpWidth: 100, showGlobalOptions: false })
  return [`## ${name}`, '', '```', command.helpInformation().trimEnd(), '```'].join('\n')
}

if (import.meta.main) {
  await writeFile(new URL('../../docs/cli.md', import.meta.url), generateCliPage())
}
