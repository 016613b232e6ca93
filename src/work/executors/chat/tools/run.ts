/** Running an allowed command in the clone, with the limits and the environment of a check. */
import { z } from 'zod'
import type { Exit } from '../../../../process/index.ts'
import { keepEnd, visible } from '../../../clean.ts'
import { allowedCommand, describeAllowance, splitLine, type Allowance } from './allowed.ts'
import { ModelTrouble } from '../trouble.ts'
import { bad, tool, type ToolKind } from './types.ts'

const SHOWN_BYTES = 8 * 1024

/** Undefined when nothing is allowed. */
export function runTool(allowance: Allowance): ToolKind | undefined {
  const commands = describeAllowance(allowance)
  if (commands.length === 0) return undefined
  return tool({
    name: 'run',
    kind: 'execute',
    description: [
      'Runs one of these commands in the root of the repository, without a shell, and shows the end of its output:',
      ...commands,
      'Words in {{…}} stand for arguments that you give, "..." at the end for any further words. Nothing else may be run.',
    ].join('\n'),
    schema: z.strictObject({
      command: z
        .union([z.array(z.string().max(4_096)).min(1).max(64), z.string().min(1).max(4_096)])
        .describe('Program and arguments, a list of words'),
    }),
    title: ({ command }) => `run ${typeof command === 'string' ? command : command.join(' ')}`,
    async use({ command }, { run }) {
      const argv = typeof command === 'string' ? splitLine(command, allowance) : command
      const allowed = argv === undefined ? undefined : allowedCommand(argv, allowance)
      if (allowed === undefined) {
        return bad(`This may not be run. Allowed are:\n${commands.join('\n')}`)
      }
      const exit = await run(allowed.argv, allowed.timeoutMs)
      if (exit.reason === 'refused') throw new ModelTrouble('environment', exit.tail)
      const end = keepEnd(visible(exit.tail), SHOWN_BYTES).trim()
      const how = describeExit(exit, allowed.timeoutMs)
      return {
        text: end === '' ? how : `${how} The end of its output:\n${end}`,
        ok: exit.reason === 'exited' && exit.exitCode === 0,
      }
    },
  })
}

function describeExit(exit: Exit, timeoutMs: number): string {
  switch (exit.reason) {
    case 'exited':
      return `It ended with exit ${exit.exitCode}.`
    case 'signalled':
      return `It was ended by ${exit.signal ?? 'a signal'}.`
    case 'timeout':
      return `It took longer than ${timeoutMs} ms and was ended.`
    case 'aborted':
      return 'It was stopped.'
    case 'output-limit':
      return `It wrote more than ${exit.outputBytes} bytes and was ended.`
    case 'limit':
      return `It used more ${exit.exceeded ?? 'of the machine'} than allowed and was ended.`
    case 'refused':
    case 'not-found':
      return 'This program is not there.'
    case 'failed':
      return 'It could not be started.'
  }
}
