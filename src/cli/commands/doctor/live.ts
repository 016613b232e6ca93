/**
 * `bzzz doctor --live OWNER/REPO`: tries on a scratch issue what that GitHub allows, and cleans up.
 * It writes to a repository, so it asks first on a terminal, and wants `--yes` without one. 0 when
 * claims can be made there and nothing was left behind, else 1.
 */
import { loadConfig } from '../../../config/index.ts'
import { redact, type Secret } from '../../../secrets/index.ts'
import { probeLive, type LiveReport } from '../../../tasks/index.ts'
import { confirmed } from '../../client/confirm.ts'
import type { Context } from '../../context.ts'
import { exitCodes } from '../../exit.ts'
import { table } from '../../output/table.ts'
import { clean } from '../../output/text.ts'
import { packageVersion } from '../../version.ts'
import { withPlace } from './place.ts'
import { appRights, signInOf } from './sign-in.ts'

export interface LiveOptions {
  repo: string
  issue?: number
  yes?: true
}

export async function doctorLive(context: Context, options: LiveOptions): Promise<number> {
  const { out, signal, globals, env, cwd } = context
  const { repo, issue } = options
  const { config } = await loadConfig({
    flags: globals.home === undefined ? {} : { home: globals.home },
    env,
    cwd,
    configFile: globals.config,
  })
  const { apiUrl, gitUrl, claims, assignee } = config.github
  if (options.yes !== true && !(await agreed(context, repo, apiUrl, issue))) {
    out.message('Nothing was done.')
    return exitCodes.failed
  }
  const stopped = () => out.message('Stopping: what was made is taken away first.')
  signal.addEventListener('abort', stopped, { once: true })
  const report = await withPlace(context, async (place) => {
    const secrets: Secret[] = []
    const signIn = await signInOf(config, context, place, secrets)
    const token = await signIn.token(repo, signal)
    const app = await appRights(signIn, repo, signal)
    const found = await probeLive(
      {
        apiUrl,
        repo,
        dir: place.dir,
        refPrefix: claims.refPrefix,
        ...(gitUrl === undefined ? {} : { gitUrl }),
        ...(issue === undefined ? {} : { issue }),
        ...(app === undefined ? {} : { app }),
        ...(assignee === undefined ? {} : { assignee }),
        token,
        userAgent: `bzzz/${packageVersion()}`,
      },
      { git: place.git, onStep: (title) => out.message(`… ${clean(title)}`) },
      signal,
    )
    return JSON.parse(redact(JSON.stringify(found), secrets)) as LiveReport
  }).finally(() => signal.removeEventListener('abort', stopped))
  if (out.json) await out.document(report)
  else if (out.quiet) {
    for (const { id, result } of report.steps) if (result !== 'yes') await out.data(clean(id))
  } else await out.data(screen(report, context))
  if (signal.aborted) return exitCodes.interrupted
  const good = report.recommended !== null && report.incomplete === null && report.left.length === 0
  return good ? exitCodes.ok : exitCodes.failed
}

function agreed(
  context: Context,
  repo: string,
  apiUrl: string,
  issue: number | undefined,
): Promise<boolean> {
  const what =
    issue === undefined ? 'opens and closes an issue' : `labels and assigns #${issue} for a moment`
  const told = `This ${what} in ${repo} at ${apiUrl}, and makes and removes refs there.`
  return confirmed(context, told)
}

function screen(report: LiveReport, { out }: Context): string {
  const { repo, apiUrl, login, steps, recommended, left, incomplete } = report
  const colours = { yes: 'green', no: 'red', unknown: 'yellow' } as const
  const view = table<LiveReport['steps'][number]>(
    [
      {
        title: 'HOLDS',
        value: ({ result }) => result,
        style: (text, { result }) => out.style(colours[result], text),
      },
      { title: 'WHAT', value: ({ title }) => title },
      { title: 'SEEN', value: ({ seen }) => seen },
    ],
    steps,
  )
  const advice =
    recommended === null
      ? ['No way of claiming was found to hold here.']
      : [
          `For bzzz.yaml: github: { claims: { transport: ${recommended.transport}, refPrefix: ${recommended.refPrefix} } }`,
          recommended.why,
        ]
  return [
    out.style('bold', clean(`${repo} at ${apiUrl}${login === null ? '' : `, as ${login}`}`)),
    ...(steps.length === 0 ? [] : [view, '']),
    ...(incomplete === null ? advice : [`Not finished: ${incomplete}`]).map(clean),
    ...left.flatMap(({ what, next }) => [`Left behind: ${clean(what)}`, `  ${clean(next)}`]),
  ].join('\n')
}
