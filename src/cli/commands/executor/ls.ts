/** `bzzz executor ls`: what can do the work here, and what to type about what cannot. */
import type { ExecutorReport } from '../../../work/index.ts'
import type { Context } from '../../context.ts'
import { exitCodes } from '../../exit.ts'
import { table } from '../../output/table.ts'
import { clean } from '../../output/text.ts'
import { withRoom } from './place.ts'

export async function executorLs(context: Context): Promise<number> {
  const { out, signal } = context
  return withRoom(context, async ({ work, processes }) => {
    const [executors, sandbox] = await Promise.all([work.inspect(signal), processes.prepare()])
    if (out.json) await out.document({ sandbox, executors })
    else if (out.quiet) {
      for (const { name, usable } of executors) if (usable) await out.data(clean(name))
    } else {
      await out.data(screen(executors, context))
      const lacks = sandbox.lacks.map((one) => `\n         ${clean(one)}`).join('')
      const next = sandbox.next === undefined ? '' : `\n         ${clean(sandbox.next)}`
      await out.data(`\nsandbox  ${sandbox.kind}: ${clean(sandbox.why)}${lacks}${next}`)
    }
    return exitCodes.ok
  })
}

function screen(executors: readonly ExecutorReport[], { out }: Context): string {
  return table(
    [
      { title: 'EXECUTOR', value: ({ name }) => name },
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'VERSION', value: ({ version }) => version ?? null },
      {
        title: 'STATE',
        value: stateOf,
        flexible: true,
        style: (text, { usable }) => (usable ? out.style('green', text) : text),
      },
    ],
    executors,
    out.columns,
  )
}

function stateOf({ usable, login, why, next, models }: ExecutorReport): string {
  if (!usable)
    return [why ?? 'It cannot be used.', next].filter((one) => one !== undefined).join(' ')
  const signedIn = { in: ', signed in', out: '', unknown: ', login not known', 'none needed': '' }[
    login
  ]
  const can = models.length === 0 ? '' : `, ${models.slice(0, 5).join(', ')}`
  return `ready${signedIn}${can}`
}
